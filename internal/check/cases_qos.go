package check

import (
	"fmt"
	"io"
	"time"

	"mqtt/internal/proto"
)

// qosCases are about the exchanges of QoS 0, 1 and 2.
var qosCases = [...]Case{
	{
		Name: "qos-0-delivery", Title: "A message at QoS 0 is delivered at QoS 0, with DUP 0 and without identifier",
		V5: "4.3.1 MQTT-4.3.1-1 MQTT-3.3.1-2 MQTT-2.2.1-2", V311: "4.3.1 MQTT-4.3.1-1 MQTT-3.3.1-2 MQTT-2.3.1-5", V31: "4.1",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 2)
			s.Publish(message(c.Topic("a"), "x", 0))
			if m := s.Expect(c.Topic("a"), "x"); m.QoS != 0 || m.Dup || m.Retain {
				c.Fail("QoS 0, DUP 0, RETAIN 0", "%s", s.describe(m))
			}
		},
	},
	{
		Name: "puback", Title: "A PUBLISH at QoS 1 is answered by PUBACK with its identifier",
		V5: "4.3.2 MQTT-3.3.4-1 MQTT-4.3.2-4 MQTT-2.2.1-5", V311: "4.3.2 MQTT-3.3.4-1 MQTT-4.3.2-2 MQTT-2.3.1-6", V31: "3.4", Needs: NeedQoS1,
		Run: func(c *C) {
			p := c.Connect()
			for _, id := range []uint16{1, 255, 256, 32768, 65535} {
				m := message(c.Topic("a"), "x", 1)
				m.PacketID = id
				p.Publish(m)
			}
		},
	},
	{
		Name: "pubrec-pubcomp", Title: "A PUBLISH at QoS 2 is answered by PUBREC, and PUBREL by PUBCOMP, with its identifier",
		V5: "4.3.3 MQTT-3.3.4-1 MQTT-4.3.3-8 MQTT-4.3.3-11 MQTT-2.2.1-5 MQTT-3.2.2-9", V311: "4.3.3 MQTT-3.3.4-1 MQTT-4.3.3-2 MQTT-2.3.1-6", V31: "3.5",
		Run: func(c *C) {
			if c.V5() && c.Server.refusesQoS2 == "" {
				c.Need(NeedQoS2) // before, a server has no way to say that it lacks it
			}
			c.answersQoS2()
			p := c.Connect()
			for _, id := range []uint16{1, 255, 256, 32768, 65535} {
				m := message(c.Topic("a"), "x", 2)
				m.PacketID = id
				p.Publish(m)
			}
		},
	},
	{
		Name: "identifier-again-qos-1", Title: "After PUBACK the identifier may be used for a new message, which is delivered",
		V5: "4.3.2 MQTT-4.3.2-5", V311: "4.3.2 MQTT-4.3.2-2", V31: "4.1", Needs: NeedQoS1,
		Run: func(c *C) { c.identifierAgain(1) },
	},
	{
		Name: "identifier-again-qos-2", Title: "After PUBCOMP the identifier may be used for a new message, which is delivered",
		V5: "4.3.3 MQTT-4.3.3-12", V311: "4.3.3 MQTT-4.3.3-2", V31: "4.1", Needs: NeedQoS2,
		Run: func(c *C) { c.identifierAgain(2) },
	},
	{
		Name: "qos-2-repeat-before-pubrel", Title: "A PUBLISH at QoS 2 that is repeated before PUBREL is delivered once",
		V5: "4.3.3 MQTT-4.3.3-10", V311: "4.3.3 MQTT-4.3.3-2", V31: "4.1", Needs: NeedQoS2 | NeedSessions,
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 1)
			id := c.ID("p")
			p := c.Connect(Lasting(id))
			p.Subscribe(c.Topic("own"), 0) // a server that forgets a session without a subscription fails session-present-1
			m := message(c.Topic("a"), "once", 2)
			m.PacketID = 7
			p.Send(&m)
			p.Ack(proto.PUBREC, 7)
			p.CloseAbruptly()
			p = c.Resume(id)
			m.Dup = true
			p.Send(&m)
			if ack := p.Ack(proto.PUBREC, 7); ack.Reason >= 0x80 {
				c.Fail("PUBREC with success: the client would take the message for refused", "%s", p.describe(ack))
			}
			p.Send(&proto.Ack{Kind: proto.PUBREL, PacketID: 7})
			if ack := p.completed(7); ack.Reason >= 0x80 {
				c.Fail("PUBREC and PUBCOMP with success", "%s", p.describe(ack))
			}
			p.Publish(message(c.Topic("a"), "marker", 2))
			if before := s.Until("marker"); len(before) != 1 {
				c.Fail("one copy of the message", "%d copies", len(before))
			}
		},
	},
	{
		Name: "pubrel-again", Title: "A PUBREL that is repeated is answered by PUBCOMP",
		V5: "4.3.3 MQTT-4.3.3-11", V311: "4.3.3 MQTT-4.3.3-2", V31: "3.6", Needs: NeedQoS2,
		Run: func(c *C) {
			p := c.Connect()
			m := message(c.Topic("a"), "x", 2)
			m.PacketID = 7
			p.Publish(m)
			p.watch = nil // a PUBREL without a message is not what a client sends on its own
			p.Send(&proto.Ack{Kind: proto.PUBREL, PacketID: 7})
			ack := p.Ack(proto.PUBCOMP, 7)
			if c.V5() && ack.Reason != proto.Success && ack.Reason != proto.PacketIdentifierNotFound {
				c.Fail("PUBCOMP with reason 0x00 or 0x92", "%s", p.describe(ack))
			}
		},
	},
	{
		Name: "dup-not-passed-on", Title: "DUP of a message from a client is not passed on",
		V5: "3.3.1.1 MQTT-3.3.1-3", V311: "3.3.1.1 MQTT-3.3.1-3", Needs: NeedQoS1,
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			s.Subscribe(c.Topic("a"), 1)
			m := message(c.Topic("a"), "x", 1)
			m.PacketID, m.Dup = 3, true
			p.watch = nil
			p.Send(&m)
			p.Ack(proto.PUBACK, 3)
			if got := s.Expect(c.Topic("a"), "x"); got.Dup {
				c.Fail("a message with DUP 0", "%s", s.describe(got))
			}
		},
	},
	{
		Name: "first-delivery-dup-0", Title: "The first delivery at QoS 1 and 2 has DUP 0 and an identifier other than 0",
		V5: "4.3.2 MQTT-4.3.2-1 MQTT-4.3.2-2 MQTT-4.3.3-1 MQTT-4.3.3-2 MQTT-2.2.1-4", V311: "4.3.2 MQTT-4.3.2-1 MQTT-4.3.3-1 MQTT-2.3.1-4", V31: "4.1", Needs: NeedQoS2,
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			s.Subscribe(c.Topic("a"), 2)
			for _, q := range []byte{1, 2} {
				p.Publish(message(c.Topic("a"), "x", q))
				if m := s.Expect(c.Topic("a"), "x"); m.Dup || m.PacketID == 0 || m.QoS != q {
					c.Fail(fmt.Sprintf("QoS %d, DUP 0, an identifier other than 0", q), "%s", s.describe(m))
				}
			}
		},
	},
	{
		Name: "identifiers-in-flight-differ", Title: "Messages in flight to a client have different identifiers",
		V5: "2.2.1 MQTT-2.2.1-4", V311: "2.3.1 MQTT-2.3.1-4", Needs: NeedQoS2,
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			s.Subscribe(c.Topic("a"), 2)
			const n = 8
			for i := range n {
				p.Publish(message(c.Topic("a"), fmt.Sprint(i), byte(1+i%2)))
			}
			seen := map[uint16]bool{}
			var held []*proto.Publish
			end := time.Now().Add(time.Second)
			for len(held) < n {
				packet, err := s.read(time.Until(end))
				if err != nil {
					break // the server may have a smaller window
				}
				m, ok := packet.(*proto.Publish)
				if !ok {
					c.Fail("messages", "%s", s.describe(packet))
				}
				if seen[m.PacketID] {
					c.Fail("an identifier that is not in use", "%s", s.describe(m))
				}
				seen[m.PacketID] = true
				held = append(held, m)
			}
			if len(held) == 0 {
				c.Fail("messages", "none within a second")
			}
		},
	},
	{
		Name: "order-qos-0", Title: "Messages of one client at QoS 0 arrive in their order",
		V5: "4.6 MQTT-4.6.0-5 MQTT-4.6.0-6", V311: "4.6 MQTT-4.6.0-5 MQTT-4.6.0-6", V31: "4.3", Should31: true,
		Run: func(c *C) { c.ordered(0) },
	},
	{
		Name: "order-qos-1", Title: "Messages of one client at QoS 1 arrive in their order",
		V5: "4.6 MQTT-4.6.0-5 MQTT-4.6.0-6", V311: "4.6 MQTT-4.6.0-5 MQTT-4.6.0-6", V31: "4.3", Should31: true, Needs: NeedQoS1,
		Run: func(c *C) { c.ordered(1) },
	},
	{
		Name: "order-qos-2", Title: "Messages of one client at QoS 2 arrive in their order",
		V5: "4.6 MQTT-4.6.0-5 MQTT-4.6.0-6", V311: "4.6 MQTT-4.6.0-5 MQTT-4.6.0-6", V31: "4.3", Should31: true, Needs: NeedQoS2,
		Run: func(c *C) { c.ordered(2) },
	},
	{
		Name: "pubacks-in-order", Title: "PUBACKs come in the order of their messages",
		V5: "4.6 MQTT-4.6.0-2", V311: "4.6 MQTT-4.6.0-2", Needs: NeedQoS1,
		Run: func(c *C) {
			p := c.Connect()
			n := min(20, int(c.Server.ReceiveMaximum))
			var all []proto.Packet
			for i := range n {
				m := message(c.Topic("a"), "x", 1)
				m.PacketID = uint16(100 + i)
				all = append(all, &m)
			}
			p.Send(all...)
			for i := range n {
				if a, ok := p.Next("PUBACK").(*proto.Ack); !ok || a.Kind != proto.PUBACK || a.PacketID != uint16(100+i) {
					c.Choice("PUBACKs come in another order: the rule binds clients; section 4.6 says nothing of a server's")
				}
			}
		},
	},
	{
		Name: "qos-2-expires-in-flight", Title: "A message at QoS 2 that expires after it was sent is completed by PUBREL",
		V5: "4.3.3 MQTT-4.3.3-7", Needs: NeedQoS2,
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 2)
			m := message(c.Topic("a"), "x", 2)
			m.Props = m.Props.AppendNum(proto.MessageExpiryInterval, 1)
			s.Publish(m)
			got := s.Receive("the message")
			c.Sleep(2200 * time.Millisecond)
			s.Send(&proto.Ack{Kind: proto.PUBREC, PacketID: got.PacketID})
			if ack := s.Ack(proto.PUBREL, got.PacketID); ack.Reason >= 0x80 {
				c.Fail("PUBREL with success", "%s", s.describe(ack))
			}
			s.Send(&proto.Ack{Kind: proto.PUBCOMP, PacketID: got.PacketID})
		},
	},
	{
		Name: "qos-2-expires-before-pubrel", Title: "A PUBREL for a message that has expired is answered by PUBCOMP",
		V5: "4.3.3 MQTT-4.3.3-13", Needs: NeedQoS2,
		Run: func(c *C) {
			p := c.Connect()
			m := message(c.Topic("a"), "x", 2)
			m.PacketID, m.Props = 7, m.Props.AppendNum(proto.MessageExpiryInterval, 1)
			p.Send(&m)
			p.Ack(proto.PUBREC, 7)
			c.Sleep(2200 * time.Millisecond)
			p.Send(&proto.Ack{Kind: proto.PUBREL, PacketID: 7})
			p.Ack(proto.PUBCOMP, 7)
		},
	},
	{
		Name: "unknown-puback", Title: "A PUBACK for no message does no harm, or ends the connection",
		V5: "4.3.2", V311: "4.3.2", Needs: NeedQoS1,
		Run: func(c *C) {
			p := c.Connect()
			p.Raw(0x40, 2, 0x12, 0x34)
			p.Raw(0xC0, 0)
			packet, err := p.read(c.r.opt.Limit)
			switch {
			case err == errNothing:
				c.Fail("PINGRESP, or the server closes the connection", "neither within %v", c.r.opt.Limit)
			case err != nil || packet.Type() == proto.DISCONNECT:
				c.Choice("the server ends the connection")
			}
		},
	},
}

