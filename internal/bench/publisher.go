package bench

import (
	"context"
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
	steps   steps // of sent, in a closed loop

	done         bool  // it sends nothing more
	reported     bool  // the run knows that all is sent and acknowledged
	connectedAt  int64 // when its connection opened
	blockedUntil int64 // until when the server accepted no messages; math.MaxInt64 while the window is full
}

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
