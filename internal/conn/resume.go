package conn

import (
	"context"

	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// resume queues the session's messages in flight on a new connection. If the server has kept the
// session, they are sent with DUP [MQTT-3.3.1-1]; if it has lost the session, they are new messages
// [MQTT-3.2.2-5]. If the CONNACK forbids one of them, resume returns a *Limit: the message stays in
// the session, and the connection is closed.
func (c *Conn) resume(ctx context.Context) error {
	s := c.sess
	if s.Version != 0 && s.Version < proto.V5 && c.v >= proto.V5 {
		recode(s)
	}
	if !c.server.SessionPresent {
		s.Receiver.Forget()
		c.renewed = s.Sender.Renew()
	}
	c.inherited = s.Receiver.Len()
	again := s.Sender.Resend()
	for _, f := range again {
		if f.Released {
			continue
		}
		packet := *f.Message
		if err := c.checkLimits(f.QoS, packet[0]&1 != 0, len(packet)); err != nil {
			c.Close(ctx, nil)
			return err
		}
	}
	if err := c.queueUnsent(); err != nil {
		c.Close(ctx, nil)
		return err
	}
	for _, f := range again {
		switch packet := *f.Message; {
		case f.Released:
			// PUBLISH must not be sent again [MQTT-4.3.3-6]. PUBREL needs no credit [MQTT-4.9.0-3].
			if err := c.queueAck(proto.PUBREL, f.ID, true); err != nil {
				return err
			}
			continue
		case c.server.SessionPresent:
			packet[0] |= proto.DupBit
		default:
			packet[0] &^= proto.DupBit
		}
		c.backlog = append(c.backlog, f.ID)
	}
	c.resend()
	return nil
}

// recode gives the messages of a session in 3.1.1 form that of version 5. They have no properties.
func recode(s *session.Session) {
	for _, f := range s.Sender.Resend() {
		if !f.Released {
			*f.Message = recodePackets(*f.Message)
		}
	}
	s.Unsent = recodePackets(s.Unsent)
}

// recodePackets returns PUBLISH packets of version 3.1.1 in the form of version 5.
func recodePackets(old []byte) (b []byte) {
	for f := range packets(old) {
		var p proto.Publish
		if p.Decode(f, proto.V311) == nil {
			b, _ = p.Append(b, proto.V5) // a property length of 0 can exceed the limit of a packet: then it is dropped
		}
	}
	return b
}

// resend queues packets of the backlog in the order of their first sending [MQTT-4.6.0-1], as many
// as the server's Receive Maximum allows.
func (c *Conn) resend() {
	credit := c.server.ReceiveMaximum - (c.sess.Sender.Pending() - len(c.backlog))
	for ; credit > 0 && len(c.backlog) > 0; credit-- {
		id := c.backlog[0]
		c.backlog = c.backlog[1:]
		start := len(c.out)
		c.out = append(c.out, *c.sess.Sender.Message(id)...)
		c.trace(start)
	}
}
