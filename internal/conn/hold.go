package conn

import (
	"context"
	"math/rand/v2"
	"time"

	"mqtt/internal/session"
)

// Backoff says how often and after what waits a lost connection is replaced.
type Backoff struct {
	Min, Max time.Duration // of the wait: doubled each time, with jitter down to its half
	Tries    int           // in a row without success; negative is without end
	First    bool          // the first connection is tried again too
	// Notice is told of each loss and the wait that follows it; nil is none.
	Notice func(err error, wait time.Duration)
}

// Hold dials, serves, backs off and dials again with the same session, until serve
// returns nil or an error against which another connection cannot help, tries run
// out, or ctx ends. serve owns the Conn and closes it when it is done.
func Hold(ctx context.Context, cfg *Config, s *session.Session, b Backoff, serve func(context.Context, *Conn) error) error {
	for failed := 0; ; {
		c, err := Dial(ctx, cfg, s)
		if err == nil {
			failed = 0
			if err = serve(ctx, c); err == nil {
				return nil
			}
			c.Abort()
		}
		if ctx.Err() != nil || !Lost(err) || !s.Held && !b.First || b.Tries >= 0 && failed >= b.Tries {
			return err
		}
		wait := b.wait(failed)
		failed++
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

// wait returns the pause before try n, which counts from 0.
func (b *Backoff) wait(n int) time.Duration {
	d := b.Min
	for ; n > 0 && d < b.Max; n-- {
		d *= 2
	}
	d = min(d, max(b.Max, b.Min))
	return d/2 + rand.N(d/2+1)
}
