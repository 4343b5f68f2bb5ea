package check

import (
	"fmt"

	"mqtt/internal/proto"
)

// subscribeCases are about SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK.
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
	{
		Name: "granted-qos-is-maximum", Title: "A message is delivered at the smaller of its QoS and the granted QoS",
		V5: "3.8.4 MQTT-3.8.4-7 MQTT-3.8.4-8", V311: "3.8.4 MQTT-3.8.4-6", V31: "3.8", Needs: NeedQoS2,
		Run: func(c *C) {
			p := c.Connect()
			for granted := range byte(3) {
				s := c.Connect()
				topic := c.Topic(fmt.Sprint(granted))
				g := s.Grant(proto.Subscription{Filter: topic, QoS: granted})
				for q := range byte(3) {
					p.Publish(message(topic, fmt.Sprint(q), q))
					m := s.Expect(topic, fmt.Sprint(q))
					if m.QoS != min(g, q) {
						c.Fail(fmt.Sprintf("a message of QoS %d at QoS %d, since QoS %d was granted", q, min(g, q), g), "%s", s.describe(m))
					}
				}
			}
		},
	},
	{
		Name: "delivery-within-granted-qos", Title: "A message is delivered at no QoS above the granted one",
		V5: "3.8.4 MQTT-3.8.4-8", V311: "3.8.4 MQTT-3.8.4-6",
		Run: func(c *C) {
			if c.V5() || c.Server.refusesQoS2 != "" {
				c.Need(NeedQoS2) // in MQTT 5 for the message; before, a server may grant less than it takes
			}
			s := c.Connect()
			s.Subscribe(c.Topic("m"), 0)
			granted := s.Grant(proto.Subscription{Filter: c.Topic("a"), QoS: 2})
			if granted > 2 {
				c.Fail("SUBACK with a QoS", "0x%02X", granted)
			}
			c.Connect().Publish(message(c.Topic("a"), "x", 2))
			if m := s.Expect(c.Topic("a"), "x"); m.QoS > granted {
				c.Fail(fmt.Sprintf("the message at a QoS up to %d", granted), "%s", s.describe(m))
			}
		},
	},
	{
		Name: "overlapping-subscriptions-qos", Title: "A message that matches several subscriptions arrives at the highest QoS of them",
		V5: "3.3.4 MQTT-3.3.4-2", V311: "3.3.5 MQTT-3.3.5-1", Needs: NeedQoS2 | NeedWildcard,
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			s.Subscribe(c.Topic("+"), 0)
			s.Subscribe(c.Topic("a"), 2)
			s.Subscribe(c.Topic("#"), 1)
			p.Publish(message(c.Topic("a"), "x", 2))
			p.Publish(message(c.Topic("a"), "marker", 2))
			highest := byte(0)
			copies := 0
			for {
				m := s.Message("a message")
				if string(m.Payload) == "marker" {
					break
				}
				highest, copies = max(highest, m.QoS), copies+1
			}
			if copies == 0 || highest != 2 {
				c.Fail("the message at QoS 2", "%d copies, the highest QoS %d", copies, highest)
			}
			if copies > 1 {
				c.Choice("the server sends a copy for each subscription: %d", copies)
			}
		},
	},
	{
		Name: "own-messages", Title: "A client receives its own messages",
		V5: "3.8.3.1", V311: "3.3.5", V31: "3.8",
		Run: func(c *C) {
			p := c.Connect()
			p.Subscribe(c.Topic("a"), 0)
			p.Publish(message(c.Topic("a"), "x", 0))
			p.Expect(c.Topic("a"), "x")
		},
	},
	{
		Name: "no-local", Title: "With No Local a client does not receive its own messages, but those of others",
		V5: "3.8.3.1 MQTT-3.8.3-3",
		Run: func(c *C) {
			p, other := c.Connect(), c.Connect()
			p.SubscribeWith(proto.Subscription{Filter: c.Topic("a"), NoLocal: true})
			p.Subscribe(c.Topic("m"), 0)
			p.Publish(message(c.Topic("a"), "own", 0))
			p.Publish(message(c.Topic("m"), "marker", 0))
			p.None("no message of its own", "marker")
			other.Publish(message(c.Topic("a"), "other", 0))
			p.Expect(c.Topic("a"), "other")
		},
	},
	{
		Name: "no-local-next-connection", Title: "No Local goes by the client identifier, also over connections",
		V5: "3.8.3.1 MQTT-3.8.3-3", Needs: NeedSessions | NeedQoS1,
		Run: func(c *C) {
			id := c.ID("n")
			s := c.Connect(Lasting(id))
			s.SubscribeWith(proto.Subscription{Filter: c.Topic("a"), QoS: 1, NoLocal: true})
			s.SubscribeWith(proto.Subscription{Filter: c.Topic("m"), QoS: 1})
			s.Disconnect()
			again := c.Connect(Lasting(id))
			again.Publish(message(c.Topic("a"), "own", 1))
			again.Publish(message(c.Topic("m"), "marker", 1))
			again.None("no message of its own", "marker")
		},
	},
	{
		Name: "no-local-shared", Title: "No Local on a shared subscription is a protocol error",
		V5: "3.8.3.1 MQTT-3.8.3-4", Needs: NeedShared,
		Run: func(c *C) {
			c.bad(packet(0x82, id(1), c.props(), text("$share/g/"+c.Topic("a")), bytesOf(0x04)), proto.ProtocolError)
		},
	},
	{
		Name: "subscription-identifier", Title: "The subscription identifier comes with each message",
		V5: "3.3.4 MQTT-3.3.4-3", Needs: NeedSubscriptionID,
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			for _, n := range []uint32{1, 127, 128, 268435455} {
				topic := c.Topic(fmt.Sprint(n))
				s.SubscribeWith(proto.Subscription{Filter: topic}, withSubscriptionID(n))
				p.Publish(message(topic, "x", 0))
				m := s.Expect(topic, "x")
				if got := subscriptionIDs(m); len(got) != 1 || got[0] != n {
					c.Fail(fmt.Sprintf("a message with subscription identifier %d", n), "%s", s.describe(m))
				}
			}
		},
	},
	{
		Name: "subscription-identifiers-overlapping", Title: "A message has the identifiers of all subscriptions that it matches",
		V5: "3.3.4 MQTT-3.3.4-3 MQTT-3.3.4-4 MQTT-3.3.4-5", Needs: NeedSubscriptionID | NeedWildcard,
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			s.SubscribeWith(proto.Subscription{Filter: c.Topic("a")}, withSubscriptionID(5))
			s.SubscribeWith(proto.Subscription{Filter: c.Topic("+")}, withSubscriptionID(6))
			s.Subscribe(c.Topic("m"), 0)
			p.Publish(message(c.Topic("a"), "x", 0))
			p.Publish(message(c.Topic("m"), "marker", 0))
			var got []uint32
			copies := s.Until("marker")
			for _, m := range copies {
				got = append(got, subscriptionIDs(m)...)
			}
			if len(got) != 2 || got[0]+got[1] != 11 || got[0]*got[1] != 30 {
				c.Fail("the subscription identifiers 5 and 6, in one message or one each in two", "%d messages with %v", len(copies), got)
			}
		},
	},
	{
		Name: "subscription-identifier-absent", Title: "A message of a subscription without identifier has none",
		V5: "3.3.4 MQTT-3.3.4-3", Needs: NeedSubscriptionID,
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			s.SubscribeWith(proto.Subscription{Filter: c.Topic("b")}, withSubscriptionID(5))
			s.Subscribe(c.Topic("a"), 0)
			p.Publish(message(c.Topic("a"), "x", 0))
			if m := s.Expect(c.Topic("a"), "x"); len(subscriptionIDs(m)) > 0 {
				c.Fail("a message without subscription identifier", "%s", s.describe(m))
			}
		},
	},
	{
		Name: "subscription-identifier-replaced", Title: "A SUBSCRIBE with the same filter replaces the subscription identifier",
		V5: "3.8.4 MQTT-3.8.4-3", Needs: NeedSubscriptionID,
		Run: func(c *C) {
			s := c.Connect()
			s.SubscribeWith(proto.Subscription{Filter: c.Topic("a")}, withSubscriptionID(5))
			s.SubscribeWith(proto.Subscription{Filter: c.Topic("a")}, withSubscriptionID(7))
			s.Publish(message(c.Topic("a"), "x", 0))
			if m := s.Expect(c.Topic("a"), "x"); len(subscriptionIDs(m)) != 1 || subscriptionIDs(m)[0] != 7 {
				c.Fail("a message with subscription identifier 7", "%s", s.describe(m))
			}
		},
	},
	{
		Name: "subscription-identifier-removed", Title: "A SUBSCRIBE with the same filter and no identifier leaves none",
		V5: "3.8.4 MQTT-3.8.4-3", Needs: NeedSubscriptionID,
		Run: func(c *C) {
			s := c.Connect()
			s.SubscribeWith(proto.Subscription{Filter: c.Topic("a")}, withSubscriptionID(5))
			s.Subscribe(c.Topic("a"), 0)
			s.Publish(message(c.Topic("a"), "x", 0))
			if m := s.Expect(c.Topic("a"), "x"); len(subscriptionIDs(m)) != 0 {
				c.Fail("a message without subscription identifier", "%s", s.describe(m))
			}
		},
	},
	{
		Name: "subscription-identifier-0", Title: "A SUBSCRIBE with subscription identifier 0 is a protocol error",
		V5: "3.8.2.1.2", Needs: NeedSubscriptionID,
		Run: func(c *C) {
			c.bad(packet(0x82, id(1), c.props(prop(proto.SubscriptionIdentifier, 0)), text(c.Topic("a")), bytesOf(0)))
		},
	},
	{
		Name: "subscription-identifier-twice", Title: "A SUBSCRIBE with two subscription identifiers is a protocol error",
		V5: "3.8.2.1.2", Needs: NeedSubscriptionID,
		Run: func(c *C) {
			two := append(prop(proto.SubscriptionIdentifier, 1), prop(proto.SubscriptionIdentifier, 2)...)
			c.bad(packet(0x82, id(1), c.props(two), text(c.Topic("a")), bytesOf(0)))
		},
	},
	{
		Name: "publish-with-subscription-identifier", Title: "A PUBLISH from a client with a subscription identifier is a protocol error",
		V5: "3.3.4 MQTT-3.3.4-6",
		Run: func(c *C) {
			c.bad(packet(0x30, text(c.Topic("a")), c.props(prop(proto.SubscriptionIdentifier, 1)), []byte("x")))
		},
	},
	{
		Name: "subscription-identifier-of-each-filter", Title: "A subscription identifier belongs to all filters of its SUBSCRIBE",
		V5: "3.8.2.1.2 MQTT-3.3.4-3", Needs: NeedSubscriptionID,
		Run: func(c *C) {
			s := c.Connect()
			s.Send(&proto.Subscribe{
				PacketID: 9, Props: proto.Props(nil).AppendNum(proto.SubscriptionIdentifier, 7),
				Filters: []proto.Subscription{{Filter: c.Topic("a")}, {Filter: c.Topic("b")}},
			})
			s.Suback(9)
			for _, t := range []string{"a", "b"} {
				s.Publish(message(c.Topic(t), "x", 0))
				if m := s.Expect(c.Topic(t), "x"); len(subscriptionIDs(m)) != 1 || subscriptionIDs(m)[0] != 7 {
					c.Fail("a message with subscription identifier 7", "%s", s.describe(m))
				}
			}
		},
	},
	{
		Name: "subscription-identifier-of-retained", Title: "A retained message has the identifier of the subscription that brings it",
		V5: "3.3.4 MQTT-3.3.4-3", Needs: NeedSubscriptionID | NeedRetain,
		Run: func(c *C) {
			s := c.Connect()
			s.Publish(retained(c.Topic("a"), "kept", c.storedQoS()))
			s.Barrier()
			s.SubscribeWith(proto.Subscription{Filter: c.Topic("a")}, withSubscriptionID(7))
			if m := s.Expect(c.Topic("a"), "kept"); len(subscriptionIDs(m)) != 1 || subscriptionIDs(m)[0] != 7 {
				c.Fail("a message with subscription identifier 7", "%s", s.describe(m))
			}
		},
	},
	{
		Name: "subscription-identifiers-refused", Title: "A server without subscription identifiers ends the connection, or refuses them",
		V5: "3.2.2.3.12",
		Run: func(c *C) {
			if c.Server.SubscriptionID {
				c.Skip("the server has subscription identifiers")
			}
			p := c.Connect()
			p.Raw(packet(0x82, id(7), c.props(prop(proto.SubscriptionIdentifier, 5)), text(c.Topic("a")), bytesOf(0))...)
			p.refusesFilter()
		},
	},
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

// withSubscriptionID adds a subscription identifier to a SUBSCRIBE.
func withSubscriptionID(n uint32) func(*proto.Subscribe) {
	return func(p *proto.Subscribe) { p.Props = p.Props.AppendNum(proto.SubscriptionIdentifier, n) }
}

// subscriptionIDs returns the subscription identifiers of a message.
func subscriptionIDs(m *proto.Publish) (ids []uint32) {
	for p := range m.Props.All() {
		if p.ID == proto.SubscriptionIdentifier {
			ids = append(ids, p.Num)
		}
	}
	return ids
}
