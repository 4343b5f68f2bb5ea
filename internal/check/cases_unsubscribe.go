package check

import "mqtt/internal/proto"

// unsubscribeCases are about UNSUBSCRIBE and UNSUBACK.
var unsubscribeCases = [...]Case{
	{
		Name: "unsuback-repeats-identifier", Title: "UNSUBACK has the packet identifier of its UNSUBSCRIBE",
		V5: "3.10.4 MQTT-3.10.4-4 MQTT-3.10.4-5", V311: "3.10.4 MQTT-3.10.4-4", V31: "3.10",
		Run: func(c *C) {
			p := c.Connect()
			p.Subscribe(c.Topic("a"), 0)
			for _, id := range []uint16{2, 255, 256, 65535} {
				p.Send(&proto.Unsubscribe{PacketID: id, Filters: []string{c.Topic("a")}})
				p.Unsuback(id)
			}
		},
	},
	{
		Name: "unsubscribe-unknown-filter", Title: "An UNSUBSCRIBE of a filter without a subscription is answered",
		V5: "3.10.4 MQTT-3.10.4-5", V311: "3.10.4 MQTT-3.10.4-5", V31: "3.10",
		Run: func(c *C) {
			p := c.Connect()
			p.Send(&proto.Unsubscribe{PacketID: 9, Filters: []string{c.Topic("none")}})
			ack := p.Unsuback(9)
			if c.V5() && (len(ack.Reasons) != 1 || ack.Reasons[0] != proto.NoSubscriptionExisted && ack.Reasons[0] < 0x80) {
				c.Warn("reason code 0x11 (No subscription existed)", "%s", p.describe(ack))
			}
		},
	},
	{
		Name: "unsuback-one-code-for-each-filter", Title: "UNSUBACK has a reason code for each filter, in their order",
		V5: "3.11.3 MQTT-3.11.3-1 MQTT-3.11.3-2 MQTT-3.10.4-6",
		Run: func(c *C) {
			p := c.Connect()
			p.Subscribe(c.Topic("b"), 0)
			p.Send(&proto.Unsubscribe{PacketID: 9, Filters: []string{c.Topic("a"), c.Topic("b"), c.Topic("c"), c.Topic("d")}})
			ack := p.Unsuback(9)
			if len(ack.Reasons) != 4 {
				c.Fail("UNSUBACK with 4 reason codes", "%s", p.describe(ack))
			}
			for i, r := range ack.Reasons {
				if (r == proto.Success) != (i == 1) {
					c.Fail("success for the second filter only", "%s", p.describe(ack))
				}
			}
		},
	},
	{
		Name: "unsubscribe-ends-delivery", Title: "After UNSUBSCRIBE no message is delivered any more",
		V5: "3.10.4 MQTT-3.10.4-2", V311: "3.10.4 MQTT-3.10.4-2", V31: "3.10",
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			s.Subscribe(c.Topic("b"), 0)
			s.Send(&proto.Unsubscribe{PacketID: 9, Filters: []string{c.Topic("a")}})
			s.Unsuback(9)
			p.Publish(message(c.Topic("a"), "late", 0))
			p.Publish(message(c.Topic("b"), "marker", 0))
			s.None("no message after UNSUBACK", "marker")
		},
	},
	{
		Name: "unsubscribe-compares-characters", Title: "UNSUBSCRIBE compares filters character by character, and ends no other subscription",
		V5: "3.10.4 MQTT-3.10.4-1", V311: "3.10.4 MQTT-3.10.4-1", Needs: NeedWildcard,
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			s.Subscribe(c.Topic("a/b"), 0)
			s.Subscribe(c.Topic("c/+"), 0)
			s.Send(&proto.Unsubscribe{PacketID: 9, Filters: []string{
				c.Topic("a/+"), c.Topic("#"), c.Topic("a/B"), c.Topic("a/b/"), c.Topic("a"), c.Topic("a/"), c.Topic("c/d"), c.Topic("c"), c.Topic("c/#"),
			}})
			s.Unsuback(9)
			for _, t := range []string{"a/b", "c/d"} {
				p.Publish(message(c.Topic(t), "x", 0))
				s.Expect(c.Topic(t), "x")
			}
		},
	},
	{
		Name: "unsubscribe-several-filters", Title: "All filters of one UNSUBSCRIBE are ended",
		V5: "3.10.4 MQTT-3.10.4-6", V311: "3.10.4 MQTT-3.10.4-6", V31: "3.10",
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			for _, t := range []string{"a", "b", "c", "m"} {
				s.Subscribe(c.Topic(t), 0)
			}
			s.Send(&proto.Unsubscribe{PacketID: 9, Filters: []string{c.Topic("a"), c.Topic("b"), c.Topic("c")}})
			s.Unsuback(9)
			for _, t := range []string{"a", "b", "c"} {
				p.Publish(message(c.Topic(t), "late", 0))
			}
			p.Publish(message(c.Topic("m"), "marker", 0))
			s.None("no message after UNSUBACK", "marker")
		},
	},
	{
		Name: "unsubscribe-completes-exchanges", Title: "A QoS 2 delivery that has begun is completed after UNSUBSCRIBE",
		V5: "3.10.4 MQTT-3.10.4-3", V311: "3.10.4 MQTT-3.10.4-3", Needs: NeedQoS2,
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			s.Subscribe(c.Topic("a"), 2)
			p.Publish(message(c.Topic("a"), "x", 2))
			m := s.Receive("the message")
			s.Send(&proto.Unsubscribe{PacketID: 9, Filters: []string{c.Topic("a")}})
			s.Unsuback(9)
			s.Acknowledge(m)
		},
	},
}
