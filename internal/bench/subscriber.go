package bench

import (
	"context"
	"errors"
	"time"

	"mqtt/internal/conn"
	"mqtt/internal/proto"
)

// subscriber is what a client receives, across its connections.
type subscriber struct {
	filter string // without the group
	ledger *ledger
	shared bool
	held   bool // the server granted the filter
}

// subscribe subscribes and takes messages over one connection.
func (c *client) subscribe(ctx context.Context, k *conn.Conn) error {
	s := c.sub
	if !s.held || !k.Server().SessionPresent {
		if err := c.ask(ctx, k); err != nil {
			return err
		}
	}
	c.tellReady()
	for {
		if done, err := c.leave(ctx, k); done {
			return err
		}
		ev, err := k.Next(ctx)
		if err != nil {
			return err
		}
		if ev.Kind == conn.Message {
			c.received(k, ev)
		}
	}
}

// ask subscribes and waits for SUBACK; messages that come before it count.
func (c *client) ask(ctx context.Context, k *conn.Conn) error {
	s, p := c.sub, c.run.plan
	filter := s.filter
	if p.Shared != "" {
		filter = "$share/" + p.Shared + "/" + filter
	}
	start := time.Now()
	req := &proto.Subscribe{Props: p.SubProp, Filters: []proto.Subscription{{Filter: filter, QoS: p.QoS}}}
	if err := k.Send(ctx, req); err != nil {
		return err
	}
	for {
		ev, err := k.Next(ctx)
		if err != nil {
			return err
		}
		switch {
		case ev.Kind == conn.Message:
			c.received(k, ev)
		case ev.Kind == conn.Answer:
			a, ok := ev.Answer.(*proto.Suback)
			if !ok {
				continue
			}
			var refused *conn.SubscribeError
			if err := conn.Granted(req.Filters, a)[0]; errors.As(err, &refused) {
				return err
			}
			c.run.registry.subscribed(time.Since(start))
			if !s.held {
				s.held = true
				c.run.join(c, byte(a.Reasons[0]))
			}
			return nil
		}
	}
}

// received counts messages, all that are at hand. They are timed by the look at the
// clock behind the read that brought them. What looks for the next one may write and
// so may wait: no lock is held there.
func (c *client) received(k *conn.Conn, ev conn.Event) {
	now := c.run.now()
	for {
		if ev.Kind == conn.Message {
			c.take(ev.Message, now)
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

// take counts one message.
func (c *client) take(m *proto.Publish, now int64) {
	if c.sub.shared {
		c.sub.ledger.mu.Lock()
		defer c.sub.ledger.mu.Unlock()
	}
	t := c.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	r := c.run
	var h header
	switch {
	case r.plan.Carrier == Nowhere || r.plan.feed():
		if r.phase.Load() >= sending && now >= r.start {
			t.received++
			t.bytesReceived += uint64(len(m.Payload))
			t.lastReceived = now
		}
		return
	case !h.find(m, r.plan.Carrier) || h.run != r.id:
		t.foreign++
		return
	case h.warm:
		t.warmReceived++
		return
	}
	t.received++
	t.bytesReceived += uint64(len(m.Payload))
	t.lastReceived = now
	ours := r.ours(h.publisher)
	order := c.sub.ledger.take(h.publisher, h.seq)
	if !ours && (order == inOrder || order == late) {
		t.elsewhere++
	}
	switch order {
	case inOrder:
		t.unique++
	case late:
		t.unique++
		t.late++
	case again:
		t.duplicated++
	case blurred:
		t.duplicated++
		t.blurred++
	}
	intended := h.intended - r.epoch
	if !ours {
		shift, ok := r.offset(h.publisher)
		if !ok {
			t.untimed++
			return
		}
		intended -= shift
	}
	took := time.Duration(now - intended)
	t.latency.Record(took)
	t.second.Record(took)
	t.service.Record(took - time.Duration(h.late)*time.Microsecond)
}
