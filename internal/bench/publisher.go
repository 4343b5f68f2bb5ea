package bench

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"time"

	"mqtt/internal/conn"
	"mqtt/internal/proto"
)

// publisher is the sending part of a client. It outlives connections.
type publisher struct {
	index int    // among the publishers of this process, for the schedule
	quota uint64 // messages of the measured part; math.MaxUint64: no limit

	msg        proto.Publish
	topic      []byte // buffer, if the topic varies
	text       []byte // buffer, if the payload varies
	headerText []byte // part of msg.Props
	header     header

	n       uint64 // messages sent in the current part: warm-up or measured
	warm    bool   // the current part is the warm-up
	warmed  uint64 // messages sent in the warm-up
	sent    uint64 // messages sent in the measured part; guarded by the tally, as is refused
	refused uint64

	done         bool  // it sends nothing more
	reported     bool  // the run knows that all is sent and acknowledged
	connectedAt  int64 // when its connection opened
	blockedUntil int64 // until when the server accepted no messages; math.MaxInt64 while the window is full
}

const (
	turnSize      = 256                     // messages between two looks at the connection
	clockInterval = 8                       // messages of a closed loop between two looks at the clock
	slowWrite     = int64(time.Millisecond) // a longer write means that the socket was full
	minLate       = int64(time.Millisecond) // a message sent later than that counts as late
)

func newPublisher(r *run, index int) *publisher {
	p := r.plan
	u := &publisher{index: index, quota: math.MaxUint64, warm: p.Warmup > 0}
	if p.Messages > 0 {
		u.quota = r.pace.share(index, p.Messages)
	}
	u.header = header{run: r.id, publisher: uint32(p.Offset + index)}
	u.msg = proto.Publish{QoS: p.QoS, Retain: p.Retain, Props: p.Props}
	if p.Topic.Varies() {
		u.topic = make([]byte, 0, 64)
	} else {
		u.msg.Topic = p.Topic.Append(nil, p.Offset+index, 0)
	}
	switch {
	case p.Text != nil:
	case p.Payload != nil:
		u.msg.Payload = p.Payload
	default:
		u.msg.Payload = randomBytes(p.Size)
	}
	if p.Carrier == InProperty {
		u.msg.Props, u.headerText = withHeader(p.Props)
	}
	return u
}

// randomBytes returns n bytes that do not compress.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	for i := 0; i < n; i += 8 {
		x := rand.Uint64()
		for j := i; j < min(i+8, n); j, x = j+1, x>>8 {
			b[j] = byte(x)
		}
	}
	return b
}

// publish sends messages over one connection until the client leaves it. It follows the
// schedule, the inflight window and the acknowledgements.
func (c *client) publish(ctx context.Context, k *conn.Conn) error {
	c.signalReady()
	u := c.pub
	u.connectedAt, u.blockedUntil = c.run.now(), 0
	if u.headerText != nil && k.Version() < proto.V5 {
		c.run.withoutHeader.Store(true)
	}
	for {
		if done, err := c.leave(ctx, k); done {
			return err
		}
		var next time.Time
		if !u.done && c.run.phase.Load() >= sending {
			var err error
			if next, err = c.send(ctx, k); err != nil {
				return err
			}
		}
		if u.done && k.Pending() == 0 {
			c.signalPublished()
		}
		ev, err := k.NextBy(ctx, next)
		if err != nil {
			return err
		}
		if ev.Kind == conn.Delivered {
			c.delivered(k, ev)
		}
	}
}

// delivered counts the acknowledgement ev and all others that have been read. It holds no
// lock while it takes the next one, because that may write and so may block.
func (c *client) delivered(k *conn.Conn, ev conn.Event) {
	now := c.run.now()
	for {
		if ev.Kind == conn.Delivered && int64(ev.Tag) >= c.run.start {
			c.acknowledged(ev.Reason, int64(ev.Tag), now)
		}
		if !k.Ready() {
			return
		}
		var err error
		if ev, err = k.NextBy(context.Background(), past); err != nil || ev.Kind == conn.Idle {
			return // NextBy will return the error again
		}
	}
}

// acknowledged counts the acknowledgement of a message that was due at a time of the run.
func (c *client) acknowledged(reason proto.Reason, due, now int64) {
	t := c.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastAnswered = max(t.lastAnswered, now)
	if !reason.Failed() {
		t.acked++
		t.ack.Record(time.Duration(now - due))
		return
	}
	c.pub.refused++
	t.refused++
	t.errors++
	err := &PublishError{reason}
	c.run.registry.failed("publish", err)
	c.run.registry.setPermanent(err)
}

// past is a time at which send must be called again after a look at the connection.
var past = time.Unix(1, 0)

// turn counts the messages of one call of send.
type turn struct {
	sent, warm uint64 // messages of the measured part and of the warm-up
	bytes      uint64 // of payload, in the measured part
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
	var t turn
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
	n.warmSent += t.warm
	n.bytesSent += t.bytes
	if t.sent > 0 {
		n.lastSent = max(n.lastSent, t.lastSent)
	}
	for _, lag := range t.lags[:t.lagged] {
		n.lag.Record(time.Duration(lag))
	}
}

// clear removes the retained messages of the client. It returns at the first error: the
// connection will be closed in any case.
func (c *client) clear(ctx context.Context, k *conn.Conn) {
	u, r := c.pub, c.run
	topics := uint64(1)
	if r.plan.Topic.Varies() {
		topics = max(u.n, u.warmed)
	}
	for n := range topics {
		p := proto.Publish{Retain: true, Topic: r.plan.Topic.Append(nil, c.number, n)}
		if k.Publish(ctx, &p, 0) != nil {
			return
		}
		if n%turnSize == 0 {
			if _, err := k.NextBy(ctx, past); err != nil {
				return
			}
		}
	}
}
