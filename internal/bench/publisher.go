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

// publisher is what a client sends, across its connections.
type publisher struct {
	place int    // among the publishers of this process: its turn in the schedule
	quota uint64 // messages of the measured part; MaxUint64 for no bound
	msg   proto.Publish
	topic []byte // where a topic varies
	text  []byte // where a payload does
	head  []byte // of msg's properties: the header's text
	h     header

	n       uint64 // of the part that is being sent: warm-up or measured
	warm    bool
	warmed  uint64 // messages of the warm-up
	ended   bool   // nothing more is to be sent
	told    bool   // and all is acknowledged
	sent    uint64 // of the measured part; this and refused are read by others under the tally's lock
	refused uint64
	upSince int64 // when its connection came up
	stuckTo int64 // until when the server kept it from sending
}

// Bounds of one turn of sending.
const (
	turn     = 256 // messages before a look at what the server says
	reread   = 8   // messages of a closed loop for one look at the clock
	slow     = int64(time.Millisecond)
	noticing = int64(time.Millisecond) // lateness that is worth a count
)

func newPublisher(r *run, place int) *publisher {
	p := r.plan
	u := &publisher{place: place, quota: math.MaxUint64, warm: p.Warmup > 0}
	if p.Messages > 0 {
		u.quota = r.pace.share(place, p.Messages)
	}
	u.h = header{run: r.id, publisher: uint32(p.Offset + place)}
	u.msg = proto.Publish{QoS: p.QoS, Retain: p.Retain, Props: p.Props}
	if p.Topic.Varies() {
		u.topic = make([]byte, 0, 64)
	} else {
		u.msg.Topic = p.Topic.Append(nil, p.Offset+place, 0)
	}
	switch {
	case p.Text != nil:
	case p.Payload != nil:
		u.msg.Payload = p.Payload
	default:
		u.msg.Payload = noise(p.Size)
	}
	if p.Carrier == InProperty {
		u.msg.Props, u.head = withHeader(p.Props)
	}
	return u
}

// noise returns bytes that do not compress.
func noise(n int) []byte {
	b := make([]byte, n)
	for i := 0; i < n; i += 8 {
		x := rand.Uint64()
		for j := i; j < min(i+8, n); j, x = j+1, x>>8 {
			b[j] = byte(x)
		}
	}
	return b
}

// publish sends over one connection: schedule, window and acknowledgements meet here.
func (c *client) publish(ctx context.Context, k *conn.Conn) error {
	c.tellReady()
	u := c.pub
	u.upSince, u.stuckTo = c.run.now(), 0
	if u.head != nil && k.Version() < proto.V5 {
		c.run.headless.Store(true)
	}
	for {
		if done, err := c.leave(ctx, k); done {
			return err
		}
		var limit time.Time
		if !u.ended && c.run.phase.Load() >= sending {
			var err error
			if limit, err = c.send(ctx, k); err != nil {
				return err
			}
		}
		if u.ended && k.Pending() == 0 {
			c.tellPublished()
		}
		ev, err := k.NextBy(ctx, limit)
		if err != nil {
			return err
		}
		if ev.Kind == conn.Delivered {
			c.delivered(k, ev)
		}
	}
}

// delivered counts acknowledgements, all that are at hand. What looks for the next one
// may write and so may wait: no lock is held there.
func (c *client) delivered(k *conn.Conn, ev conn.Event) {
	now := c.run.now()
	for {
		if ev.Kind == conn.Delivered && int64(ev.Tag) >= c.run.start {
			c.answered(ev.Reason, int64(ev.Tag), now)
		}
		if !k.Ready() {
			return
		}
		var err error
		if ev, err = k.NextBy(context.Background(), past); err != nil || ev.Kind == conn.Idle {
			return // an error comes again
		}
	}
}

// answered counts one acknowledgement of a message that was due at a time of the run.
func (c *client) answered(reason proto.Reason, due, now int64) {
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
	c.run.registry.stays(err)
}

