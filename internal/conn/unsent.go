package conn

import "mqtt/internal/proto"

// saveUnsent leaves to the session's next connection what no ledger holds and the stream
// has not: the messages at QoS 0 that Publish took. One that was written in part never
// came to the server, and is sent again once; a server that hangs up in the middle of it
// a second time will not have it, and it is lost.
func (c *Conn) saveUnsent() {
	from := 0
	for f, n := range packets(c.out) {
		at := from
		if from += n; from <= c.written || f.Type() != proto.PUBLISH {
			continue
		}
		var p proto.Publish
		if p.Decode(f, c.v) != nil || p.QoS > 0 {
			continue
		}
		if at < c.written {
			if at == 0 && c.begun {
				c.sess.Lost++
				continue
			}
			c.sess.Partial = true
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
	s := c.sess
	for f, n := range packets(s.Unsent) {
		if err := c.within(0, f.First&1 != 0, n); err != nil {
			return err
		}
	}
	c.begun = s.Partial && len(c.out) == 0
	for rest := s.Unsent; len(rest) > 0; {
		_, n, _ := proto.Split(rest, 0)
		start := len(c.out)
		c.out = append(c.out, rest[:n]...)
		c.trace(start)
		rest = rest[n:]
	}
	s.Unsent, s.Partial = nil, false
	return nil
}
