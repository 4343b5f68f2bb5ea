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
	"mqtt/internal/transport"
)

// connect sends CONNECT, the first packet [MQTT-3.1.0-1], answers AUTH, and handles CONNACK. No
// other packet is sent before CONNACK [MQTT-3.1.2-30].
func (c *Conn) connect(ctx context.Context) error {
	hello, err := c.connectPacket()
	if err != nil {
		return err
	}
	if err := c.queue(hello); err != nil {
		return err
	}
	if err := c.flush(ctx); err != nil {
		return beforeConnack(ctx, err)
	}
	f, err := c.authenticate(ctx)
	if err != nil {
		return err
	}
	switch f.Type() {
	case proto.CONNACK:
		if c.v >= proto.V5 && acceptsAsV311(f) {
			return c.refuseOldConnack()
		}
		var p proto.Connack
		if err := p.Decode(f, c.v); err != nil {
			return c.protocolError(err)
		}
		return c.handleConnack(ctx, &p, hello)
	case proto.DISCONNECT:
		var p proto.Disconnect
		if err := p.Decode(f, c.v); err != nil {
			return c.protocolError(err)
		}
		return &Disconnected{Reason: p.Reason, Props: append(proto.Props(nil), p.Props...)}
	}
	return c.protocolError(&proto.Error{Type: f.Type(), Reason: proto.ProtocolError, What: "came before CONNACK"})
}

// connectPacket returns the CONNECT of this connection, with the identifier of the session. A
// session that exists already is resumed. Before version 5 the packet has no properties.
func (c *Conn) connectPacket() (*proto.Connect, error) {
	hello := c.cfg.Connect
	if c.sess.ID != "" {
		hello.ClientID = c.sess.ID
	}
	if c.cfg.Password != nil {
		var err error
		if hello.Password, err = c.cfg.Password(); err != nil {
			return nil, &OpenError{Err: err}
		}
	}
	if c.v < proto.V5 {
		hello.Props = nil
		if hello.Will != nil {
			will := *hello.Will
			will.Props = nil
			hello.Will = &will
		}
		return &hello, nil
	}
	if c.sess.Established && hello.Props.Num(proto.SessionExpiryInterval, 0) > 0 {
		hello.CleanStart = false
	}
	if c.cfg.Auth != nil {
		var err error
		if hello.Props, err = c.beginAuth(hello.Props); err != nil {
			return nil, err
		}
	}
	return &hello, nil
}

// authenticate answers AUTH packets and returns the first packet of another type.
func (c *Conn) authenticate(ctx context.Context) (proto.Frame, error) {
	for {
		f, err := c.readFirst(ctx)
		if err != nil || f.Type() != proto.AUTH {
			return f, err
		}
		var p proto.Auth
		if err := p.Decode(f, c.v); err != nil {
			return f, c.protocolError(err)
		}
		answer, err := c.answerAuth(&p)
		if err != nil {
			var v *Violation
			if errors.As(err, &v) {
				return f, c.protocolError(v.Err)
			}
			return f, err
		}
		if err := c.queue(answer); err != nil {
			return f, err
		}
		if err := c.flush(ctx); err != nil {
			return f, beforeConnack(ctx, err)
		}
	}
}

// readFirst reads a packet before CONNACK, when no keep alive is in force yet.
func (c *Conn) readFirst(ctx context.Context) (proto.Frame, error) {
	for {
		if err := c.src.foreignError(); err != nil {
			return proto.Frame{}, err
		}
		f, ok, err := c.r.Buffered()
		if err != nil {
			return f, c.protocolError(err)
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
			return f, beforeConnack(ctx, &Broken{Op: "read", Err: err})
		}
	}
}

// beforeConnack returns the error for a stream that failed with err before CONNACK.
func beforeConnack(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &OpenError{Err: ErrSilent}
	}
	var closed *transport.CloseError // a WebSocket Close frame
	if errors.As(err, &closed) {
		return &OpenError{Err: fmt.Errorf("%w: %w", ErrHungUp, closed)}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || transport.IsReset(err) ||
		errors.Is(err, io.ErrClosedPipe) {
		return &OpenError{Err: ErrHungUp}
	}
	return &OpenError{Err: err}
}

// cancelConnect sends DISCONNECT if the owner gave up after CONNECT was sent. A server that accepts
// the connection would otherwise take the end of the stream for a lost client, and publish the will
// [MQTT-3.1.2-8]. A server that refuses ignores it [MQTT-3.1.4-6]. During an authentication
// exchange it must not be sent [MQTT-3.1.2-30].
func (c *Conn) cancelConnect() {
	if c.err != nil || len(c.out) > 0 || c.cfg.Auth != nil { // the connection has ended, or CONNECT was not sent
		return
	}
	if c.queue(&proto.Disconnect{}) == nil {
		c.unwatch()
		c.nc.SetWriteDeadline(time.Now().Add(graceTime))
		c.nc.Write(c.out)
	}
}

// acceptsAsV311 reports whether a CONNACK accepts the connection in the form of version 3.1.1,
// which has no property length. Servers that ignore the protocol level send it.
func acceptsAsV311(f proto.Frame) bool {
	return len(f.Body) == 2 && f.Body[0] <= 1 && f.Body[1] == 0
}

// refuseOldConnack ends a connection that the server accepted in the form of version 3.1.1. The
// DISCONNECT is the same in all versions, and keeps the server from publishing the will.
func (c *Conn) refuseOldConnack() error {
	if c.queue(&proto.Disconnect{}) == nil {
		c.writeLast()
	}
	return c.fail(&Violation{Err: ErrOldConnack})
}

// handleConnack checks a CONNACK, adopts the server's limits, and resumes the session.
func (c *Conn) handleConnack(ctx context.Context, p *proto.Connack, hello *proto.Connect) error {
	if p.Reason != proto.Success {
		return &Refused{Version: c.v, Reason: p.Reason, Props: append(proto.Props(nil), p.Props...)} // [MQTT-4.13.2-1]
	}
	if p.SessionPresent && hello.CleanStart { // [MQTT-3.2.2-4]
		return c.protocolError(&proto.Error{Type: proto.CONNACK, Reason: proto.ProtocolError,
			What: "session present after a clean start"})
	}
	if c.exchange == nil && (p.Props.Has(proto.AuthenticationMethod) || p.Props.Has(proto.AuthenticationData)) { // [MQTT-4.12.0-6]
		return c.protocolError(&proto.Error{Type: proto.CONNACK, Reason: proto.ProtocolError,
			What: "an authentication method although CONNECT had none"})
	}
	if c.exchange != nil {
		if err := c.finishAuth(proto.CONNACK, p.Props); err != nil {
			return c.protocolError(err)
		}
	}
	c.server = readServer(p, hello.KeepAlive)
	c.clock.keepAlive = c.server.KeepAlive
	c.clock.received = time.Now()
	c.sess.ID = hello.ClientID
	if c.server.AssignedID != "" {
		c.sess.ID = c.server.AssignedID
	}
	switch {
	case c.v >= proto.V5: // the server's value takes precedence
		asked := hello.Props.Num(proto.SessionExpiryInterval, 0)
		c.expiry = p.Props.Num(proto.SessionExpiryInterval, asked)
		if c.expiry < asked && !c.sess.Established && c.cfg.Shortened != nil {
			c.cfg.Shortened(asked, c.expiry)
		}
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
