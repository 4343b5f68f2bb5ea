package conn

import "mqtt/internal/proto"

// saveUnsent leaves to the session's next connection what no ledger holds and the stream
// has not: the messages at QoS 0 that Publish took. One that was written in part never
// came to the server, so it is not sent twice.
func (c *Conn) saveUnsent() {
	at := 0
	for f, n := range packets(c.out) {
		if at += n; at <= c.written || f.Type() != proto.PUBLISH {
			continue
		}
		var p proto.Publish
		if p.Decode(f, c.v) != nil || p.QoS > 0 {
			continue
		}
		if alias := p.Props.Num(proto.TopicAlias, 0); alias != 0 { // it dies with the connection [MQTT-3.3.2-7]
			p.Topic = []byte(c.aliases[uint16(alias)])
			p.Props = p.Props.Without(proto.TopicAlias)
		}
		if b, err := p.Append(c.sess.Unsent, c.v); err == nil {
			c.sess.Unsent = b
		}
	}
}

// takeUnsent queues what the connection before left. A message that this CONNACK forbids
// is a *Limit, and all of it stays with the session.
func (c *Conn) takeUnsent() error {
	for f, n := range packets(c.sess.Unsent) {
		if err := c.within(0, f.First&1 != 0, n); err != nil {
			return err
		}
	}
	for rest := c.sess.Unsent; len(rest) > 0; {
		_, n, _ := proto.Split(rest, 0)
		start := len(c.out)
		c.out = append(c.out, rest[:n]...)
		c.trace(start)
		rest = rest[n:]
	}
	c.sess.Unsent = nil
	return nil
}
