package conn

import (
	"context"
	"errors"
	"fmt"

	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// Dial opens a connection, from cfg.Dial to CONNACK, and queues the session's messages in flight.
//
// An error is a *Refused, *Denied, *Disconnected or *Violation if the server answered, a *Limit if
// it does not accept a message in flight, or else an *OpenError, which wraps ErrHungUp if the
// server closed the stream before it answered. If ctx ends, the error is an *Interrupted, which
// wraps ctx's.
func Dial(ctx context.Context, cfg *Config, s *session.Session) (*Conn, error) {
	within, cancel := ctx, context.CancelFunc(func() {})
	if cfg.Timeout > 0 {
		within, cancel = context.WithTimeoutCause(ctx, cfg.Timeout, fmt.Errorf("no connection within %v", cfg.Timeout))
	}
	defer cancel()
	c, err := dial(within, cfg, s)
	var open *OpenError
	switch {
	case err == nil || within.Err() == nil || !errors.As(err, &open) && !errors.Is(err, within.Err()):
		return c, err
	case ctx.Err() != nil:
		return nil, &Interrupted{Err: ctx.Err(), During: err}
	}
	return nil, &OpenError{Err: fmt.Errorf("%w: %w", context.Cause(within), err)}
}

// dial dials with the session's version, or else with the configured one and its fallback.
//
// A server that closes the stream may not know version 5, or may only have been restarted. It is
// asked twice before the fallback, and again by the next connection of the session.
func dial(ctx context.Context, cfg *Config, s *session.Session) (*Conn, error) {
	v := s.Version
	if v == 0 || s.Guessed && cfg.Fallback {
		v = cfg.Connect.Version
	}
	c, err := dialVersion(ctx, cfg, s, v)
	guessed := false
	if v == proto.V5 && cfg.Fallback && (!s.Established || s.Guessed) {
		if errors.Is(err, ErrHungUp) && ctx.Err() == nil && !s.Guessed {
			c, err = dialVersion(ctx, cfg, s, v)
		}
		if err != nil && ctx.Err() == nil && mayNotKnowV5(err) {
			why := err
			v, guessed = proto.V311, errors.Is(err, ErrHungUp)
			c, err = dialVersion(ctx, cfg, s, v)
			if cfg.FellBack != nil && (err == nil || Class(err) == ClassRefused) {
				cfg.FellBack(why)
			}
		}
	}
	if err == nil {
		s.Established, s.Version, s.Guessed = true, v, guessed
	}
	return c, err
}

// mayNotKnowV5 reports whether err may mean that the server does not implement version 5: it
// refused the version, closed the stream, or answered in the form of version 3.1.1.
func mayNotKnowV5(err error) bool {
	var r *Refused
	if errors.As(err, &r) {
		return r.Reason == proto.UnsupportedProtocolVersion
	}
	return errors.Is(err, ErrHungUp) || errors.Is(err, ErrOldConnack)
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
	c.receiveMax = int(cfg.Connect.Props.Num(proto.ReceiveMaximum, 65535))
	max := packetSize(cfg.Connect.Props)
	if v >= proto.V5 {
		c.aliasMax = int(cfg.Connect.Props.Num(proto.TopicAliasMaximum, 0))
	} else {
		c.receiveMax, max = 65535, 0
	}
	c.r = proto.NewReader(&c.src, max)
	if err := c.connect(ctx); err != nil {
		if ctx.Err() != nil {
			c.cancelConnect()
		}
		c.fail(err)
		return nil, err
	}
	c.unwatch() // ctx bounds the dial only
	return c, nil
}
