package check

import (
	"fmt"

	"mqtt/internal/proto"
)

// topicAliasCases are about topic aliases in both directions.
var topicAliasCases = [...]Case{
	{
		Name: "topic-alias-0", Title: "A Topic Alias of 0 is a protocol error",
		V5:  "3.3.2.3.4 MQTT-3.3.2-8",
		Run: func(c *C) { c.badProperty(prop(proto.TopicAlias, 0, 0)) },
	},
	{
		Name: "topic-alias-twice", Title: "A Topic Alias that is there twice is a protocol error",
		V5: "3.3.2.3.4", Needs: NeedTopicAlias,
		Run: func(c *C) { c.badProperty(append(prop(proto.TopicAlias, 0, 1), prop(proto.TopicAlias, 0, 1)...)) },
	},
	{
		Name: "topic-alias-above-maximum", Title: "A Topic Alias above the server's maximum ends the connection",
		V5: "3.3.2.3.4 MQTT-3.3.2-9 MQTT-3.2.2-17",
		Run: func(c *C) {
			n := c.Server.TopicAliasMaximum + 1
			if n > 65535 {
				c.Skip("the server's Topic Alias Maximum is 65535")
			}
			c.badProperty(prop(proto.TopicAlias, byte(n>>8), byte(n)))
		},
	},
	{
		Name: "topic-alias-unknown", Title: "A PUBLISH with an alias that has no topic yet and an empty topic is a protocol error",
		V5: "3.3.2.3.4", Needs: NeedTopicAlias,
		Run: func(c *C) { c.bad(packet(0x30, text(""), c.props(prop(proto.TopicAlias, 0, 1)), []byte("x"))) },
	},
	{
		Name: "topic-alias", Title: "A Topic Alias stands for the topic with which it was sent, up to the server's maximum",
		V5: "3.3.2.3.4 MQTT-3.3.2-12", Needs: NeedTopicAlias,
		Run: func(c *C) {
			s, p := c.Connect(), c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			s.Subscribe(c.Topic("b"), 0)
			alias := func(topic, payload string, n uint32) {
				m := message(topic, payload, 0)
				m.Props = m.Props.AppendNum(proto.TopicAlias, n)
				p.Publish(m)
			}
			most := c.Server.TopicAliasMaximum
			alias(c.Topic("a"), "1", most)
			alias("", "2", most)
			alias(c.Topic("b"), "3", most)
			alias("", "4", most)
			s.Expect(c.Topic("a"), "1")
			s.Expect(c.Topic("a"), "2")
			s.Expect(c.Topic("b"), "3")
			s.Expect(c.Topic("b"), "4")
		},
	},
	{
		Name: "topic-alias-ends-with-connection", Title: "A Topic Alias ends with its connection",
		V5: "3.3.2.3.4 MQTT-3.3.2-7", Needs: NeedTopicAlias | NeedSessions,
		Run: func(c *C) {
			id := c.ID("s")
			p := c.Connect(Lasting(id))
			m := message(c.Topic("a"), "x", 0)
			m.Props = m.Props.AppendNum(proto.TopicAlias, 1)
			p.Publish(m)
			p.Disconnect()
			p = c.Connect(Lasting(id))
			p.Raw(packet(0x30, text(""), c.props(prop(proto.TopicAlias, 0, 1)), []byte("x"))...)
			p.Closed("the server closes the connection")
		},
	},
	{
		Name: "no-topic-alias-to-client", Title: "A client without Topic Alias Maximum gets no aliases",
		V5: "3.1.2.11.5 MQTT-3.1.2-27",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			for range 5 {
				s.Publish(message(c.Topic("a"), "x", 0))
				if m := s.Expect(c.Topic("a"), "x"); m.Props.Has(proto.TopicAlias) {
					c.Fail("a message without Topic Alias", "%s", s.describe(m))
				}
			}
		},
	},
	{
		Name: "topic-alias-to-client", Title: "Topic aliases towards a client stay within its maximum",
		V5: "3.1.2.11.5 MQTT-3.1.2-26 MQTT-3.3.2-11",
		Run: func(c *C) {
			s := c.Connect(WithProp(proto.TopicAliasMaximum, 2))
			s.SubscribeWith(proto.Subscription{Filter: c.Topic("+")})
			known := map[uint32]string{}
			for i := range 12 {
				topic := c.Topic(fmt.Sprint(i % 4))
				s.Publish(message(topic, "x", 0))
				m := s.Message("the message")
				n := m.Props.Num(proto.TopicAlias, 0)
				if n > 2 {
					c.Fail("an alias of 2 at most", "%s", s.describe(m))
				}
				if n > 0 && len(m.Topic) > 0 {
					known[n] = string(m.Topic)
				}
				got := string(m.Topic)
				if got == "" {
					got = known[n]
				}
				if got != topic {
					c.Fail("the topic "+topic, "%s, whose alias stands for %q", s.describe(m), got)
				}
			}
		}, Needs: NeedWildcard,
	},
}
