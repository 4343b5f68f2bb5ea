package conn

import (
	"context"

	"mqtt/internal/proto"
)

// resume takes the session's messages in flight over to this connection. A server
// that kept the session gets them again with DUP [MQTT-3.3.1-1]; for one that lost
// it they are new messages [MQTT-3.2.2-5]. A message that this CONNACK forbids is a
// *Limit: it stays in the ledger, and the connection is of no use to it.
func (c *Conn) resume(ctx context.Context) error {
	s := c.sess
	if !c.server.SessionPresent {
		s.Receiver.Forget()
		c.renewed = s.Sender.Renew()
	}
	c.inherited = s.Receiver.Len()
	again := s.Sender.Resend()
	for _, f := range again {
		kept := *f.Message
		if f.Released {
			continue
		}
		if err := c.within(f.QoS, kept[0]&1 != 0, len(kept)); err != nil {
			c.Close(ctx, nil)
			return err
		}
	}
	if err := c.takeUnsent(); err != nil {
		c.Close(ctx, nil)
		return err
	}
	for _, f := range again {
		switch kept := *f.Message; {
		case f.Released:
			// Never PUBLISH again [MQTT-4.3.3-6], and not held back [MQTT-4.9.0-3].
			if err := c.queueAck(proto.PUBREL, f.ID, true); err != nil {
				return err
			}
			continue
		case c.server.SessionPresent:
			kept[0] |= proto.DupBit
		default:
			kept[0] &^= proto.DupBit
		}
		c.backlog = append(c.backlog, f.ID)
	}
	c.resend()
	return nil
}

// resend queues as much of the backlog as the server's Receive Maximum allows, in
// the order of the first sending [MQTT-4.6.0-1].
func (c *Conn) resend() {
	room := c.server.ReceiveMaximum - (c.sess.Sender.Pending() - len(c.backlog))
	for ; room > 0 && len(c.backlog) > 0; room-- {
		id := c.backlog[0]
		c.backlog = c.backlog[1:]
		start := len(c.out)
		c.out = append(c.out, *c.sess.Sender.Message(id)...)
		c.trace(start)
	}
}