// answersQoS2 publishes a message at QoS 2 and expects PUBREC. A server that answers otherwise has no QoS 2 at all, and
// breaks no rule about identifiers.
func (c *C) answersQoS2() {
	const expected = "PUBREC with packet identifier 7"
	p := c.Connect()
	m := message(c.Topic("a"), "x", 2)
	m.PacketID = 7
	p.Send(&m)
	packet, err := p.read(c.r.opt.Limit)
	ack, _ := packet.(*proto.Ack)
	switch {
	case err == io.EOF && !c.V5() && c.Server.MaximumQoS < 2:
		c.Choice("the server closes the connection after a PUBLISH at QoS 2, as it may if it does not authorize the message")
	case err == io.EOF:
		c.Fail(expected, "the server closed the connection")
	case err != nil:
		p.missing(expected, c.r.opt.Limit)
	case ack == nil || ack.Kind != proto.PUBREC:
		switch c.Version {
		case proto.V5:
			c.Shows("MQTT-3.3.4-1", "MQTT-4.3.3-8")
		case proto.V311:
			c.Shows("MQTT-3.3.4-1", "MQTT-4.3.3-2")
		}
		c.Fail(expected, "%s", p.describe(packet))
	}
}

// identifierAgain publishes several messages with the same identifier, one after the other.
func (c *C) identifierAgain(qos byte) {
	p, s := c.Connect(), c.Connect()
	s.Subscribe(c.Topic("a"), qos)
	for i := range 4 {
		m := message(c.Topic("a"), fmt.Sprint(i), qos)
		m.PacketID = 77
		p.Publish(m)
		s.Expect(c.Topic("a"), fmt.Sprint(i))
	}
}

// ordered publishes messages and expects them in their order.
func (c *C) ordered(qos byte) {
	p, s := c.Connect(), c.Connect()
	s.Subscribe(c.Topic("a"), qos)
	const n = 100
	for i := range n {
		p.Publish(message(c.Topic("a"), fmt.Sprint(i), qos))
	}
	for i := range n {
		s.Expect(c.Topic("a"), fmt.Sprint(i))
	}
}
