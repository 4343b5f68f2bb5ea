package check

import (
	"fmt"
	"time"

	"mqtt/internal/proto"
)

// reconnectCases are about what the next connection of a client changes, and what it does not.
var reconnectCases = [...]Case{
	{
		Name: "receive-maximum-of-next-connection", Title: "Messages that are sent again stay within the Receive Maximum of the new connection",
		V5: "4.9 MQTT-4.9.0-2 MQTT-3.3.4-9", Needs: NeedQoS1 | NeedSessions,
		Run: func(c *C) {
			p, id := c.Connect(), c.ID("s")
			s := c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), 1)
			const n = 3
			for i := range n {
				p.Publish(message(c.Topic("a"), fmt.Sprint(i), 1))
			}
			for range n {
				s.Receive("a message")
			}
			s.CloseAbruptly()
			s = c.Resume(id, WithProp(proto.ReceiveMaximum, 1))
			packet, _ := s.again("the first message again")
			s.Barrier()
			if len(s.aside) > 0 {
				c.Fail("one message in flight", "one more: %s", s.describe(s.aside[0]))
			}
			if m, ok := packet.(*proto.Publish); ok {
				s.Acknowledge(m)
			}
		},
	},
	{
		Name: "maximum-packet-size-of-next-connection", Title: "A message that waited is within the Maximum Packet Size of the new connection",
		V5: "3.1.2.11.4 MQTT-3.1.2-24 MQTT-3.1.2-25", Needs: NeedQoS1 | NeedSessions,
		Run: func(c *C) {
			id := c.ID("s")
			s := c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), 1)
			s.Disconnect()
			p := c.Connect()
			p.Publish(message(c.Topic("a"), fmt.Sprintf("%01000d", 0), 1))
			p.Publish(message(c.Topic("a"), "small", 1))
			s = c.Resume(id, WithProp(proto.MaximumPacketSize, 200))
			c.Shows("MQTT-3.1.2-25") // the observer sees a packet that breaks MQTT-3.1.2-24
			s.Expect(c.Topic("a"), "small")
			s.Barrier() // a server that sends the small one first may still end the connection
		},
	},
	{
		Name: "topic-alias-to-next-connection", Title: "A server carries no topic alias from one connection of a client to the next",
		V5: "3.3.2.3.4 MQTT-3.3.2-7", Needs: NeedSessions,
		Run: func(c *C) {
			id := c.ID("s")
			s := c.Connect(Lasting(id), WithProp(proto.TopicAliasMaximum, 2))
			s.Subscribe(c.Topic("a"), 0)
			for range 2 {
				s.Publish(message(c.Topic("a"), "x", 0))
				s.Message("the message")
			}
			s.Disconnect()
			s = c.Resume(id, WithProp(proto.TopicAliasMaximum, 2))
			s.Publish(message(c.Topic("a"), "x", 0))
			if m := s.Message("the message"); string(m.Topic) != c.Topic("a") {
				c.Fail("the topic name, before an alias for it", "%s", s.describe(m))
			}
		},
	},
	{
		Name: "unsubscribe-lasts", Title: "A subscription that was ended is not there when the session is resumed",
		V5: "3.10.4 MQTT-3.10.4-2", V311: "3.10.4 MQTT-3.10.4-2", Needs: NeedSessions,
		Run: func(c *C) {
			id := c.ID("s")
			s := c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), 0)
			s.Subscribe(c.Topic("m"), 0)
			s.Send(&proto.Unsubscribe{PacketID: 9, Filters: []string{c.Topic("a")}})
			s.Unsuback(9)
			s.Disconnect()
			s = c.Resume(id)
			s.Publish(message(c.Topic("a"), "x", 0))
			s.Publish(message(c.Topic("m"), "marker", 0))
			s.None("no message of the subscription that was ended", "marker")
		},
	},
	{
		Name: "resubscribe-replaces-options", Title: "A SUBSCRIBE with the same filter replaces No Local and Retain As Published",
		V5: "3.8.4 MQTT-3.8.4-3", Needs: NeedRetain,
		Run: func(c *C) {
			s := c.Connect()
			s.SubscribeWith(proto.Subscription{Filter: c.Topic("a"), NoLocal: true, RetainAsPublished: true})
			s.SubscribeWith(proto.Subscription{Filter: c.Topic("a")})
			s.Publish(retained(c.Topic("a"), "x", 0))
			if m := s.Expect(c.Topic("a"), "x"); m.Retain {
				c.Fail("a message with RETAIN 0", "%s", s.describe(m))
			}
		},
	},
	{
		Name: "retain-handling-1-after-unsubscribe", Title: "With Retain Handling 1 a subscription that was ended is new again",
		V5: "3.3.1.3 MQTT-3.3.1-10", Needs: NeedRetain,
		Run: func(c *C) {
			s := c.Connect()
			s.Publish(retained(c.Topic("a"), "kept", c.storedQoS()))
			s.Barrier()
			for range 2 {
				s.SubscribeWith(proto.Subscription{Filter: c.Topic("a"), RetainHandling: 1})
				s.Expect(c.Topic("a"), "kept")
				id := s.NewID()
				s.Send(&proto.Unsubscribe{PacketID: id, Filters: []string{c.Topic("a")}})
				s.Unsuback(id)
			}
		},
	},
	{
		Name: "retain-handling-1-after-resume", Title: "With Retain Handling 1 a subscription of a session that is resumed is not new",
		V5: "3.3.1.3 MQTT-3.3.1-10", Needs: NeedRetain | NeedSessions,
		Run: func(c *C) {
			id := c.ID("s")
			s := c.Connect(Lasting(id))
			s.Publish(retained(c.Topic("a"), "kept", c.storedQoS()))
			s.Barrier()
			s.SubscribeWith(proto.Subscription{Filter: c.Topic("a"), RetainHandling: 1})
			s.Expect(c.Topic("a"), "kept")
			s.Disconnect()
			s = c.Resume(id)
			s.SubscribeWith(proto.Subscription{Filter: c.Topic("a"), RetainHandling: 1})
			s.Publish(message(c.Topic("a"), "marker", 0))
			s.None("no retained message for a subscription that exists", "marker")
		},
	},
	{
		Name: "session-expiry-of-next-connection", Title: "The Session Expiry Interval of the last connection counts",
		V5: "3.1.2.11.2 MQTT-4.1.0-2", Needs: NeedSessions,
		Run: func(c *C) {
			id := c.ID("s")
			c.Connect(Lasting(id)).Disconnect()
			p := c.Connect(func(p *proto.Connect) { p.ClientID, p.CleanStart = id, false }) // which is 0
			if p.Connack.Props.Num(proto.SessionExpiryInterval, 0) > 0 {
				c.Skip("the server keeps sessions longer than it is asked for: %s", p.describe(p.Connack))
			}
			p.Disconnect()
			c.Sleep(50 * time.Millisecond) // until the server has seen the end
			if p = c.Connect(Lasting(id)); p.Connack.SessionPresent {
				c.Fail("Session Present 0, since the last connection had no Session Expiry Interval", "%s", p.describe(p.Connack))
			}
		},
	},
	{
		Name: "session-expiry-raised-in-disconnect", Title: "A longer Session Expiry Interval in DISCONNECT replaces that of CONNECT",
		V5: "3.14.2.2.2", Needs: NeedSessions,
		Run: func(c *C) {
			id := c.ID("s")
			c.forget(id, c.Hello())
			p := c.Connect(WithID(id), WithProp(proto.SessionExpiryInterval, 1))
			p.Subscribe(c.Topic("a"), 0) // without a subscription, a server may answer Session Present 0
			p.Send(&proto.Disconnect{Props: proto.Props(nil).AppendNum(proto.SessionExpiryInterval, 120)})
			p.awaitClose()
			p.close()
			c.Sleep(2500 * time.Millisecond)
			if p = c.Connect(Lasting(id)); !p.Connack.SessionPresent {
				c.Fail("Session Present 1, after a DISCONNECT with Session Expiry Interval 120", "%s", p.describe(p.Connack))
			}
		},
	},
	{
		Name: "will-of-next-connection", Title: "The will is that of the connection that was lost",
		V5: "3.1.2.5 MQTT-3.1.2-7", V311: "3.1.2.5 MQTT-3.1.2-8", Needs: NeedSessions,
		Run: func(c *C) {
			s, id := c.Connect(), c.ID("w")
			s.Subscribe(c.Topic("w"), 0)
			for _, will := range []string{"first", "second"} {
				p := c.Connect(Lasting(id), WithWill(&proto.Will{Topic: c.Topic("w"), Payload: []byte(will)}))
				if will == "first" {
					p.Disconnect()
					continue
				}
				p.CloseAbruptly()
				s.Expect(c.Topic("w"), will)
			}
		},
	},
	{
		Name: "qos-2-released-after-reconnect", Title: "A message at QoS 2 whose PUBREL comes on the next connection is delivered once",
		V5: "4.3.3 MQTT-4.3.3-10 MQTT-4.5.0-1", V311: "4.3.3 MQTT-4.3.3-2 MQTT-4.5.0-1", Needs: NeedQoS2 | NeedSessions,
		Run: func(c *C) {
			s, id := c.Connect(), c.ID("p")
			s.Subscribe(c.Topic("a"), 2)
			p := c.Connect(Lasting(id))
			p.Subscribe(c.Topic("own"), 0) // a server that forgets a session without a subscription fails session-present-1
			m := message(c.Topic("a"), "once", 2)
			m.PacketID = 7
			p.Send(&m)
			p.Ack(proto.PUBREC, 7)
			p.CloseAbruptly()
			p = c.Resume(id)
			p.Send(&proto.Ack{Kind: proto.PUBREL, PacketID: 7})
			p.completed(7)
			p.Publish(message(c.Topic("a"), "marker", 2))
			if before := s.Until("marker"); len(before) != 1 {
				c.Fail("one copy of the message", "%d copies", len(before))
			}
		},
	},
	{
		Name: "identifiers-of-two-clients", Title: "Two clients may use one packet identifier at a time",
		V5: "2.2.1 MQTT-4.5.0-1", V311: "2.3.1 MQTT-4.5.0-1", Needs: NeedQoS2,
		Alone: true, // a server with one space for all clients takes the PUBREL of any case for one of these
		Run: func(c *C) {
			s, a, b := c.Connect(), c.Connect(), c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			for i, p := range []*Peer{a, b} {
				m := message(c.Topic("a"), fmt.Sprint(i), 2)
				m.PacketID = 7
				p.Send(&m)
				p.Ack(proto.PUBREC, 7)
			}
			for _, p := range []*Peer{a, b} {
				p.Send(&proto.Ack{Kind: proto.PUBREL, PacketID: 7})
				p.Ack(proto.PUBCOMP, 7)
			}
			seen := map[string]bool{}
			for range 2 {
				seen[string(s.Message("the message of each client").Payload)] = true
			}
			if len(seen) != 2 {
				c.Fail("the message of each client", "one message twice")
			}
		},
	},
	{
		Name: "identifiers-of-both-sides", Title: "A client may use the packet identifier of a message that the server is sending to it",
		V5: "2.2.1 MQTT-4.5.0-1", V311: "2.3.1 MQTT-4.5.0-1", Needs: NeedQoS2,
		Run: func(c *C) {
			s, p := c.Connect(), c.Connect()
			s.Subscribe(c.Topic("a"), 2)
			p.Subscribe(c.Topic("b"), 0)
			p.Publish(message(c.Topic("a"), "to the client", 2))
			got := s.Receive("the message")
			m := message(c.Topic("b"), "from the client", 2)
			m.PacketID = got.PacketID
			s.Publish(m)
			p.Expect(c.Topic("b"), "from the client")
			s.Acknowledge(got)
		},
	},
}
