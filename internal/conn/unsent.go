package conn

import "mqtt/internal/proto"

// saveUnsent moves the queued messages at QoS 0 to the session, for its next connection. They are
// stored nowhere else. A message that was written in part never arrived, and is sent again, but
// only once: if the second stream fails within it too, the server probably rejects it, and it is
// dropped.
func (c *Conn) saveUnsent() {
	end := 0
	for f, n := range packets(c.out) {
		start := end
		if end += n; end <= c.written || f.Type() != proto.PUBLISH {
			continue
		}
		var p proto.Publish
		if p.Decode(f, c.v) != nil || p.QoS > 0 {
			continue
		}
		if start < c.written {
			if start == 0 && c.partial {
				c.sess.Lost++
				continue
			}
			c.sess.Partial = true
		}
		if alias := p.Props.Num(proto.TopicAlias, 0); alias != 0 { // it ends with the connection [MQTT-3.3.2-7]
			p.Topic = []byte(c.clientAliases[uint16(alias)])
			p.Props = p.Props.Without(proto.TopicAlias)
		}
		if b, err := p.Append(c.sess.Unsent, c.v); err == nil {
			c.sess.Unsent = b
		}
	}
}

// queueUnsent queues the messages that the previous connection left. If the CONNACK forbids one of
// them, it returns a *Limit and all of them stay in the session.
func (c *Conn) queueUnsent() error {
	s := c.sess
	for f, n := range packets(s.Unsent) {
		if err := c.checkLimits(0, f.First&1 != 0, n); err != nil {
			return err
		}
	}
	c.partial = s.Partial && len(c.out) == 0
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
