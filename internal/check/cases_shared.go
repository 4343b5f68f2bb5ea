package check

import (
	"fmt"
	"time"

	"mqtt/internal/proto"
)

// sharedCases are about shared subscriptions.
var sharedCases = [...]Case{
	{
		Name: "shared-one-member-gets-it", Title: "Each message of a shared subscription goes to one member",
		V5: "4.8.2 MQTT-4.8.2-3", Needs: NeedShared | NeedQoS1,
		Run: func(c *C) {
			a, b, p := c.Connect(), c.Connect(), c.Connect()
			for _, s := range []*Peer{a, b} {
				s.Subscribe("$share/g/"+c.Topic("a"), 1)
				s.Subscribe(c.Topic("m"), 1)
			}
			const n = 40
			for i := range n {
				p.Publish(message(c.Topic("a"), fmt.Sprint(i), 1))
			}
			p.Publish(message(c.Topic("m"), "marker", 1))
			seen := map[string]int{}
			for _, s := range []*Peer{a, b} {
				for _, m := range s.Until("marker") {
					seen[string(m.Payload)]++
				}
			}
			for _, s := range []*Peer{a, b} {
				for len(seen) < n {
					m := s.straggler()
					if m == nil {
						break
					}
					seen[string(m.Payload)]++
				}
			}
			for i := range n {
				if seen[fmt.Sprint(i)] != 1 {
					c.Fail("each message once", "message %d %d times", i, seen[fmt.Sprint(i)])
				}
			}
		},
	},
	{
		Name: "shared-groups", Title: "Each share name gets each message",
		V5: "4.8.2", Needs: NeedShared,
		Run: func(c *C) {
			a, b, p := c.Connect(), c.Connect(), c.Connect()
			a.Subscribe("$share/g/"+c.Topic("a"), 0)
			b.Subscribe("$share/h/"+c.Topic("a"), 0)
			p.Publish(message(c.Topic("a"), "x", 0))
			a.Expect(c.Topic("a"), "x")
			b.Expect(c.Topic("a"), "x")
		},
	},
	{
		Name: "shared-and-not-shared", Title: "A client with a shared and another subscription gets the message for both",
		V5: "4.8.2", Needs: NeedShared,
		Run: func(c *C) {
			s, p := c.Connect(), c.Connect()
			s.Subscribe("$share/g/"+c.Topic("a"), 0)
			s.Subscribe(c.Topic("a"), 0)
			s.Subscribe(c.Topic("m"), 0)
			p.Publish(message(c.Topic("a"), "x", 0))
			p.Publish(message(c.Topic("m"), "marker", 0))
			got := s.Until("marker")
			for len(got) < 2 {
				m := s.straggler()
				if m == nil {
					break
				}
				got = append(got, m)
			}
			if len(got) != 2 {
				c.Fail("the message twice", "%d copies", len(got))
			}
		},
	},
	{
		Name: "shared-qos", Title: "A member gets a message at the QoS of its own subscription",
		V5: "4.8.2 MQTT-4.8.2-3", Needs: NeedShared | NeedQoS2,
		Run: func(c *C) {
			s, p := c.Connect(), c.Connect()
			s.Subscribe("$share/g/"+c.Topic("a"), 1)
			p.Publish(message(c.Topic("a"), "x", 2))
			if m := s.Expect(c.Topic("a"), "x"); m.QoS != 1 {
				c.Fail("the message at QoS 1", "%s", s.describe(m))
			}
			p.Publish(message(c.Topic("a"), "y", 0))
			if m := s.Expect(c.Topic("a"), "y"); m.QoS != 0 {
				c.Fail("the message at QoS 0", "%s", s.describe(m))
			}
		},
	},
	{
		Name: "shared-unsubscribe", Title: "A member that has unsubscribed gets no more messages",
		V5: "4.8.2", Needs: NeedShared,
		Run: func(c *C) {
			a, b, p := c.Connect(), c.Connect(), c.Connect()
			a.Subscribe("$share/g/"+c.Topic("a"), 0)
			b.Subscribe("$share/g/"+c.Topic("a"), 0)
			a.Send(&proto.Unsubscribe{PacketID: 9, Filters: []string{"$share/g/" + c.Topic("a")}})
			a.Unsuback(9)
			for i := range 6 {
				p.Publish(message(c.Topic("a"), fmt.Sprint(i), 0))
				b.Expect(c.Topic("a"), fmt.Sprint(i))
			}
		},
	},
	{
		Name: "shared-identifier", Title: "A message of a shared subscription has its subscription identifier",
		V5: "3.3.4 MQTT-3.3.4-3", Needs: NeedShared | NeedSubscriptionID,
		Run: func(c *C) {
			s := c.Connect()
			s.SubscribeWith(proto.Subscription{Filter: "$share/g/" + c.Topic("a")}, withSubscriptionID(9))
			s.Publish(message(c.Topic("a"), "x", 0))
			if m := s.Expect(c.Topic("a"), "x"); len(subscriptionIDs(m)) != 1 || subscriptionIDs(m)[0] != 9 {
				c.Fail("a message with subscription identifier 9", "%s", s.describe(m))
			}
		},
	},
	{
		Name: "shared-waits-for-member", Title: "A message of a shared subscription waits while no member is connected",
		V5: "4.8.2 MQTT-4.5.0-1", Needs: NeedShared | NeedQoS1 | NeedSessions,
		Run: func(c *C) {
			id := c.ID("a")
			a, p := c.Connect(Lasting(id)), c.Connect()
			a.Subscribe("$share/g/"+c.Topic("a"), 1)
			a.Disconnect()
			p.Publish(message(c.Topic("a"), "x", 1))
			c.Resume(id).Expect(c.Topic("a"), "x")
		},
	},
	{
		Name: "shared-unsubscribe-one", Title: "The end of one subscription of a group leaves the others",
		V5: "4.8.2 MQTT-3.10.4-1", Needs: NeedShared,
		Run: func(c *C) {
			a, b, p := c.Connect(), c.Connect(), c.Connect()
			for _, s := range []*Peer{a, b} {
				s.Subscribe("$share/g/"+c.Topic("a"), 0)
			}
			b.Subscribe(c.Topic("a"), 0)
			// The filter of the shared subscription is another one.
			b.Send(&proto.Unsubscribe{PacketID: 9, Filters: []string{c.Topic("a")}})
			b.Unsuback(9)
			a.Send(&proto.Unsubscribe{PacketID: 9, Filters: []string{"$share/g/" + c.Topic("a")}})
			a.Unsuback(9)
			p.Publish(message(c.Topic("a"), "x", 0))
			b.Expect(c.Topic("a"), "x")
		},
	},
	{
		Name: "shared-wildcard", Title: "A shared subscription may have wildcards",
		V5: "4.8.2 MQTT-4.8.2-2", Needs: NeedShared | NeedWildcard,
		Run: func(c *C) {
			s, p := c.Connect(), c.Connect()
			s.Subscribe("$share/g/"+c.Topic("+/b"), 0)
			p.Publish(message(c.Topic("x/b"), "x", 0))
			s.Expect(c.Topic("x/b"), "x")
		},
	},
	{
		Name: "shared-empty-name", Title: "A shared subscription with an empty share name is not granted",
		V5: "4.8.2 MQTT-4.8.2-1", Needs: NeedShared,
		Run: func(c *C) { c.refusedFilter("$share//" + c.Topic("a")) },
	},
	{
		Name: "shared-name-plus", Title: "A share name with + is not granted",
		V5: "4.8.2 MQTT-4.8.2-2", Needs: NeedShared,
		Run: func(c *C) { c.refusedFilter("$share/g+/" + c.Topic("a")) },
	},
	{
		Name: "shared-name-hash", Title: "A share name with # is not granted",
		V5: "4.8.2 MQTT-4.8.2-2", Needs: NeedShared,
		Run: func(c *C) { c.refusedFilter("$share/g#/" + c.Topic("a")) },
	},
	{
		Name: "shared-without-filter", Title: "A shared subscription without a filter is not granted",
		V5: "4.8.2 MQTT-4.8.2-2", Needs: NeedShared,
		Run: func(c *C) { c.refusedFilter("$share/g") },
	},
	{
		Name: "shared-empty-filter", Title: "A shared subscription with an empty filter is not granted",
		V5: "4.8.2 MQTT-4.8.2-2", Needs: NeedShared,
		Run: func(c *C) { c.refusedFilter("$share/g/") },
	},
	{
		Name: "shared-member-lost", Title: "QoS 1 messages that a lost member has not acknowledged are not lost to the group while it is away",
		V5: "4.8.2", Should: true, Needs: NeedShared | NeedQoS1,
		Run: func(c *C) {
			a, b, p := c.Connect(), c.Connect(), c.Connect()
			a.Subscribe("$share/g/"+c.Topic("a"), 1)
			p.Publish(message(c.Topic("a"), "x", 1))
			a.Receive("the message")
			b.Subscribe("$share/g/"+c.Topic("a"), 1)
			b.Subscribe(c.Topic("m"), 1)
			a.CloseAbruptly() // its session ends: the standard asks to give the message to another member
			packet, err := b.read(2 * c.r.opt.Limit / 5)
			if err != nil {
				c.Choice("the server does not give the message to another member")
			}
			if m, ok := packet.(*proto.Publish); !ok || string(m.Payload) != "x" {
				c.Fail("the message, at another member", "%s", b.describe(packet))
			}
		},
	},
	{
		Name: "shared-qos-2-continues", Title: "A QoS 2 message of a member whose connection was lost is completed with that member",
		V5: "4.8.2 MQTT-4.8.2-4", Needs: NeedShared | NeedQoS2 | NeedSessions,
		Run: func(c *C) {
			id := c.ID("a")
			a, b, p := c.Connect(Lasting(id)), c.Connect(), c.Connect()
			a.Subscribe("$share/g/"+c.Topic("a"), 2)
			p.Publish(message(c.Topic("a"), "x", 2))
			m := a.Receive("the message")
			b.Subscribe("$share/g/"+c.Topic("a"), 2)
			b.Subscribe(c.Topic("m"), 2)
			a.CloseAbruptly()
			p.Publish(message(c.Topic("m"), "marker", 2))
			b.None("a message that has begun with one member goes to no other", "marker")
			a = c.Resume(id)
			again, late := a.resent(m)
			a.Acknowledge(again)
			c.late(late)
		},
	},
	{
		Name: "shared-qos-2-not-moved", Title: "A QoS 2 message of a member whose session has ended goes to no other member",
		V5: "4.8.2 MQTT-4.8.2-5", Needs: NeedShared | NeedQoS2,
		Run: func(c *C) {
			a, b, p := c.Connect(), c.Connect(), c.Connect()
			a.Subscribe("$share/g/"+c.Topic("a"), 2)
			p.Publish(message(c.Topic("a"), "x", 2))
			a.Receive("the message")
			b.Subscribe("$share/g/"+c.Topic("a"), 2)
			b.Subscribe(c.Topic("m"), 2)
			a.CloseAbruptly() // the session ends with the connection
			c.Sleep(100 * time.Millisecond)
			p.Publish(message(c.Topic("m"), "marker", 2))
			b.None("a message that has begun with one member goes to no other", "marker")
		},
	},
	{
		Name: "shared-refused-not-moved", Title: "A message that a member refuses is not given to another",
		V5: "4.8.2 MQTT-4.8.2-6", Needs: NeedShared | NeedQoS1,
		Run: func(c *C) {
			a, b, p := c.Connect(), c.Connect(), c.Connect()
			a.Subscribe("$share/g/"+c.Topic("a"), 1)
			p.Publish(message(c.Topic("a"), "refused", 1))
			m := a.Receive("the message")
			b.Subscribe("$share/g/"+c.Topic("a"), 1)
			b.Subscribe(c.Topic("m"), 1)
			a.Send(&proto.Ack{Kind: proto.PUBACK, PacketID: m.PacketID, Reason: proto.UnspecifiedError})
			a.Barrier()
			p.Publish(message(c.Topic("m"), "marker", 1))
			b.None("a message that was refused goes to no other member", "marker")
		},
	},
	{
		Name: "shared-refused-by-server", Title: "A server without shared subscriptions ends the connection, or refuses them",
		V5: "3.2.2.3.13",
		Run: func(c *C) {
			if c.Server.Shared {
				c.Skip("the server has shared subscriptions")
			}
			c.refusedFilter("$share/g/" + c.Topic("a"))
		},
	},
}

// straggler returns the next message, acknowledged, or nil if none comes. A message may come after a marker on another
// topic: only those on one topic have an order.
func (p *Peer) straggler() *proto.Publish {
	if len(p.aside) == 0 {
		packet, err := p.read(p.c.r.opt.Limit)
		m, ok := packet.(*proto.Publish)
		if err != nil || !ok {
			return nil
		}
		p.aside = append(p.aside, m)
	}
	return p.Message("a message")
}
