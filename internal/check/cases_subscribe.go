package check

import (
	"fmt"

	"mqtt/internal/proto"
)

// subscribeCases are about SUBSCRIBE and SUBACK.
var subscribeCases = [...]Case{
	{
		Name: "suback-repeats-identifier", Title: "SUBACK has the packet identifier of its SUBSCRIBE",
		V5: "3.8.4 MQTT-3.8.4-1 MQTT-3.8.4-2 MQTT-2.2.1-6", V311: "3.8.4 MQTT-3.8.4-1 MQTT-3.8.4-2 MQTT-2.3.1-7", V31: "3.8",
		Run: func(c *C) {
			p := c.Connect()
			for _, id := range []uint16{1, 255, 256, 65535} {
				p.Send(&proto.Subscribe{PacketID: id, Filters: []proto.Subscription{{Filter: c.Topic("a")}}})
				p.Suback(id)
			}
		},
	},
	{
		Name: "suback-one-code-for-each-filter", Title: "SUBACK has a reason code for each filter, in their order",
		V5: "3.9.3 MQTT-3.8.4-5 MQTT-3.8.4-6 MQTT-3.9.3-1 MQTT-3.9.3-2", V311: "3.9.3 MQTT-3.8.4-4 MQTT-3.8.4-5 MQTT-3.9.3-1 MQTT-3.9.3-2", V31: "3.9",
		Run: func(c *C) {
			p := c.Connect()
			var filters []proto.Subscription
			for i := range 9 {
				filters = append(filters, proto.Subscription{Filter: c.Topic(fmt.Sprint(i)), QoS: byte(i % 3)})
			}
			p.Send(&proto.Subscribe{PacketID: 3, Filters: filters})
			ack := p.Suback(3)
			if len(ack.Reasons) != len(filters) {
				c.Fail("SUBACK with 9 reason codes", "%s", p.describe(ack))
			}
			for i, r := range ack.Reasons {
				if r < 0x80 && byte(r) > filters[i].QoS {
					c.Fail("no QoS above the one that was asked for, in the order of the filters", "%s", p.describe(ack))
				}
				if r < 0x80 && byte(r) < min(filters[i].QoS, c.Server.MaximumQoS) {
					c.Choice("the server grants less than was asked for: %s", p.describe(ack))
				}
			}
		},
	},
	{
		Name: "filters-of-one-subscribe", Title: "All filters of one SUBSCRIBE are subscribed to",
		V5: "3.8.4 MQTT-3.8.4-5", V311: "3.8.4 MQTT-3.8.4-4", V31: "3.8",
		Run: func(c *C) {
			p := c.Connect()
			var filters []proto.Subscription
			for i := range 12 {
				filters = append(filters, proto.Subscription{Filter: c.Topic(fmt.Sprint(i))})
			}
			p.Send(&proto.Subscribe{PacketID: 3, Filters: filters})
			if ack := p.Suback(3); len(ack.Reasons) != len(filters) {
				c.Fail("SUBACK with 12 reason codes", "%s", p.describe(ack))
			}
			for i := range filters {
				p.Publish(message(filters[i].Filter, "x", 0))
				p.Expect(filters[i].Filter, "x")
			}
		},
	},
	{
		Name: "only-matching-messages", Title: "Only messages whose topic matches a filter are delivered",
		V5: "3.3.2.1 MQTT-3.3.2-3", V311: "3.3.2.1 MQTT-3.3.2-3", V31: "3.8",
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			for _, other := range []string{"b", "a/b", "", "A", "aa", "/a"} {
				p.Publish(message(c.Topic(other), "other "+other, 0))
			}
			p.Publish(message(c.Topic("a"), "marker", 0))
			s.None("no message on a topic without a subscription", "marker")
		},
	},
	{
		Name: "same-filter-replaces", Title: "A second SUBSCRIBE with the same filter replaces the subscription",
		V5: "3.8.4 MQTT-3.8.4-3", V311: "3.8.4 MQTT-3.8.4-3", V31: "3.8", Needs: NeedQoS1,
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			s.Subscribe(c.Topic("a"), 1)
			p.Publish(message(c.Topic("a"), "one", 1))
			if m := s.Expect(c.Topic("a"), "one"); m.QoS != 1 {
				c.Fail("the message at QoS 1", "%s", s.describe(m))
			}
			p.Publish(message(c.Topic("a"), "marker", 1))
			s.None("one copy of the message", "marker")
			s.Subscribe(c.Topic("a"), 0)
			p.Publish(message(c.Topic("a"), "zero", 1))
			if m := s.Expect(c.Topic("a"), "zero"); m.QoS != 0 {
				c.Fail("the message at QoS 0", "%s", s.describe(m))
			}
		},
	},
	{
		Name: "resubscribe-loses-nothing", Title: "Replacing a subscription loses no message",
		V5: "3.8.4 MQTT-3.8.4-4", V311: "3.8.4 MQTT-3.8.4-3", Needs: NeedQoS1,
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			s.Subscribe(c.Topic("a"), 1)
			const n = 60
			for i := range n {
				p.Publish(message(c.Topic("a"), fmt.Sprint(i), 1))
				if i%6 == 0 {
					s.Send(&proto.Subscribe{PacketID: uint16(1000 + i), Filters: []proto.Subscription{{Filter: c.Topic("a"), QoS: 1}}})
				}
			}
			want := 0
			for subacks := 0; want < n || subacks < n/6; {
				switch a := s.Next(fmt.Sprintf("message %d of %d", want, n)).(type) {
				case *proto.Suback:
					subacks++
				case *proto.Publish:
					if string(a.Payload) != fmt.Sprint(want) {
						c.Fail(fmt.Sprintf("message %d", want), "%s", s.describe(a))
					}
					s.Acknowledge(a)
					want++
				}
			}
		},
	},
}

