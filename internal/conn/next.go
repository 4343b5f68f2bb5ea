package conn

import (
	"context"
	"errors"
	"os"
	"time"

	"mqtt/internal/proto"
)

// Next returns the next event. Calling it again acknowledges the Message that it
// returned last, with the reason of Refuse if that was called. It writes what is
// queued before it waits. The end of ctx is ctx's error, and the connection goes on;
// any other error is the connection's end and comes again.
func (c *Conn) Next(ctx context.Context) (Event, error) { return c.NextBy(ctx, time.Time{}) }

// NextBy is Next with a limit, at which it returns Idle. The zero limit is none. A
// limit that has passed is a look without waiting.
func (c *Conn) NextBy(ctx context.Context, limit time.Time) (Event, error) {
	if c.err != nil {
		return Event{}, c.err
	}
	if c.owed.Kind != 0 {
		if err := c.acknowledge(ctx); err != nil {
			return Event{}, err
		}
	}
	for {
		// A frame in the buffer is returned without a look at clock or ctx.
		f, ok, err := c.r.Buffered()
		if err != nil {
			return Event{}, c.violated(err)
		}
		if !ok {
			idle, err := c.wait(ctx, limit)
			if err != nil {
				return Event{}, err
			}
			if idle {
				return Event{Kind: Idle}, nil
			}
			continue
		}
		c.traceReceived(f)
		if f.Type() == proto.PUBLISH {
			fresh, err := c.takePublish(f)
			if err != nil {
				return Event{}, err
			}
			if fresh {
				return Event{Kind: Message, Message: &c.msg}, nil
			}
		} else if ev, err := c.take(f); err != nil || ev.Kind != Idle {
			return ev, err
		}
		if len(c.out) >= enough {
			if err := c.flush(ctx); err != nil {
				return Event{}, err
			}
		}
	}
}

// wait writes what is queued and reads once. idle is true when the owner is to be
// told: the limit has passed or the bell rang.
func (c *Conn) wait(ctx context.Context, limit time.Time) (idle bool, err error) {
	if c.gather() {
		return false, nil
	}
	for {
		if err := c.flush(ctx); err != nil {
			return false, err
		}
		if c.r.Ready() {
			c.clock.read()
			return false, nil // relief took it in while the write was stuck
		}
		c.watch(ctx)
		now := time.Now()
		c.clock.tick(now)
		if c.clock.pongIsLate(now) {
			return false, c.end(&Broken{Op: "keep alive", Err: ErrTimeout})
		}
		if c.clock.pingIsDue(now) { // [MQTT-3.1.2-20]
			if err := c.ping(now); err != nil {
				return false, err
			}
			continue
		}
		// The deadline first, then ctx and the bell: the other order loses a wake
		// that comes between.
		look := !limit.IsZero() && !limit.After(now)
		c.src.look(look, now)
		if !look {
			c.src.until(c.nc, c.clock.nearest(limit), now)
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if c.bell.Load() && c.bell.Swap(false) {
			return true, nil
		}
		err := c.r.Fill()
		if err == nil {
			c.clock.read()
			return false, nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return false, c.broke("read", err)
		}
		c.src.forget()
		if look || !limit.IsZero() && !limit.After(time.Now()) {
			return true, nil
		}
	}
}

// gather reads once more before the queue is written, where the last read filled the
// buffer: what is waiting is to be acknowledged in the same write. It does so once a
// write, so that a flood does not hold the queue back.
func (c *Conn) gather() bool {
	if len(c.out) == 0 || c.more || !c.r.Full() {
		return false
	}
	c.more = true
	c.src.look(true, time.Now())
	if c.r.Fill() != nil {
		return false // an error comes again
	}
	c.clock.read()
	return true
}

// watch makes the end of ctx end a read or write that waits.
func (c *Conn) watch(ctx context.Context) {
	if ctx == c.ctx {
		return
	}
	c.unwatch()
	c.ctx = ctx
	if ctx.Done() == nil {
		return
	}
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		c.nc.SetDeadline(past)
		close(over)
	})
	c.undo = func() {
		if !stop() {
			<-over // so that a deadline set later is not undone
		}
	}
}

func (c *Conn) unwatch() {
	if c.undo != nil {
		c.undo()
	}
	c.ctx, c.undo = nil, nil
}
