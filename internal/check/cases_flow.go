package check

import (
	"fmt"
	"time"

	"mqtt/internal/proto"
)

// flowCases are about the quota of messages in flight, the sizes that a client takes, and keep alive.
var flowCases = [...]Case{
	{
		Name: "receive-maximum-until-pubcomp", Title: "A message at QoS 2 counts against the Receive Maximum until PUBCOMP",
		V5: "4.9 MQTT-4.9.0-2 MQTT-3.3.4-9", Needs: NeedQoS2,
		Run: func(c *C) {
			s, p := c.Connect(WithProp(proto.ReceiveMaximum, 1)), c.Connect()
			s.Subscribe(c.Topic("a"), 2)
			p.Publish(message(c.Topic("a"), "1", 2))
			p.Publish(message(c.Topic("a"), "2", 2))
			m := s.Receive("the first message")
			s.Send(&proto.Ack{Kind: proto.PUBREC, PacketID: m.PacketID})
			s.Ack(proto.PUBREL, m.PacketID)
			s.Barrier()
			if len(s.aside) > 0 {
				c.Fail("one message in flight until PUBCOMP", "one more: %s", s.describe(s.aside[0]))
			}
			s.Send(&proto.Ack{Kind: proto.PUBCOMP, PacketID: m.PacketID})
			s.Expect(c.Topic("a"), "2")
		},
	},
	{
		Name: "receive-maximum-after-refusal", Title: "An acknowledgement with an error code makes room for the next message",
		V5: "4.9", Needs: NeedQoS2,
		Run: func(c *C) {
			s, p := c.Connect(WithProp(proto.ReceiveMaximum, 1)), c.Connect()
			s.Subscribe(c.Topic("a"), 2)
			for i, kind := range []proto.Type{proto.PUBACK, proto.PUBREC, proto.PUBREC} {
				p.Publish(message(c.Topic("a"), fmt.Sprint(i), byte(1+min(i, 1))))
				m := s.Receive("the next message, after one that was refused")
				s.Send(&proto.Ack{Kind: kind, PacketID: m.PacketID, Reason: proto.UnspecifiedError})
			}
			p.Publish(message(c.Topic("a"), "last", 1))
			s.Expect(c.Topic("a"), "last")
		},
	},
	{
		Name: "maximum-packet-size-whole-packet", Title: "The Maximum Packet Size of a client holds for the whole packet, at every QoS",
		V5: "3.1.2.11.4 MQTT-3.1.2-24 MQTT-3.1.2-25",
		Run: func(c *C) {
			const most = 200
			s, p := c.Connect(WithProp(proto.MaximumPacketSize, most)), c.Connect()
			s.Subscribe(c.Topic("a"), c.Server.MaximumQoS)
			for q := range c.Server.MaximumQoS + 1 {
				// The payload alone is not too large.
				p.Publish(message(c.Topic("a"), fmt.Sprintf("%0*d", most-5, q), q))
				p.Publish(message(c.Topic("a"), fmt.Sprintf("small %d", q), q))
				if m := s.Message("a message within the Maximum Packet Size"); string(m.Payload) != fmt.Sprintf("small %d", q) {
					c.Fail("no message whose packet is above the Maximum Packet Size", "%s", s.describe(m))
				}
			}
		},
	},
	{
		Name: "maximum-packet-size-and-quota", Title: "A message that is too large for a client takes no place in its Receive Maximum",
		V5: "3.1.2.11.4 MQTT-3.1.2-25", Needs: NeedQoS2,
		Run: func(c *C) {
			s, p := c.Connect(WithProp(proto.MaximumPacketSize, 200), WithProp(proto.ReceiveMaximum, 1)), c.Connect()
			s.Subscribe(c.Topic("a"), 2)
			for _, q := range []byte{1, 2} {
				p.Publish(message(c.Topic("a"), fmt.Sprintf("%01000d", q), q))
				p.Publish(message(c.Topic("a"), fmt.Sprintf("small %d", q), q))
				s.Expect(c.Topic("a"), fmt.Sprintf("small %d", q))
			}
		},
	},
	{
		Name: "maximum-packet-size-of-answers", Title: "Answers to a client stay within its Maximum Packet Size",
		V5: "3.1.2.11.4 MQTT-3.1.2-24 MQTT-3.4.2-2 MQTT-3.5.2-2 MQTT-3.7.2-2 MQTT-3.9.2-1 MQTT-3.11.2-1", Needs: NeedQoS2,
		Run: func(c *C) {
			// What has room for CONNACK has room for every other answer without a Reason String.
			first := c.Connect()
			most := len(first.Encode(first.Connack)) + 8
			p := c.Connect(WithProp(proto.MaximumPacketSize, uint32(most)))
			p.Send(&proto.Subscribe{PacketID: 1, Filters: []proto.Subscription{{Filter: c.Topic("a")}}})
			p.Suback(1)
			p.Send(&proto.Unsubscribe{PacketID: 2, Filters: []string{c.Topic("a")}})
			p.Unsuback(2)
			p.Publish(message(c.Topic("nobody"), "x", 1))
			p.Publish(message(c.Topic("nobody"), "x", 2))
			p.Barrier()
		},
	},
	{
		Name: "keep-alive-of-silent-subscriber", Title: "What the server sends does not count for the Keep Alive of a client",
		V5: "3.1.2.10 MQTT-3.1.2-22", V311: "3.1.2.10 MQTT-3.1.2-24",
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect(WithKeepAlive(1))
			keep := time.Duration(s.Connack.Props.Num(proto.ServerKeepAlive, 1)) * time.Second
			if keep == 0 || keep > 4*time.Second {
				c.Skip("the server replaces a Keep Alive of 1 s by %v", keep)
			}
			s.Subscribe(c.Topic("a"), 0)
			limit := c.within(keep * 3 / 2)
			for end := time.Now().Add(limit); time.Now().Before(end); {
				p.Publish(message(c.Topic("a"), "x", 0))
				next := time.Now().Add(300 * time.Millisecond)
				for time.Now().Before(next) {
					packet, err := s.read(time.Until(next))
					if err != nil && err != errNothing {
						return
					}
					if err == nil && packet.Type() != proto.PUBLISH && packet.Type() != proto.DISCONNECT {
						c.Fail("messages, or the end of the connection", "%s", s.describe(packet))
					}
				}
			}
			c.Fail(fmt.Sprintf("the server closes the connection of a client that sent nothing for %v", keep*3/2), "it is open after %v", limit)
		},
	},
}
