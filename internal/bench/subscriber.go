package bench

import (
	"context"
	"errors"
	"time"

	"mqtt/internal/conn"
	"mqtt/internal/proto"
)

// subscriber is the receiving part of a client. It outlives connections.
type subscriber struct {
	filter   string // without $share and the name of the group
	shared   bool
	receipts *receipts                    // of the group if it is shared
	arrivals arrivals                     // if it is shared
	granted  bool                         // the server has granted the filter
	check    func(m *proto.Publish) error // of Plan.NewCheck; nil: payloads are not checked
}

// subscribe subscribes and receives messages over one connection until the client leaves it.
func (c *client) subscribe(ctx context.Context, k *conn.Conn) error {
	s := c.sub
	if !s.granted || !k.Server().SessionPresent {
		if err := c.requestFilter(ctx, k); err != nil {
			return err
		}
	}
	c.signalReady()
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

// requestFilter subscribes and waits for SUBACK. It also counts messages received before that.
func (c *client) requestFilter(ctx context.Context, k *conn.Conn) error {
	s, p := c.sub, c.run.plan
	filter := s.filter
	if p.Shared != "" {
		filter = "$share/" + p.Shared + "/" + filter
	}
	start := time.Now()
	sub := proto.Subscription{Filter: filter, QoS: p.QoS}
	if !p.countsRetained() {
		sub.RetainHandling = 2 // do not send retained messages
	}
	req := &proto.Subscribe{Props: p.SubscribeProps, Filters: []proto.Subscription{sub}}
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
			if !s.granted {
				s.granted = true
				c.run.recordGrant(byte(a.Reasons[0]))
			}
			return nil
		}
	}
}

// received counts the message ev and all others that have been read. The time of all of
// them is that of this call. It holds no lock while it takes the next one, because that may
// write and so may block.
func (c *client) received(k *conn.Conn, ev conn.Event) {
	now := c.run.now()
	for {
		if ev.Kind == conn.Message && c.record(ev.Message, now) && c.sub.check != nil {
			c.checkPayload(ev.Message)
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

// KindInvalid is the kind of the errors that Plan.NewCheck finds.
const KindInvalid = "invalid"

// checkPayload counts a message whose payload is wrong as an error.
func (c *client) checkPayload(m *proto.Publish) {
	if err := c.sub.check(m); err != nil {
		c.update(func(n *counts) { n.errors++ })
		c.run.registry.count(KindInvalid, err)
	}
}

// record counts a message. It returns false for one that is not part of the result.
func (c *client) record(m *proto.Publish, now int64) bool {
	if c.sub.shared {
		c.sub.receipts.mu.Lock()
		defer c.sub.receipts.mu.Unlock()
	}
	t := c.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	r := c.run
	var h header
	switch {
	case m.Retain && !r.plan.countsRetained(): // it was published before the subscription [MQTT-3.3.1-8]
		t.foreign++
		return false
	case r.plan.Carrier == NoHeader || r.plan.countsAll():
		if r.phase.Load() < sending || now < r.start {
			return false
		}
		t.received++
		t.bytesReceived += uint64(len(m.Payload))
		t.lastReceived = now
		return true
	case !h.find(m, r.plan.Carrier) || h.run != r.id:
		t.foreign++
		return false
	case h.warm:
		t.warmReceived++
		return false
	}
	t.received++
	t.bytesReceived += uint64(len(m.Payload))
	t.lastReceived = now
	ours := r.ours(h.publisher)
	missing := c.sub.receipts.missing
	order := c.sub.record(h.publisher, h.seq)
	t.missing += c.sub.receipts.missing - missing
	if !ours && order.first() {
		t.elsewhere++
		c.sub.receipts.elsewhere++
	}
	switch order {
	case inOrder:
		t.unique++
	case late:
		t.unique++
		t.late++
	case duplicate:
		t.duplicated++
	case unknown:
		t.unknown++
	}
	intended := h.intended - r.epoch
	if !ours {
		shift, ok := r.offset(h.publisher)
		if !ok {
			t.untimed++
			return true
		}
		intended -= shift
	}
	latency := time.Duration(now - intended)
	t.latency.Record(latency)
	t.recent.Record(latency)
	t.service.Record(latency - time.Duration(h.late)*time.Microsecond)
	return true
}

// record records that message seq of a publisher was received. The caller holds the lock of
// shared receipts.
func (s *subscriber) record(publisher uint32, seq uint64) outcome {
	order := s.receipts.record(publisher, seq)
	if !s.shared {
		return order
	}
	ascending := s.arrivals.ascending(publisher, seq)
	switch {
	case !order.first():
		return order
	case ascending:
		return inOrder
	}
	return late
}