// refusedSubscribeCases are about filters that a server refuses.
var refusedSubscribeCases = [...]Case{
	{
		Name: "suback-error-of-one-filter", Title: "A filter that is refused does not affect the others of its SUBSCRIBE",
		V5: "3.9.3 MQTT-3.8.4-5 MQTT-3.9.3-1", V311: "3.9.3 MQTT-3.8.4-4 MQTT-3.9.3-1",
		Run: func(c *C) {
			s := c.Connect()
			s.Raw(packet(0x82, id(7), c.props(), text(c.Topic("a")), bytesOf(0), text(c.Topic("b#")), bytesOf(0), text(c.Topic("c")), bytesOf(0))...)
			packet, err := s.read(c.r.opt.Limit)
			ack, ok := packet.(*proto.Suback)
			switch {
			case err == errNothing:
				c.Fail("SUBACK, or the end of the connection", "nothing within %v", c.r.opt.Limit)
			case err != nil || !ok:
				c.Choice("the server ends the connection because of a filter that breaks the standard")
			case len(ack.Reasons) == 3 && ack.Reasons[1] < 0x80:
				c.Skip("the server grants a filter that the standard forbids, which other cases show: %s", s.describe(ack))
			case len(ack.Reasons) != 3 || ack.Reasons[0] >= 0x80 || ack.Reasons[1] < 0x80 || ack.Reasons[2] >= 0x80:
				c.Fail("SUBACK with an error for the second filter only", "%s", s.describe(ack))
			}
			for _, t := range []string{"a", "c"} {
				s.Publish(message(c.Topic(t), "x", 0))
				s.Expect(c.Topic(t), "x")
			}
		},
	},
	{
		Name: "wildcards-refused", Title: "A server without wildcard subscriptions refuses them",
		V5: "3.2.2.3.11",
		Run: func(c *C) {
			if c.Server.Wildcard {
				c.Skip("the server has wildcard subscriptions")
			}
			c.refusedFilter(c.Topic("#"))
		},
	},
}
