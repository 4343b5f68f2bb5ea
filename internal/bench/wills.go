package bench

import (
	"context"
	"errors"
	"time"

	"mqtt/internal/conn"
	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// wills cuts all connections without a DISCONNECT and receives their wills with a subscriber
// of its own [MQTT-3.1.2-8]. A will has no header, but its topic identifies the client, so
// latency is measured from the cut of that client.
func (r *run) wills(ctx, inner context.Context) error {
	p := r.plan
	filter := willFilter(p.WillTopic)
	cfg, err := p.Configure(Subscriber, p.Offset, new(Phases))
	if err != nil {
		return err
	}
	var s session.Session
	k, err := conn.Dial(inner, cfg, &s)
	if err != nil {
		return err
	}
	defer func() { k.Close(inner, nil) }()
	req := &proto.Subscribe{Filters: []proto.Subscription{{Filter: filter, QoS: p.QoS, RetainHandling: 2}}}
	if err := k.Send(inner, req); err != nil {
		return err
	}
	for granted := false; !granted; {
		ev, err := k.Next(inner)
		if err != nil {
			return err
		}
		if a, ok := ev.Answer.(*proto.Suback); ok && ev.Kind == conn.Answer {
			granted = true
			var refused *conn.SubscribeError
			if err := conn.Granted(req.Filters, a)[0]; errors.As(err, &refused) {
				return err
			}
		}
	}
	r.series.setPhase("awaiting wills", p.Drain)
	return r.awaitWills(ctx, k)
}

// willFilter returns the filter for the wills of all clients.
func willFilter(t *Template) string {
	all := &Template{}
	for _, part := range t.parts {
		if part.variable == 'i' {
			part.variable = 'r' // a variable that filter replaces by +
		}
		all.parts = append(all.parts, part)
	}
	return all.filter(0)
}

// awaitWills cuts all connections and counts their wills.
func (r *run) awaitWills(ctx context.Context, k *conn.Conn) error {
	p, t := r.plan, &r.tallies[0]
	cut := map[string][]int64{} // by topic, when connections were cut
	for _, c := range r.idlers.clients {
		if c.conn.Load() == nil {
			continue
		}
		topic := string(p.WillTopic.Append(nil, c.number, 0))
		cut[topic] = append(cut[topic], r.now())
		t.mu.Lock()
		t.sent++
		t.lastSent = r.now()
		t.mu.Unlock()
		c.leaving.Store(true)
		c.wake()
	}
	r.receiveFrom = r.start
	left := sum(r.tallies).sent
	r.willsSent = left
	for moved := r.now(); left > 0 && r.now()-moved < int64(p.Drain) && ctx.Err() == nil; {
		ev, err := k.NextBy(ctx, time.Now().Add(100*time.Millisecond))
		if err != nil {
			return err
		}
		if ev.Kind != conn.Message {
			continue
		}
		now := r.now()
		times := cut[string(ev.Message.Topic)]
		t.mu.Lock()
		t.received++
		t.bytesReceived += uint64(len(ev.Message.Payload))
		t.lastReceived = now
		if len(times) > 0 {
			latency := time.Duration(now - times[0])
			t.latency.Record(latency)
			t.recent.Record(latency)
			cut[string(ev.Message.Topic)] = times[1:]
			t.unique++
			left--
		} else {
			t.foreign++
		}
		t.mu.Unlock()
		moved = now
	}
	r.drained.Complete = left == 0
	return nil
}
