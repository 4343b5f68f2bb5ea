package conn

import (
	"context"
	"errors"
	"os"
	"time"

	"mqtt/internal/proto"
)

// Next returns the next event. It acknowledges the Message that the previous call returned, with
// the reason of Refuse if that was called, and writes the queue before it waits. If ctx ends, Next
// returns ctx's error and the connection continues. Any other error ends the connection, and is
// returned by all later calls.
func (c *Conn) Next(ctx context.Context) (Event, error) { return c.NextBy(ctx, time.Time{}) }

// NextBy is like Next, but returns Idle when limit has passed. A zero limit means none. If limit
// has passed already, NextBy does not wait.
func (c *Conn) NextBy(ctx context.Context, limit time.Time) (Event, error) {
	if c.err != nil {
		return Event{}, c.err
	}
	if c.violation != nil {
		c.dropUnconfirmed()
		return Event{}, c.protocolError(c.violation)
	}
	if c.pendingAck.Kind != 0 {
		if err := c.acknowledge(ctx); err != nil {
			return Event{}, err
		}
	}
	for {
		// A packet in the buffer is handled without a look at the clock or ctx.
		f, ok, err := c.r.Buffered()
		if err != nil {
			return c.ended(c.protocolError(err))
		}
		if !ok {
			if c.unsettled() {
				return Event{Kind: Idle}, nil // the owner calls Confirm before the next wait
			}
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
			fresh, err := c.handlePublish(f)
			if err != nil {
				return c.ended(err)
			}
			if fresh {
				return Event{Kind: Message, Message: &c.msg}, nil
			}
		} else if ev, err := c.handle(f); err != nil {
			return c.ended(err)
		} else if ev.Kind != Idle {
			return ev, nil
		}
		if len(c.out) >= flushSize {
			if err := c.flush(ctx); err != nil {
				return Event{}, err
			}
		}
	}
}

// ended returns err, or an Idle event if the connection ends only after the owner could confirm the
// messages that came before.
func (c *Conn) ended(err error) (Event, error) {
	if c.violation != nil && c.err == nil {
		return Event{Kind: Idle}, nil
	}
	return Event{}, err
}

// wait writes the queue and reads once. idle reports that limit has passed or Wake was called.
func (c *Conn) wait(ctx context.Context, limit time.Time) (idle bool, err error) {
	if c.gather() {
		return false, nil
	}
	for {
		if err := c.flush(ctx); err != nil {
			return false, err
		}
		if c.r.Ready() { // relief has read while the write was stuck
			c.clock.noteRead()
			return false, nil
		}
		c.watch(ctx)
		now := time.Now()
		pinged, err := c.checkKeepAlive(now)
		if err != nil {
			return false, err
		}
		if pinged {
			continue // PINGREQ is queued
		}
		// The deadline is set before ctx and woken are read: in the other order a wake-up in
		// between would be lost.
		poll := !limit.IsZero() && !limit.After(now)
		c.src.poll(poll, now)
		if !poll {
			c.src.set(c.nc, c.clock.deadline(limit), now)
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if c.woken.Load() && c.woken.Swap(false) {
			return true, nil
		}
		err = c.r.Fill()
		if err == nil {
			c.clock.noteRead()
			return false, nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return false, c.streamFailed("read", err)
		}
		c.src.invalidate()
		if poll || !limit.IsZero() && !limit.After(time.Now()) {
			return true, nil
		}
	}
}

// checkKeepAlive queues PINGREQ when it is due [MQTT-3.1.2-20]. It ends the connection if the last
// one was not answered in time.
func (c *Conn) checkKeepAlive(now time.Time) (pinged bool, err error) {
	c.clock.tick(now)
	if !c.clock.pongDue.IsZero() && !now.Before(c.clock.pongDue) {
		// PINGREQ may follow megabytes that are still on their way.
		if queue := c.src.unacked(); queue >= 0 && queue < c.unacked {
			c.unacked, c.clock.heard = queue, true
		}
	}
	if c.clock.pongIsLate(now) {
		return false, c.fail(&Broken{Op: "keep alive", Err: ErrTimeout})
	}
	if !c.clock.pingIsDue(now) {
		return false, nil
	}
	c.unacked = c.src.unacked()
	return true, c.sendPing(now)
}

// gather reads once more before the queue is written if the last read filled the buffer, so that
// more packets are acknowledged with one write. It does so once per write: a flood of packets must
// not keep the queue from being written.
func (c *Conn) gather() bool {
	if len(c.out) == 0 || c.gathered || !c.r.Full() {
		return false
	}
	c.gathered = true
	c.src.poll(true, time.Now())
	if c.r.Fill() != nil {
		return false // the next read returns the error again
	}
	c.clock.noteRead()
	return true
}

// watch makes the end of ctx end blocked reads and writes.
func (c *Conn) watch(ctx context.Context) {
	if ctx == c.ctx {
		return
	}
	c.unwatch()
	c.ctx = ctx
	if ctx.Done() == nil {
		return
	}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		c.nc.SetDeadline(past)
		close(done)
	})
	c.stopWatch = func() {
		if !stop() {
			<-done // it must not overwrite a deadline that is set later
		}
	}
}

func (c *Conn) unwatch() {
	if c.stopWatch != nil {
		c.stopWatch()
	}
	c.ctx, c.stopWatch = nil, nil
}
