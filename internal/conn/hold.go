package conn

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// Backoff says how often and after what waits a lost connection is replaced.
type Backoff struct {
	Min, Max time.Duration // of the wait: doubled each time, with jitter down to its half
	Tries    int           // in a row without success, as Retries counts; negative is without end
	First    bool          // the first connection is tried again too
	// Notice is told of each loss and the wait that follows it; nil is none.
	Notice func(err error, wait time.Duration)
}

// Retries counts what failed in a row under a Backoff. A connection that brought nothing
// and ended sooner than the wait before it was long has failed as well: a server that
// accepts and hangs up would be asked for ever. It belongs to one goroutine.
type Retries struct {
	Backoff
	failed int
	waited time.Duration // before the connection at hand
	conn   *Conn
	since  time.Time
}

// Opened says that c stands.
func (t *Retries) Opened(c *Conn) { t.conn, t.since = c, time.Now() }

// Next returns how long to wait before the next try; ok is false where no more are
// allowed.
func (t *Retries) Next() (wait time.Duration, ok bool) {
	if c := t.conn; c != nil {
		t.conn = nil
		if c.useful || time.Since(t.since) > t.waited {
			t.failed = 0
		}
	}
	if t.Backoff.Tries >= 0 && t.failed >= t.Backoff.Tries {
		return 0, false
	}
	t.waited = t.wait(t.failed)
	t.failed++
	return t.waited, true
}

// Hold dials, serves, backs off and dials again with the same session, until serve
// returns nil or an error against which another connection cannot help, tries run
// out, or ctx ends. serve owns the Conn and closes it when it is done.
//
// A CONNECT of ours that was given up without an answer may still be on its way, and a
// server that stood still may take it in after the one that it answered. Then it is
// ourselves who took the session over, and one more try is right.
func Hold(ctx context.Context, cfg *Config, s *session.Session, b Backoff, serve func(context.Context, *Conn) error) error {
	stray := false // a CONNECT without an answer may be on its way
	for t := (Retries{Backoff: b}); ; {
		c, err := Dial(ctx, cfg, s)
		ourselves := false
		if err == nil {
			t.Opened(c)
			if err = serve(ctx, c); err == nil {
				return nil
			}
			c.Abort()
			ourselves, stray = stray && takenOver(err), false
		} else {
			stray = true
		}
		if ctx.Err() != nil || !Lost(err) && !ourselves || !s.Established && !b.First {
			return gone(s, err)
		}
		wait, ok := t.Next()
		if !ok {
			return gone(s, err)
		}
		if b.Notice != nil {
			b.Notice(err, wait)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// gone tells an end that could not be undone from a beginning that failed.
func gone(s *session.Session, err error) error {
	var opening *OpenError
	if s.Established && errors.As(err, &opening) {
		return &ReconnectError{err}
	}
	return err
}

func takenOver(err error) bool {
	var d *Disconnected
	return errors.As(err, &d) && d.Reason == proto.SessionTakenOver
}

// wait returns the pause before try n, which counts from 0.
func (b *Backoff) wait(n int) time.Duration {
	d := b.Min
	for ; n > 0 && d < b.Max; n-- {
		d *= 2
	}
	d = min(d, max(b.Max, b.Min))
	return d/2 + rand.N(d/2+1)
}
