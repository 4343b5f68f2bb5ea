package check

import (
	"fmt"

	"mqtt/internal/proto"
)

// retainCases are about retained messages.
var retainCases = [...]Case{
	{
		Name: "retained-for-new-subscriber", Title: "A new subscription gets the retained message, with RETAIN 1",
		V5: "3.3.1.3 MQTT-3.3.1-5 MQTT-3.3.1-9", V311: "3.3.1.3 MQTT-3.3.1-5 MQTT-3.3.1-6 MQTT-3.3.1-8", V31: "3.3", Should31: true, Needs: NeedRetain,
		Run: func(c *C) {
			p := c.Connect()
			p.Publish(retained(c.Topic("a"), "kept", c.storedQoS()))
			p.Barrier()
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			if m := s.Expect(c.Topic("a"), "kept"); !m.Retain {
				c.Fail("a message with RETAIN 1", "%s", s.describe(m))
			}
		},
	},
	{
		Name: "retained-qos", Title: "A retained message keeps its QoS",
		V5: "3.3.1.3 MQTT-3.3.1-5", V311: "3.3.1.3 MQTT-3.3.1-5", Needs: NeedRetain | NeedQoS2,
		Run: func(c *C) {
			p := c.Connect()
			for q := byte(1); q < 3; q++ { // one at QoS 0 may be discarded
				topic := c.Topic(fmt.Sprint(q))
				p.Publish(retained(topic, "kept", q))
				p.Barrier()
				s := c.Connect()
				s.Subscribe(topic, 2)
				if m := s.Expect(topic, "kept"); m.QoS != q {
					c.Fail(fmt.Sprintf("the message at QoS %d", q), "%s", s.describe(m))
				}
			}
		},
	},
	{
		Name: "retained-replaced", Title: "A retained message replaces the one before",
		V5: "3.3.1.3 MQTT-3.3.1-5", V311: "3.3.1.3 MQTT-3.3.1-5 MQTT-3.3.1-6", V31: "3.3", Should31: true, Needs: NeedRetain,
		Run: func(c *C) {
			p := c.Connect()
			p.Publish(retained(c.Topic("a"), "old", c.storedQoS()))
			p.Publish(retained(c.Topic("a"), "new", c.storedQoS()))
			p.Barrier()
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			s.Expect(c.Topic("a"), "new")
			p.Publish(message(c.Topic("a"), "marker", 0))
			s.None("one retained message", "marker")
		},
	},
	{
		Name: "retained-qos-0-replaces", Title: "A retained message at QoS 0 replaces the one before, or leaves none",
		V5: "3.3.1.3", V311: "3.3.1.3 MQTT-3.3.1-7", Needs: NeedRetain | NeedQoS1,
		Run: func(c *C) {
			p := c.Connect()
			p.Publish(retained(c.Topic("a"), "old", 1))
			p.Subscribe(c.Topic("a"), 0)
			p.Publish(retained(c.Topic("a"), "new", 0))
			for string(p.Message("the new message").Payload) != "new" { // PINGRESP does not say that it was handled
			}
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			p.Publish(message(c.Topic("a"), "marker", 0))
			for _, m := range s.Until("marker") {
				if string(m.Payload) != "new" {
					c.Fail("the new retained message, or none", "%s", s.describe(m))
				}
			}
		},
	},
	{
		Name: "retained-cleared", Title: "A retained message with an empty payload removes the retained message",
		V5: "3.3.1.3 MQTT-3.3.1-6", V311: "3.3.1.3 MQTT-3.3.1-10", V31: "3.3", Needs: NeedRetain,
		Run: func(c *C) {
			p := c.Connect()
			p.Publish(retained(c.Topic("a"), "old", c.storedQoS()))
			p.Publish(retained(c.Topic("a"), "", c.storedQoS()))
			p.Barrier()
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			p.Publish(message(c.Topic("a"), "marker", 0))
			if c.Version == proto.V31 && len(s.Until("marker")) > 0 {
				c.Choice("the server keeps the retained message: section 2.1 only says that it may delete it")
			} else if c.Version != proto.V31 {
				s.None("no retained message", "marker")
			}
		},
	},
	{
		Name: "retained-cleared-at-qos", Title: "An empty retained message removes the retained message at every QoS",
		V5: "3.3.1.3 MQTT-3.3.1-6", V311: "3.3.1.3 MQTT-3.3.1-10", Needs: NeedRetain | NeedQoS2,
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			for q := range byte(3) {
				topic := c.Topic(fmt.Sprint(q))
				p.Publish(retained(topic, "old", 1))
				p.Publish(retained(topic, "", q))
				p.Barrier()
				s.Subscribe(topic, 0)
				p.Publish(message(topic, "marker", 0))
				s.None("no retained message", "marker")
			}
		},
	},
	{
		Name: "empty-not-retained", Title: "An empty message without RETAIN removes no retained message",
		V5: "3.3.1.3 MQTT-3.3.1-8", V311: "3.3.1.3 MQTT-3.3.1-12", V31: "3.3", Should31: true, Needs: NeedRetain,
		Run: func(c *C) {
			p := c.Connect()
			p.Publish(retained(c.Topic("a"), "kept", c.storedQoS()))
			p.Publish(message(c.Topic("a"), "", 0))
			p.Barrier()
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			s.Expect(c.Topic("a"), "kept")
		},
	},
	{
		Name: "retained-empty-is-delivered", Title: "A retained message with an empty payload is delivered to current subscribers",
		V5: "3.3.1.3 MQTT-3.3.1-6", V311: "3.3.1.3 MQTT-3.3.1-10", Needs: NeedRetain,
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			p.Publish(retained(c.Topic("a"), "", 0))
			s.Expect(c.Topic("a"), "")
		},
	},
	{
		Name: "retained-empty-not-stored", Title: "A retained message with an empty payload is not stored",
		V5: "3.3.1.3 MQTT-3.3.1-7", V311: "3.3.1.3 MQTT-3.3.1-11", Needs: NeedRetain,
		Run: func(c *C) {
			p := c.Connect()
			p.Publish(retained(c.Topic("a"), "", 0))
			p.Barrier()
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			p.Publish(message(c.Topic("a"), "marker", 0))
			s.None("no retained message", "marker")
		},
	},
	{
		Name: "not-retained", Title: "A message without RETAIN is not stored and does not replace the retained one",
		V5: "3.3.1.3 MQTT-3.3.1-8", V311: "3.3.1.3 MQTT-3.3.1-12", V31: "3.3", Should31: true, Needs: NeedRetain,
		Run: func(c *C) {
			p := c.Connect()
			p.Publish(retained(c.Topic("a"), "kept", c.storedQoS()))
			p.Publish(message(c.Topic("a"), "other", c.storedQoS()))
			p.Publish(message(c.Topic("b"), "other", c.storedQoS()))
			p.Barrier()
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			s.Expect(c.Topic("a"), "kept")
			s.Subscribe(c.Topic("b"), 0)
			p.Publish(message(c.Topic("b"), "marker", 0))
			s.None("no retained message", "marker")
		},
	},
	{
		Name: "live-message-retain-0", Title: "A retained message reaches a current subscription with RETAIN 0",
		V5: "3.3.1.3 MQTT-3.3.1-12", V311: "3.3.1.3 MQTT-3.3.1-9", V31: "3.3", Should31: true, Needs: NeedRetain,
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			p.Publish(retained(c.Topic("a"), "x", c.storedQoS()))
			if m := s.Expect(c.Topic("a"), "x"); m.Retain {
				c.Fail("a message with RETAIN 0", "%s", s.describe(m))
			}
		},
	},
	{
		Name: "retain-as-published", Title: "With Retain As Published the RETAIN flag stays as it was",
		V5: "3.3.1.3 MQTT-3.3.1-13", Needs: NeedRetain,
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			s.SubscribeWith(proto.Subscription{Filter: c.Topic("a"), RetainAsPublished: true})
			p.Publish(retained(c.Topic("a"), "x", c.storedQoS()))
			if m := s.Expect(c.Topic("a"), "x"); !m.Retain {
				c.Fail("a message with RETAIN 1", "%s", s.describe(m))
			}
			p.Publish(message(c.Topic("a"), "y", 0))
			if m := s.Expect(c.Topic("a"), "y"); m.Retain {
				c.Fail("a message with RETAIN 0", "%s", s.describe(m))
			}
		},
	},
	{
		Name: "retain-handling-0", Title: "With Retain Handling 0 each SUBSCRIBE brings the retained message",
		V5: "3.3.1.3 MQTT-3.3.1-9 MQTT-3.8.4-4", Needs: NeedRetain,
		Run: func(c *C) { c.retainHandling(0, 2) },
	},
	{
		Name: "retain-handling-1", Title: "With Retain Handling 1 only a new subscription brings the retained message",
		V5: "3.3.1.3 MQTT-3.3.1-10", Needs: NeedRetain,
		Run: func(c *C) { c.retainHandling(1, 1) },
	},
	{
		Name: "retain-handling-2", Title: "With Retain Handling 2 no retained message comes",
		V5: "3.3.1.3 MQTT-3.3.1-11", Needs: NeedRetain,
		Run: func(c *C) { c.retainHandling(2, 0) },
	},
	{
		Name: "resubscribe-retained-311", Title: "A SUBSCRIBE with the same filter brings the retained message again",
		V311: "3.8.4 MQTT-3.8.4-3", Needs: NeedRetain,
		Run: func(c *C) { c.retainHandling(0, 2) },
	},
	{
		Name: "retained-wildcard", Title: "A wildcard subscription gets all retained messages that it matches",
		V5: "3.3.1.3 MQTT-3.3.1-9", V311: "3.3.1.3 MQTT-3.3.1-6", V31: "3.3", Should31: true, Needs: NeedRetain | NeedWildcard,
		Run: func(c *C) {
			p := c.Connect()
			const n = 10
			for i := range n {
				p.Publish(retained(c.Topic(fmt.Sprintf("r/%d", i)), fmt.Sprint(i), c.storedQoS()))
			}
			p.Barrier()
			s := c.Connect()
			s.Subscribe(c.Topic("r/#"), 0)
			seen := map[string]bool{}
			for range n {
				m := s.Message("a retained message")
				if seen[string(m.Topic)] || !m.Retain {
					c.Fail("each retained message once, with RETAIN 1", "%s", s.describe(m))
				}
				seen[string(m.Topic)] = true
			}
		},
	},
	{
		Name: "retained-wildcard-plus", Title: "A subscription with + gets the retained messages of one level",
		V5: "3.3.1.3 MQTT-3.3.1-9", V311: "3.3.1.3 MQTT-3.3.1-6", V31: "3.3", Should31: true, Needs: NeedRetain | NeedWildcard,
		Run: func(c *C) {
			p := c.Connect()
			for _, t := range []string{"r/1/x", "r/1", "r/1/y", "r/2/x/y"} {
				p.Publish(retained(c.Topic(t), t, c.storedQoS()))
			}
			p.Barrier()
			s := c.Connect()
			s.Subscribe(c.Topic("r/+/x"), 0)
			s.Expect(c.Topic("r/1/x"), "r/1/x")
			p.Publish(message(c.Topic("r/3/x"), "marker", 0))
			s.None("the retained message on r/1/x only", "marker")
		},
	},
	{
		Name: "retained-for-each-filter", Title: "Each filter of one SUBSCRIBE brings its retained messages",
		V5: "3.8.4 MQTT-3.8.4-5 MQTT-3.3.1-9", V311: "3.8.4 MQTT-3.8.4-4 MQTT-3.3.1-6", V31: "3.8", Should31: true, Needs: NeedRetain,
		Run: func(c *C) {
			p := c.Connect()
			packet := &proto.Subscribe{PacketID: 1}
			seen := map[string]bool{}
			for _, t := range []string{"a", "b", "c"} {
				p.Publish(retained(c.Topic(t), t, c.storedQoS()))
				packet.Filters = append(packet.Filters, proto.Subscription{Filter: c.Topic(t)})
			}
			p.Barrier()
			s := c.Connect()
			s.Send(packet)
			s.Suback(1)
			for range packet.Filters {
				m := s.Message("the retained message of each filter")
				if seen[string(m.Payload)] {
					c.Fail("the retained message of each filter once", "%s", s.describe(m))
				}
				seen[string(m.Payload)] = true
			}
		},
	},
	{
		Name: "retained-outlives-publisher", Title: "A retained message outlives the session of its publisher",
		V5: "3.1.2.4", V311: "3.1.2.4 MQTT-3.1.2-7", V31: "3.3", Should31: true, Needs: NeedRetain,
		Run: func(c *C) {
			p := c.Connect()
			p.Publish(retained(c.Topic("a"), "kept", c.storedQoS()))
			p.Disconnect()
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			s.Expect(c.Topic("a"), "kept")
		},
	},
	{
		Name: "retained-shared", Title: "A shared subscription brings no retained message",
		V5: "4.8.2", Needs: NeedRetain | NeedShared,
		Run: func(c *C) {
			p := c.Connect()
			p.Publish(retained(c.Topic("a"), "kept", c.storedQoS()))
			p.Barrier()
			s := c.Connect()
			s.Subscribe("$share/g/"+c.Topic("a"), 0)
			p.Publish(message(c.Topic("a"), "marker", 0))
			s.None("no retained message", "marker")
		},
	},
	{
		Name: "retain-unavailable", Title: "A server without retained messages ends a connection that publishes one",
		V5: "3.2.2.3.5 MQTT-3.2.2-14",
		Run: func(c *C) {
			if c.Server.Retain {
				c.Skip("the server has retained messages")
			}
			c.bad(packet(0x31, text(c.Topic("a")), c.props(), []byte("x")), proto.RetainNotSupported)
		},
	},
}

// storedQoS returns the QoS of retained messages that a server must store: one at QoS 0 may be
// discarded (3.3.1.3).
func (c *C) storedQoS() byte { return min(1, c.Server.MaximumQoS) }

// retainHandling subscribes twice to a topic with a retained message, and expects n copies of it.
func (c *C) retainHandling(handling byte, n int) {
	p := c.Connect()
	p.Publish(retained(c.Topic("a"), "kept", c.storedQoS()))
	p.Barrier()
	s := c.Connect()
	for i := range 2 {
		s.SubscribeWith(proto.Subscription{Filter: c.Topic("a"), RetainHandling: handling})
		if i < n {
			s.Expect(c.Topic("a"), "kept")
		}
	}
	p.Publish(message(c.Topic("a"), "marker", 0))
	s.None(fmt.Sprintf("%d retained messages", n), "marker")
}
