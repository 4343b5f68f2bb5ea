package check

import (
	"fmt"
	"time"

	"mqtt/internal/proto"
)

// limitCases are about the limits of each side, and about acknowledgements, in MQTT 5.
var limitCases = [...]Case{
	{
		Name: "maximum-packet-size", Title: "A client gets no packet above its Maximum Packet Size, and what is too large counts as sent",
		V5: "3.1.2.11.4 MQTT-3.1.2-24 MQTT-3.1.2-25", Needs: NeedQoS1,
		Run: func(c *C) {
			s, p := c.Connect(WithProp(proto.MaximumPacketSize, 200), WithID(c.ID("s"))), c.Connect()
			s.Subscribe(c.Topic("a"), 1)
			for _, size := range []int{10, 1000, 100, 250, 20} {
				payload := fmt.Sprintf("%0*d", size, size)
				p.Publish(message(c.Topic("a"), payload, 1))
			}
			for _, size := range []int{10, 100, 20} {
				s.Expect(c.Topic("a"), fmt.Sprintf("%0*d", size, size))
			}
		},
	},
	{
		Name: "server-maximum-packet-size", Title: "A packet above the server's Maximum Packet Size ends the connection",
		V5: "3.2.2.3.6 MQTT-4.13.1-1 MQTT-3.2.2-15",
		Run: func(c *C) {
			most := c.Server.MaximumPacketSize
			if most == 0 || most > 64<<20 {
				c.Skip("the server's Maximum Packet Size is %d", most)
			}
			if most > 1<<20 && !c.r.opt.Harsh {
				c.Skip("the server's Maximum Packet Size is %d, and larger packets are sent only with --harsh", most)
			}
			p := c.Connect()
			p.Raw(packet(0x30, text(c.Topic("a")), c.props(), make([]byte, most))...)
			p.Closed("the server closes the connection")
		},
	},
	{
		Name: "server-keep-alive", Title: "The Keep Alive of CONNACK replaces the client's",
		V5: "3.2.2.3.14 MQTT-3.1.2-21 MQTT-3.2.2-21",
		Run: func(c *C) {
			p := c.Connect(WithKeepAlive(65535))
			n := p.Connack.Props.Num(proto.ServerKeepAlive, 65535)
			if n == 0 || n > 10 {
				c.Skip("the server takes a Keep Alive of %d s", n)
			}
			p.endsSilence(time.Duration(n) * time.Second)
		},
	},
	{
		Name: "suback-properties", Title: "A SUBSCRIBE with user properties is taken",
		V5: "3.8.2.1.3",
		Run: func(c *C) {
			p := c.Connect()
			p.Send(&proto.Subscribe{PacketID: 1, Props: proto.Props(nil).AppendPair("k", "v").AppendPair("k", "v"), Filters: []proto.Subscription{{Filter: c.Topic("a")}}})
			p.Suback(1)
			p.Send(&proto.Unsubscribe{PacketID: 2, Props: proto.Props(nil).AppendPair("k", "v"), Filters: []string{c.Topic("a")}})
			p.Unsuback(2)
			p.Send(&proto.Disconnect{Props: proto.Props(nil).AppendPair("k", "v").AppendText(proto.ReasonString, "done")})
			p.Closes("the server closes the connection")
		},
	},
	{
		Name: "puback-long-form", Title: "Acknowledgements with reason code and properties are taken",
		V5: "3.4.2", Needs: NeedQoS2,
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			s.Subscribe(c.Topic("a"), 2)
			ps := proto.Props(nil).AppendText(proto.ReasonString, "fine").AppendPair("k", "v")
			p.Publish(message(c.Topic("a"), "1", 1))
			m := s.Receive("a message")
			s.Send(&proto.Ack{Kind: proto.PUBACK, PacketID: m.PacketID, Props: ps})
			p.Publish(message(c.Topic("a"), "2", 2))
			m = s.Receive("a message")
			s.Send(&proto.Ack{Kind: proto.PUBREC, PacketID: m.PacketID, Props: ps})
			s.Ack(proto.PUBREL, m.PacketID)
			s.Send(&proto.Ack{Kind: proto.PUBCOMP, PacketID: m.PacketID, Props: ps})
			s.Barrier()
		},
	},
	{
		Name: "puback-unknown-reason", Title: "A PUBACK with a reason code that PUBACK does not have ends the connection, or is taken for one",
		V5: "3.4.2.1 MQTT-3.4.2-1", Needs: NeedQoS1,
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			s.Subscribe(c.Topic("a"), 1)
			p.Publish(message(c.Topic("a"), "x", 1))
			m := s.Receive("a message")
			s.Raw(packet(0x40, id(m.PacketID), bytesOf(0x05))...)
			s.Raw(0xC0, 0)
			for {
				packet, err := s.read(c.r.opt.Limit)
				switch {
				case err == errNothing:
					c.Fail("the server closes the connection, or answers PINGREQ", "neither within %v", c.r.opt.Limit)
				case err != nil:
					return
				case packet.Type() == proto.PINGRESP:
					c.Choice("the server goes on: the rule binds the sender, and the standard does not name it as a malformed packet")
				}
			}
		},
	},
	{
		Name: "pubrec-error-ends-exchange", Title: "After a PUBREC with an error code comes no PUBREL, and the message is not sent again",
		V5: "4.3.3 MQTT-4.3.3-4 MQTT-4.4.0-2", Needs: NeedQoS2 | NeedSessions,
		Run: func(c *C) {
			id := c.ID("s")
			p, s := c.Connect(), c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), 2)
			p.Publish(message(c.Topic("a"), "refused", 2))
			m := s.Receive("a message")
			s.Send(&proto.Ack{Kind: proto.PUBREC, PacketID: m.PacketID, Reason: proto.UnspecifiedError})
			p.Publish(message(c.Topic("a"), "marker", 2))
			s.None("no other packet for the message that was refused", "marker")
			s.Barrier() // the server has read PUBCOMP of the marker
			s.CloseAbruptly()
			s = c.Resume(id)
			p.Publish(message(c.Topic("a"), "marker 2", 2))
			s.None("the message that was refused is not sent again", "marker 2")
		},
	},
	{
		Name: "puback-error-ends-exchange", Title: "A message that was refused with PUBACK is not sent again",
		V5: "4.4 MQTT-4.4.0-2", Needs: NeedQoS1 | NeedSessions,
		Run: func(c *C) {
			id := c.ID("s")
			p, s := c.Connect(), c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), 1)
			p.Publish(message(c.Topic("a"), "refused", 1))
			m := s.Receive("a message")
			s.Send(&proto.Ack{Kind: proto.PUBACK, PacketID: m.PacketID, Reason: proto.UnspecifiedError})
			s.Barrier()
			s.CloseAbruptly()
			s = c.Resume(id)
			p.Publish(message(c.Topic("a"), "marker", 1))
			s.None("the message that was refused is not sent again", "marker")
		},
	},
	{
		Name: "publish-to-nobody", Title: "A message that nobody receives is acknowledged with success or 0x10",
		V5: "3.4.2.1", Needs: NeedQoS2,
		Run: func(c *C) {
			p := c.Connect()
			for _, q := range []byte{1, 2} {
				m := message(c.Topic("nobody"), "x", q)
				m.PacketID = p.NewID()
				p.Send(&m)
				kind := proto.PUBACK
				if q == 2 {
					kind = proto.PUBREC
				}
				ack := p.Ack(kind, m.PacketID)
				if ack.Reason != proto.Success && ack.Reason != proto.NoMatchingSubscribers {
					c.Fail("reason 0x00 or 0x10", "%s", p.describe(ack))
				}
			}
		},
	},
	{
		Name: "maximum-qos-exceeded", Title: "A message above the server's Maximum QoS ends the connection",
		V5: "3.2.2.3.4 MQTT-3.2.2-11",
		Run: func(c *C) {
			if c.Server.MaximumQoS == 2 {
				c.Skip("the server's Maximum QoS is 2")
			}
			c.bad(packet(0x30|(c.Server.MaximumQoS+1)<<1, text(c.Topic("a")), id(1), c.props(), []byte("x")), proto.QoSNotSupported)
		},
	},
	{
		Name: "maximum-qos-subscribe", Title: "A subscription above the server's Maximum QoS is granted at a lower QoS",
		V5: "3.2.2.3.4 MQTT-3.2.2-10",
		Run: func(c *C) {
			if c.Server.MaximumQoS == 2 {
				c.Skip("the server's Maximum QoS is 2")
			}
			c.Connect().Subscribe(c.Topic("a"), 2)
		},
	},
	{
		Name: "maximum-qos-will", Title: "A will above the server's Maximum QoS is refused",
		V5: "3.2.2.3.4 MQTT-3.2.2-12",
		Run: func(c *C) {
			if c.Server.MaximumQoS == 2 {
				c.Skip("the server's Maximum QoS is 2")
			}
			p := c.Open()
			p.Send(c.Hello(WithWill(&proto.Will{Topic: c.Topic("w"), Payload: []byte("w"), QoS: c.Server.MaximumQoS + 1})))
			p.Refused("the connection is refused")
		},
	},
	{
		Name: "retain-unavailable-will", Title: "A server without retained messages refuses a will that is retained",
		V5: "3.2.2.3.5 MQTT-3.2.2-13",
		Run: func(c *C) {
			if c.Server.Retain {
				c.Skip("the server has retained messages")
			}
			p := c.Open()
			p.Send(c.Hello(WithWill(&proto.Will{Topic: c.Topic("w"), Payload: []byte("w"), Retain: true})))
			p.Refused("the connection is refused")
		},
	},
	{
		Name: "receive-maximum", Title: "No more messages are in flight to a client than its Receive Maximum",
		V5: "3.3.4 MQTT-3.3.4-9 MQTT-4.9.0-1 MQTT-4.9.0-2", Needs: NeedQoS2,
		Run: func(c *C) {
			const window, n = 3, 12
			s, p := c.Connect(WithProp(proto.ReceiveMaximum, window)), c.Connect()
			s.Subscribe(c.Topic("a"), 2)
			for i := range n {
				p.Publish(message(c.Topic("a"), fmt.Sprint(i), byte(1+i%2)))
			}
			s.Barrier()
			// What is in flight is put aside; more than the window is seen here or later.
			var held []*proto.Publish
			for len(s.aside) > 0 {
				held = append(held, s.Receive("a message"))
			}
			if len(held) > window {
				c.Fail(fmt.Sprintf("%d messages in flight", window), "%d", len(held))
			}
			for len(held) < window {
				held = append(held, s.Receive("a message"))
			}
			s.Barrier()
			if len(s.aside) > 0 {
				c.Fail(fmt.Sprintf("%d messages in flight", window), "one more: %s", s.describe(s.aside[0]))
			}
			for _, m := range held {
				s.Acknowledge(m)
			}
			c.Shows("MQTT-4.5.0-1")
			for i := window; i < n; i++ {
				s.Message(fmt.Sprintf("%d messages in all, not only %d", n, i))
			}
		},
	},
	{
		Name: "receive-maximum-qos-0", Title: "The Receive Maximum does not hold up other packets or messages at QoS 0",
		V5: "3.3.4 MQTT-3.3.4-10 MQTT-4.9.0-3", Needs: NeedQoS1,
		Run: func(c *C) {
			s, p := c.Connect(WithProp(proto.ReceiveMaximum, 1)), c.Connect()
			s.Subscribe(c.Topic("a"), 1)
			p.Publish(message(c.Topic("a"), "held", 1))
			s.Receive("a message")
			c.Shows("MQTT-3.3.4-10", "MQTT-4.9.0-3") // also if an answer is missing
			s.Barrier()
			s.Subscribe(c.Topic("b"), 0)
			p.Publish(message(c.Topic("b"), "zero", 0))
			s.Expect(c.Topic("b"), "zero")
		},
	},
	{
		Name: "server-receive-maximum", Title: "A client that exceeds the server's Receive Maximum is disconnected",
		V5: "3.3.4 MQTT-3.3.4-7", Needs: NeedQoS2, Harsh: true,
		Run: func(c *C) {
			most := int(c.Server.ReceiveMaximum)
			if most > 5000 {
				c.Skip("the server's Receive Maximum is %d", most)
			}
			p := c.Connect()
			var all []byte
			for i := range most + 1 {
				m := message(c.Topic("a"), "x", 2)
				m.PacketID = uint16(1 + i)
				all = append(all, p.Encode(&m)...)
			}
			p.Raw(all...)
			for {
				packet, err := p.read(c.r.opt.Limit)
				if err == errNothing {
					p.open("the server closes the connection", "it is open with %d messages in flight", most+1)
				}
				if err != nil {
					return
				}
				if packet.Type() == proto.DISCONNECT {
					return
				}
			}
		},
	},
}
