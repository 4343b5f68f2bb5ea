package conn

import (
	"context"
	"time"
)

// Await waits until done is closed, for an owner that is busy elsewhere: a write to stdout that blocks,
// for example. It does not read, so that the server has to wait, too, but it sends PINGREQ when it is
// due: the keep alive does not depend on the output of the owner. The answers come after messages that
// the owner has not read, so a missing answer is not held against the server. What is queued, such as
// acknowledgements, is written first.
//
// An error is ctx's. If the connection ends meanwhile, Await waits on, and Next returns the error.
func (c *Conn) Await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done: // without a timer
		return nil
	default:
	}
	defer c.clock.excuse()
	if c.err == nil && len(c.out) > 0 {
		c.flush(ctx) // Next returns its error again
	}
	for {
		var due <-chan time.Time
		var timer *time.Timer
		if c.err == nil && c.clock.keepAlive > 0 {
			timer = time.NewTimer(time.Until(c.clock.sendDue()))
			due = timer.C
		}
		select {
		case <-done:
		case <-ctx.Done():
		case <-due:
			if c.sendPing(time.Now()) == nil {
				c.flush(ctx) // Next returns its error again
			}
			continue
		}
		if timer != nil {
			timer.Stop()
		}
		select {
		case <-done:
			return nil
		default:
			return ctx.Err()
		}
	}
}