// send queues what is due. limit is when to come back: zero when the server decides,
// the past for a look at what it says.
func (c *client) send(ctx context.Context, k *conn.Conn) (limit time.Time, err error) {
	var (
		r, u  = c.run, c.pub
		open  = r.plan.Rate > 0
		lags  [turn]int64
		n     int
		nlags int
		size  uint64
		sent  int64
		warm  uint64
	)
	defer func() {
		if !open {
			sent = r.now() // with all of them queued
		}
		c.count(uint64(n)-warm, warm, size, sent, lags[:nlags])
	}()
	now := r.now()
	u.begin(r, now)
	for ; n < turn; n++ {
		if open || n&(reread-1) == 0 {
			now = r.now()
		}
		if !open && now < r.warm {
			return r.at(r.warm), nil
		}
		due := now
		if open {
			due = u.due(r)
		}
		if !u.warm && u.n >= u.quota || due >= u.until(r) || now >= r.giveUp.Load() {
			u.part(r, now)
			return past, nil
		}
		if due > now {
			return r.at(due), nil
		}
		if u.msg.QoS > 0 && k.Free() == 0 {
			u.stuckTo = math.MaxInt64
			if open {
				return r.at(r.giveUp.Load()), nil
			}
			return r.at(u.until(r)), nil
		}
		if u.stuckTo == math.MaxInt64 {
			u.stuckTo = now
		}
		u.fill(r, due, now)
		if err := k.Publish(ctx, &u.msg, uint64(due)); err != nil {
			return limit, c.unsendable(err)
		}
		u.n++
		sent = now
		if u.warm {
			warm++
			continue
		}
		size += uint64(len(u.msg.Payload))
		if open {
			lags[nlags] = c.late(due, now)
			nlags++
		}
	}
	return past, nil
}

var past = time.Unix(1, 0)

// late returns how late a message left, and counts what kept it from leaving when it was due.
func (c *client) late(due, now int64) int64 {
	u := c.pub
	if now-due > noticing {
		c.note(func(n *counts) {
			n.behind++
			switch {
			case due <= u.upSince:
				n.away++
			case due <= u.stuckTo:
				n.blocked++
			}
		})
	}
	if after := c.run.now(); after-now > slow {
		u.stuckTo = after // the socket took no more
	}
	return now - due
}

// begin moves from the warm-up to the measured part when its time has come.
func (u *publisher) begin(r *run, now int64) {
	if u.warm && now >= r.start {
		u.warm, u.warmed, u.n = false, u.n, 0
	}
}

// due is when the next message is to be sent.
func (u *publisher) due(r *run) int64 {
	from := r.start
	if u.warm {
		from = r.warm
	}
	return from + r.pace.due(u.place, u.n)
}

// until is the end of the part that is being sent: what is due later is not sent.
func (u *publisher) until(r *run) int64 {
	if u.warm {
		return r.start
	}
	return r.end
}

// part ends the warm-up, or everything.
func (u *publisher) part(r *run, now int64) {
	if u.warm && now < r.giveUp.Load() {
		u.warm, u.warmed, u.n = false, u.n, 0
		return
	}
	u.ended = true
}

// fill makes the message the next one.
func (u *publisher) fill(r *run, due, now int64) {
	p := r.plan
	if u.topic != nil {
		u.topic = p.Topic.Append(u.topic[:0], p.Offset+u.place, u.n)
		u.msg.Topic = u.topic
	}
	if p.Text != nil {
		u.text = p.Text.Append(u.text[:0], p.Offset+u.place, u.n)
		u.msg.Payload = u.text
	}
	if p.Carrier == Nowhere {
		return
	}
	u.h.warm, u.h.seq, u.h.intended = u.warm, u.n, r.epoch+due
	u.h.late = uint32(min((now-due)/1000, math.MaxUint32))
	if u.head != nil {
		u.h.putText(u.head)
		return
	}
	u.h.put(u.msg.Payload)
}

// unsendable ends a publisher whose messages cannot be sent; a lost connection comes
// back as it is.
func (c *client) unsendable(err error) error {
	var limit *conn.Limit
	var bad *proto.Error
	if !errors.As(err, &limit) && !errors.As(err, &bad) {
		return err
	}
	c.fault(err, false)
	c.pub.ended = true
	return nil
}

// count hands what was sent to the tally.
func (c *client) count(sent, warm, size uint64, at int64, lags []int64) {
	if sent+warm == 0 {
		return
	}
	t := c.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent += sent
	c.pub.sent += sent
	t.warmSent += warm
	t.bytesSent += size
	if sent > 0 {
		t.lastSent = max(t.lastSent, at)
	}
	for _, lag := range lags {
		t.lag.Record(time.Duration(lag))
	}
}

// clear takes the retained messages of the client back. An error ends it: the
// connection is to be closed anyway.
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
		if n%turn == 0 {
			if _, err := k.NextBy(ctx, past); err != nil {
				return
			}
		}
	}
}
