package check

import (
	"fmt"

	"mqtt/internal/proto"
)

// subscribeOptionCases are about the options of a subscription: its QoS and No Local.
var subscribeOptionCases = [...]Case{
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
}
