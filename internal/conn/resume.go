package conn

import "mqtt/internal/proto"

// resume takes the session's messages in flight over to this connection. A server
// that kept the session gets them again with DUP [MQTT-3.3.1-1]; for one that lost
// it they are new messages [MQTT-3.2.2-5].
func (c *Conn) resume() {
	s := c.sess
	if !c.server.SessionPresent {
		s.Receiver.Forget()
		c.renewed = s.Sender.Renew()
	}
	for _, f := range s.Sender.Resend() {
		if !f.Released && c.server.SessionPresent {
			(*f.Kept)[0] |= proto.DupBit
		} else if !f.Released {
			(*f.Kept)[0] &^= proto.DupBit
		}
		c.backlog = append(c.backlog, f.ID)
	}
	c.resend()
}

// resend queues as much of the backlog as the server's Receive Maximum allows, in
// the order of the first sending [MQTT-4.6.0-1].
func (c *Conn) resend() {
	room := c.server.ReceiveMaximum - (c.sess.Sender.Pending() - len(c.backlog))
	for ; room > 0 && len(c.backlog) > 0; room-- {
		id := c.backlog[0]
		c.backlog = c.backlog[1:]
		if c.sess.Sender.Released(id) {
			c.queueAck(proto.PUBREL, id, true) // never PUBLISH again [MQTT-4.3.3-6]
			continue
		}
		start := len(c.out)
		c.out = append(c.out, *c.sess.Sender.Kept(id)...)
		c.trace(start)
	}
}
