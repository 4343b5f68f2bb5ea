package ping

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/connect"
	"mqtt/internal/format"
	"mqtt/internal/proto"
)

// subscribe subscribes to a topic of its own for echoes. Without -q there is nothing to subscribe to.
func (p *pinger) subscribe(ctx context.Context, c *conn.Conn) error {
	if p.f.qos < 0 {
		return nil
	}
	if most := c.Server().MaximumQoS; p.f.qos > int(most) {
		return cli.Fail(cli.ExitPublish, fmt.Sprintf("use -q %d", most), "QoS %d, but the server's %s is %d", p.f.qos, proto.MaximumQoS, most)
	}
	p.topic = "mqtt/ping/" + rand.Text()
	req := &proto.Subscribe{Props: p.f.Properties.Sets[proto.SUBSCRIBE], Filters: []proto.Subscription{{Filter: p.topic, QoS: byte(p.f.qos)}}}
	if err := c.Send(ctx, req); err != nil {
		return connect.SubscribeError(err)
	}
	limit := time.Now().Add(p.answerWithin())
	for {
		ev, err := c.NextBy(ctx, limit)
		if err != nil {
			return err
		}
		if ev.Kind == conn.Idle && !time.Now().Before(limit) {
			return &conn.Broken{Op: "subscribe", Err: fmt.Errorf("no answer within %s", format.Duration(p.answerWithin()))}
		}
		if a, ok := ev.Answer.(*proto.Suback); ok && ev.Kind == conn.Answer {
			var refused *conn.SubscribeError
			if errors.As(conn.Granted(req.Filters, a)[0], &refused) {
				return cli.Fail(cli.ExitSubscribe, "this user may not subscribe; without -q, ping does not", "%w", refused)
			}
			return nil
		}
	}
}

// ask sends PINGREQ, or a message with a payload of its own, so that an old message does not count as the answer.
func (p *pinger) ask(ctx context.Context, c *conn.Conn) error {
	p.began = time.Now()
	if p.f.qos < 0 {
		return c.Send(ctx, &proto.Ping{Kind: proto.PINGREQ})
	}
	p.nonce = rand.Text()
	m := &proto.Publish{QoS: byte(p.f.qos), Topic: []byte(p.topic), Payload: []byte(p.nonce), Props: p.f.Properties.Sets[proto.PUBLISH]}
	err := c.Publish(ctx, m, 0)
	if errors.Is(err, conn.ErrWindow) {
		return cli.Fail(cli.ExitLost, "", "the server acknowledged none of the messages")
	}
	return err
}

// echoed reports whether a message is the one that was sent last.
func (p *pinger) echoed(m *proto.Publish) bool {
	return p.f.qos >= 0 && !m.Retain && string(m.Payload) == p.nonce
}
