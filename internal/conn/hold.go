package conn

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// Backoff says how often a lost connection is opened again, and how long to wait before.
type Backoff struct {
	Min, Max time.Duration // of the wait, which doubles with each attempt and is in part random
	Tries    int           // failed attempts in a row, as Retries counts them; negative means no limit
	First    bool          // also retry if the first connection fails
	// Notice, if not nil, is called after each loss, with the wait that follows.
	Notice func(err error, wait time.Duration)
}

// Retries counts failed attempts in a row. A connection that brought no message or acknowledgement,
// and ended sooner than the wait before it, counts as failed too: without that, a server that
// accepts connections and closes them would be asked forever. It belongs to one goroutine.
type Retries struct {
	Backoff
	failed int
	waited time.Duration // before the current connection
	conn   *Conn
	since  time.Time // when conn was opened
}

// Opened records that c was opened.
func (t *Retries) Opened(c *Conn) { t.conn, t.since = c, time.Now() }

// Next returns how long to wait before the next attempt. ok is false if no more are allowed.
func (t *Retries) Next() (wait time.Duration, ok bool) {
	if c := t.conn; c != nil {
		t.conn = nil
		if c.productive || time.Since(t.since) > t.waited {
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

// Hold dials and calls serve, and repeats that with the same session after a wait. It returns nil
// if serve returns nil. It returns the error if Lost reports false for it, if no more attempts are
// allowed, or if ctx ends. serve owns the Conn, and closes it when it is done.
//
// If a dial was given up, its CONNECT may still be on its way, and a stalled server may handle it
// after a later one. That CONNECT takes over our own session, so Hold makes one more attempt after
// such a takeover.
func Hold(ctx context.Context, cfg *Config, s *session.Session, b Backoff, serve func(context.Context, *Conn) error) error {
	stray := false // a CONNECT without an answer may be on its way
	for t := (Retries{Backoff: b}); ; {
		c, err := Dial(ctx, cfg, s)
		byOurselves := false
		if err == nil {
			t.Opened(c)
			if err = serve(ctx, c); err == nil {
				return nil
			}
			c.Abort()
			byOurselves, stray = stray && takenOver(err), false
		} else {
			stray = true
		}
		if ctx.Err() != nil || !Lost(err) && !byOurselves || !s.Established && !b.First {
			return reconnectError(s, err)
		}
		wait, ok := t.Next()
		if !ok {
			return reconnectError(s, err)
		}
		if b.Notice != nil {
			b.Notice(err, wait)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return &Interrupted{Err: ctx.Err(), During: err, Waiting: true}
		}
	}
}

// reconnectError wraps an *OpenError in a *ReconnectError if there was a connection before.
func reconnectError(s *session.Session, err error) error {
	var open *OpenError
	if s.Established && errors.As(err, &open) {
		return &ReconnectError{err}
	}
	return err
}

func takenOver(err error) bool {
	var d *Disconnected
	return errors.As(err, &d) && d.Reason == proto.SessionTakenOver
}

// wait returns the wait before attempt n, which counts from 0.
func (b *Backoff) wait(n int) time.Duration {
	d := b.Min
	for ; n > 0 && d < b.Max; n-- {
		d *= 2
	}
	d = min(d, max(b.Max, b.Min))
	low, high := max(b.Min, d-d/4), min(d+d/2, max(b.Max, b.Min))
	return low + rand.N(high-low+1)
}
