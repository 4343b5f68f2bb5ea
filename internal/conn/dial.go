package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/session"
	"mqtt/internal/transport"
)

// Dial connects from CONNECT to CONNACK and resumes what the session holds. A
// failure is an *Opening, which ErrHungUp is where the server closed before it
// answered, a *Refused, a *Disconnected, a *Violation, a *Limit where a message in
// flight is more than this server takes, or ctx's error.
func Dial(ctx context.Context, cfg *Config, s *session.Session) (*Conn, error) {
	within, cancel := ctx, context.CancelFunc(func() {})
	if cfg.Timeout > 0 {
		within, cancel = context.WithTimeoutCause(ctx, cfg.Timeout, fmt.Errorf("no connection within %v", cfg.Timeout))
	}
	defer cancel()
	c, err := dial(within, cfg, s)
	var opening *OpenError
	switch {
	case err == nil || within.Err() == nil || !errors.As(err, &opening) && !errors.Is(err, within.Err()):
		return c, err
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, &OpenError{Err: fmt.Errorf("%w: %w", context.Cause(within), err)}
}

// dial speaks the version that was settled on, or settles on one.
func dial(ctx context.Context, cfg *Config, s *session.Session) (*Conn, error) {
	v := s.Version
	if v == 0 {
		v = cfg.Connect.Version
	}
	c, err := dialVersion(ctx, cfg, s, v)
	if err != nil && v == proto.V5 && cfg.Fallback && !s.Established && ctx.Err() == nil && notFive(err) {
		v = proto.V311
		c, err = dialVersion(ctx, cfg, s, v)
	}
	if err == nil {
		s.Established, s.Version = true, v
	}
	return c, err
}

// notFive tells whether err may mean that the server does not know version 5: it
// says so, or hangs up.
func notFive(err error) bool {
	var r *Refused
	if errors.As(err, &r) {
		return r.Reason == proto.UnsupportedProtocolVersion
	}
	return errors.Is(err, ErrHungUp)
}

func dialVersion(ctx context.Context, cfg *Config, s *session.Session, v proto.Version) (*Conn, error) {
	nc, err := cfg.Dial(ctx, v)
	if err != nil {
		return nil, &OpenError{Err: err}
	}
	if cfg.Connected != nil {
		cfg.Connected()
	}
	c := &Conn{cfg: cfg, nc: nc, v: v, sess: s}
	c.src.open(nc)
	c.server.MaximumQoS, c.server.RetainAvailable = 2, true
	c.inMax = int(cfg.Connect.Props.Num(proto.ReceiveMaximum, 65535))
	max := packetSize(cfg.Connect.Props)
	if v >= proto.V5 {
		c.aliasMax = int(cfg.Connect.Props.Num(proto.TopicAliasMaximum, 0))
	} else {
		c.inMax, max = 65535, 0
	}
	c.r = proto.NewReader(&c.src, max)
	if err := c.open(ctx); err != nil {
		if ctx.Err() != nil {
			c.takeBack()
		}
		c.end(err)
		return nil, err
	}
	c.unwatch() // the dial's own limit is over
	return c, nil
}

// open sends CONNECT, the first packet [MQTT-3.1.0-1], and reads up to CONNACK.
// Nothing else is sent before that but AUTH [MQTT-3.1.2-30].
func (c *Conn) open(ctx context.Context) error {
	hello := c.cfg.Connect
	if c.sess.ID != "" {
		hello.ClientID = c.sess.ID
	}
	if c.v < proto.V5 {
		hello.Props = nil
		if hello.Will != nil {
			will := *hello.Will
			will.Props = nil
			hello.Will = &will
		}
	} else {
		if c.sess.Established && hello.Props.Num(proto.SessionExpiryInterval, 0) > 0 {
			hello.CleanStart = false
		}
		if c.cfg.Auth != nil {
			var err error
			if hello.Props, err = c.begin(hello.Props); err != nil {
				return err
			}
		}
	}
	if err := c.queue(&hello); err != nil {
		return err
	}
	if err := c.flush(ctx); err != nil {
		return early(ctx, err)
	}
	for {
		f, err := c.first(ctx)
		if err != nil {
			return err
		}
		switch f.Type() {
		case proto.CONNACK:
			var p proto.Connack
			if err := p.Decode(f, c.v); err != nil {
				return c.violated(err)
			}
			return c.accepted(ctx, &p, &hello)
		case proto.AUTH:
			var p proto.Auth
			if err := p.Decode(f, c.v); err != nil {
				return c.violated(err)
			}
			answer, err := c.answerAuth(&p)
			if err != nil {
				var v *Violation
				if errors.As(err, &v) {
					return c.violated(v.Err)
				}
				return err
			}
			if err := c.queue(answer); err != nil {
				return err
			}
			if err := c.flush(ctx); err != nil {
				return early(ctx, err)
			}
		case proto.DISCONNECT:
			var p proto.Disconnect
			if err := p.Decode(f, c.v); err != nil {
				return c.violated(err)
			}
			return &Disconnected{Reason: p.Reason, Props: append(proto.Props(nil), p.Props...)}
		default:
			return c.violated(&proto.Error{Type: f.Type(), Reason: proto.ProtocolError, What: "came before CONNACK"})
		}
	}
}

// takeBack says goodbye where the owner gave up between CONNECT and CONNACK: a server that
// accepts would take the end of the stream for a loss, and publish the will
// [MQTT-3.1.2-8]. One that refuses does not look at it [MQTT-3.1.4-6]. In an exchange of
// AUTH it may not be sent [MQTT-3.1.2-30].
func (c *Conn) takeBack() {
	if c.err != nil || len(c.out) > 0 || c.cfg.Auth != nil { // it has ended, or CONNECT is not out
		return
	}
	if c.queue(&proto.Disconnect{}) == nil {
		c.unwatch()
		c.nc.SetWriteDeadline(time.Now().Add(lastWords))
		c.nc.Write(c.out)
	}
}

// first reads a packet before the connection stands: there is no keep alive yet.
func (c *Conn) first(ctx context.Context) (proto.Frame, error) {
	for {
		if err := c.src.foreign(); err != nil {
			return proto.Frame{}, err
		}
		f, ok, err := c.r.Buffered()
		if err != nil {
			return f, c.violated(err)
		}
		if ok {
			c.traceReceived(f)
			return f, nil
		}
		c.watch(ctx)
		c.nc.SetReadDeadline(time.Time{})
		if err := ctx.Err(); err != nil {
			return f, err
		}
		if err := c.r.Fill(); err != nil {
			return f, early(ctx, &Broken{Op: "read", Err: err})
		}
	}
}

// early makes err what it means before CONNACK.
func early(ctx context.Context, err error) error {
	var closed *transport.CloseError // a WebSocket's way to hang up
	if ctx.Err() != nil {
		return &OpenError{Err: ErrSilent}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || transport.IsReset(err) ||
		errors.Is(err, io.ErrClosedPipe) || errors.As(err, &closed) {
		return &OpenError{Err: ErrHungUp}
	}
	return &OpenError{Err: err}
}

// accepted takes in a CONNACK.
func (c *Conn) accepted(ctx context.Context, p *proto.Connack, hello *proto.Connect) error {
	if p.Reason != proto.Success {
		return &Refused{Version: c.v, Reason: p.Reason, Props: append(proto.Props(nil), p.Props...)} // [MQTT-4.13.2-1]
	}
	wrong := func(what string) error {
		return c.violated(&proto.Error{Type: proto.CONNACK, Reason: proto.ProtocolError, What: what})
	}
	if p.SessionPresent && hello.CleanStart {
		return wrong("session present although a clean start was asked for") // [MQTT-3.2.2-4]
	}
	if c.exchange != nil {
		if err := c.finishAuth(proto.CONNACK, p.Props); err != nil {
			return c.violated(err)
		}
	}
	c.server = readServer(p, hello.KeepAlive)
	c.clock.keepAlive = c.server.KeepAlive
	c.clock.got = time.Now()
	switch {
	case c.server.AssignedID != "":
		c.sess.ID = c.server.AssignedID
	default:
		c.sess.ID = hello.ClientID
	}
	switch {
	case c.v >= proto.V5: // the server's word counts, where it has one
		c.expiry = p.Props.Num(proto.SessionExpiryInterval, hello.Props.Num(proto.SessionExpiryInterval, 0))
	case !hello.CleanStart:
		c.expiry = math.MaxUint32
	}
	window := c.cfg.Window
	if window <= 0 {
		window = DefaultWindow
	}
	c.sess.Sender.Limit(min(window, c.server.ReceiveMaximum, 65535)) // [MQTT-4.9.0-1]
	return c.resume(ctx)
}
