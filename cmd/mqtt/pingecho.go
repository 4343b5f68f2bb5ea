package main

import (
	"context"
	"crypto/rand"
	"time"

	"mqtt/internal/conn"
	"mqtt/internal/proto"
)

// subscribe has the server send us what we publish to a topic of our own. Without -q there is nothing to subscribe to.
func (p *pinger) subscribe(ctx context.Context, c *conn.Conn) error {
	if p.f.qos < 0 {
		return nil
	}
	p.topic = "mqtt/ping/" + rand.Text()
	if err := c.Send(ctx, &proto.Subscribe{Filters: []proto.Subscription{{Filter: p.topic, QoS: byte(p.f.qos)}}}); err != nil {
		return unsubscribable(err)
	}
	limit := time.Now().Add(p.answerWithin())
	for {
		ev, err := c.NextBy(ctx, limit)
		if err != nil {
			return err
		}
		if ev.Kind == conn.Idle && !time.Now().Before(limit) {
			return fail(exitLost, "", "no answer to SUBSCRIBE within %s", p.answerWithin())
		}
		if a, ok := ev.Answer.(*proto.Suback); ok && ev.Kind == conn.Answer {
			if r := a.Reasons[0]; r.Failed() {
				return fail(exitSubscribe, refusedFilterHint(r), "subscribe %s: %s%s", p.topic, r.In(proto.SUBACK), reasonString(a.Props))
			}
			return nil
		}
	}
}

// ask sends PINGREQ, or a message that no other probe has sent: what a server kept of an old one is no answer.
func (p *pinger) ask(ctx context.Context, c *conn.Conn) (began time.Time, err error) {
	p.began = time.Now()
	if p.f.qos < 0 {
		return p.began, c.Send(ctx, &proto.Ping{Kind: proto.PINGREQ})
	}
	p.nonce = rand.Text()
	m := &proto.Publish{QoS: min(byte(p.f.qos), c.Server().MaximumQoS), Topic: []byte(p.topic), Payload: []byte(p.nonce)}
	return p.began, c.Publish(ctx, m, 0)
}

// echoed tells whether a message is the one that was sent last.
func (p *pinger) echoed(m *proto.Publish) bool {
	return p.f.qos >= 0 && !m.Retain && string(m.Payload) == p.nonce
}

// question is what an answer is awaited to.
func (p *pinger) question() string {
	if p.f.qos < 0 {
		return "PINGREQ"
	}
	return "our own message"
}
