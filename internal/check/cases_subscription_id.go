package check

import (
	"fmt"

	"mqtt/internal/proto"
)

// subscriptionIDCases are about subscription identifiers.
var subscriptionIDCases = [...]Case{
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
