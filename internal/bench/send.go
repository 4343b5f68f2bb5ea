package bench

import (
	"context"
	"errors"
	"math"
	"time"

	"mqtt/internal/conn"
	"mqtt/internal/proto"
)

const (
	turnSize      = 256                     // messages between two looks at the connection
	clockInterval = 8                       // messages of a closed loop between two looks at the clock
	slowWrite     = int64(time.Millisecond) // a longer write means that the socket was full
	minLate       = int64(time.Millisecond) // a message sent later than that counts as late
)

// past is a time at which send must be called again after a look at the connection.
var past = time.Unix(1, 0)

// turn counts the messages of one call of send.
type turn struct {
	sent, warm uint64 // messages of the measured part and of the warm-up
	bytes      uint64 // of payload, in the measured part
	began      int64
	lastSent   int64
	lags       [turnSize]int64 // of the first lagged messages, from due until sent
	lagged     int
}

// send publishes the messages that are due, at most turnSize. next is when it must be
// called again: zero when only the server can allow it, past after a look at the
// connection.
func (c *client) send(ctx context.Context, k *conn.Conn) (next time.Time, err error) {
	r, u := c.run, c.pub
	open := r.plan.Rate > 0
	now := r.now()
	u.endWarmup(r, now)
	t := turn{began: now}
	defer func() {
		if !open {
			t.lastSent = r.now() // all messages have been queued
		}
		c.count(&t)
	}()
	for i := range turnSize {
		if open || i%clockInterval == 0 {
			now = r.now()
		}
		due, next, ready := u.next(r, now, u.msg.QoS == 0 || k.Free() > 0)
		if !ready {
			return next, nil
		}
		u.fill(r, due, now)
		if err := k.Publish(ctx, &u.msg, uint64(due)); err != nil {
			return time.Time{}, c.unsendable(err)
		}
		u.n++
		t.lastSent = now
		if u.warm {
			t.warm++
			continue
		}
		t.sent++
		t.bytes += uint64(len(u.msg.Payload))
		if open {
			t.lags[t.lagged] = c.lag(due, now)
			t.lagged++
		}
	}
	return past, nil
}

// next returns when the next message is due, and whether it must be sent now. If not, it
// returns when send must be called again. free says that the window is not full.
func (u *publisher) next(r *run, now int64, free bool) (due int64, next time.Time, ready bool) {
	open := r.plan.Rate > 0
	due = now
	switch {
	case open:
		due = u.due(r)
	case now < r.warm:
		return 0, r.at(r.warm), false
	}
	if !u.warm && u.n >= u.quota || due >= u.partEnd(r) || now >= r.giveUp.Load() {
		u.endPart(r, now)
		return 0, past, false
	}
	if due > now {
		return 0, r.at(due), false
	}
	if !free {
		u.blockedUntil = math.MaxInt64
		if open {
			return 0, r.at(r.giveUp.Load()), false
		}
		return 0, r.at(u.partEnd(r)), false
	}
	if u.blockedUntil == math.MaxInt64 {
		u.blockedUntil = now
	}
	return due, time.Time{}, true
}

// lag returns how late a message was sent. It also counts why it was late.
func (c *client) lag(due, now int64) int64 {
	u := c.pub
	if now-due > minLate {
		c.update(func(n *counts) {
			n.lateSends++
			switch {
			case due <= u.connectedAt:
				n.lateOffline++
			case due <= u.blockedUntil:
				n.lateBlocked++
			}
		})
	}
	if after := c.run.now(); after-now > slowWrite {
		u.blockedUntil = after
	}
	return now - due
}

// endWarmup begins the measured part when its time has come.
func (u *publisher) endWarmup(r *run, now int64) {
	if u.warm && now >= r.start {
		u.warm, u.warmed, u.n = false, u.n, 0
	}
}

// due returns when the next message is due.
func (u *publisher) due(r *run) int64 {
	start := r.start
	if u.warm {
		start = r.warm
	}
	return start + r.pace.due(u.index, u.n)
}

// partEnd returns the end of the current part. Messages due later are not sent in it.
func (u *publisher) partEnd(r *run) int64 {
	if u.warm {
		return r.start
	}
	return r.end
}

// endPart ends the warm-up, or the publisher.
func (u *publisher) endPart(r *run, now int64) {
	if u.warm && now < r.giveUp.Load() {
		u.warm, u.warmed, u.n = false, u.n, 0
		return
	}
	u.done = true
}

// fill makes u.msg the next message.
func (u *publisher) fill(r *run, due, now int64) {
	p := r.plan
	if u.topic != nil {
		u.topic = p.Topic.Append(u.topic[:0], p.Offset+u.index, u.n)
		u.msg.Topic = u.topic
	}
	if p.Text != nil {
		u.text = p.Text.Append(u.text[:0], p.Offset+u.index, u.n)
		u.msg.Payload = u.text
	}
	if p.Carrier == NoHeader {
		return
	}
	u.header.warm, u.header.seq, u.header.intended = u.warm, u.n, r.epoch+due
	u.header.late = uint32(min((now-due)/1000, math.MaxUint32))
	if u.headerText != nil {
		u.header.putText(u.headerText)
		return
	}
	u.header.put(u.msg.Payload)
}

// unsendable ends a publisher whose messages cannot be sent because of err. It returns err
// if that is the error of a lost connection instead.
func (c *client) unsendable(err error) error {
	var limit *conn.Limit
	var bad *proto.Error
	if !errors.As(err, &limit) && !errors.As(err, &bad) {
		return err
	}
	c.recordError(err, false)
	c.pub.done = true
	return nil
}

// count adds t to the tally.
func (c *client) count(t *turn) {
	if t.sent+t.warm == 0 {
		return
	}
	n := c.tally
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sent += t.sent
	c.pub.sent += t.sent
	if t.sent > 0 && c.run.plan.Rate == 0 && c.run.plan.Subscribers > 0 {
		c.pub.steps.add(t.began-c.run.start, t.sent)
	}
	n.warmSent += t.warm
	n.bytesSent += t.bytes
	if t.sent > 0 {
		n.lastSent = max(n.lastSent, t.lastSent)
	}
	for _, lag := range t.lags[:t.lagged] {
		n.lag.Record(time.Duration(lag))
	}
}
