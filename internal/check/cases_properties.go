package check

import (
	"fmt"
	"slices"
	"time"

	"mqtt/internal/proto"
)

// propertyCases are about the properties of messages in MQTT 5.
var propertyCases = [...]Case{
	{
		Name: "properties-passed-on", Title: "The properties of a PUBLISH are passed on unchanged, user properties in their order",
		V5: "3.3.2.3 MQTT-3.3.2-4 MQTT-3.3.2-15 MQTT-3.3.2-16 MQTT-3.3.2-17 MQTT-3.3.2-18 MQTT-3.3.2-20",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			ps := proto.Props(nil).AppendNum(proto.PayloadFormatIndicator, 1).AppendText(proto.ContentType, "text/plain; charset=ü").
				AppendText(proto.ResponseTopic, c.Topic("r")).AppendText(proto.CorrelationData, allBytes()).
				AppendPair("b", "1").AppendPair("a", "2").AppendPair("b", "1").AppendPair("", "")
			m := message(c.Topic("a"), "x", 0)
			m.Props = ps
			s.Publish(m)
			c.sameProperties(s.Expect(c.Topic("a"), "x"), ps)
		},
	},
	{
		Name: "properties-of-retained", Title: "A retained message keeps its properties",
		V5: "3.3.2.3 MQTT-3.3.2-17", Needs: NeedRetain,
		Run: func(c *C) {
			ps := proto.Props(nil).AppendText(proto.ContentType, "a/b").AppendPair("k", "v").AppendPair("k", "w")
			p := c.Connect()
			m := retained(c.Topic("a"), "x", c.storedQoS())
			m.Props = ps
			p.Publish(m)
			p.Barrier()
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			c.sameProperties(s.Expect(c.Topic("a"), "x"), ps)
		},
	},
	{
		Name: "properties-of-queued", Title: "A message that waited for its client keeps its properties",
		V5: "3.3.2.3 MQTT-3.3.2-17", Needs: NeedSessions | NeedQoS1,
		Run: func(c *C) {
			ps := proto.Props(nil).AppendText(proto.ResponseTopic, c.Topic("r")).AppendText(proto.CorrelationData, "cd").AppendPair("k", "v")
			id := c.ID("s")
			s := c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), 1)
			s.Disconnect()
			p := c.Connect()
			m := message(c.Topic("a"), "x", 1)
			m.Props = ps
			p.Publish(m)
			s = c.Resume(id)
			c.sameProperties(s.Expect(c.Topic("a"), "x"), ps)
		},
	},
	{
		Name: "no-added-properties", Title: "A message without properties arrives without those that only a client sets",
		V5: "3.3.2.3 MQTT-3.3.2-4 MQTT-3.3.2-15 MQTT-3.3.2-16 MQTT-3.3.2-20",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			s.Publish(message(c.Topic("a"), "x", 0))
			m := s.Expect(c.Topic("a"), "x")
			for _, id := range []proto.PropID{proto.ContentType, proto.ResponseTopic, proto.CorrelationData, proto.PayloadFormatIndicator} {
				if m.Props.Has(id) {
					c.Fail("a message without properties", "%s", s.describe(m))
				}
			}
			if m.Props.Has(proto.MessageExpiryInterval) {
				c.Choice("the server gives messages an expiry: %s", s.describe(m))
			}
		},
	},
	{
		Name: "expiry-counts-down", Title: "The Message Expiry Interval is less by the time that the message has waited",
		V5: "3.3.2.3.3 MQTT-3.3.2-6", Needs: NeedRetain,
		Run: func(c *C) {
			p := c.Connect()
			m := retained(c.Topic("a"), "x", c.storedQoS())
			m.Props = m.Props.AppendNum(proto.MessageExpiryInterval, 100)
			p.Publish(m)
			p.Barrier()
			c.Sleep(2200 * time.Millisecond)
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			got := s.Expect(c.Topic("a"), "x")
			if n := got.Props.Num(proto.MessageExpiryInterval, 0); n > 98 || n < 80 {
				c.Fail("a Message Expiry Interval of 98 s at most, after 2.2 s", "%s", s.describe(got))
			}
		},
	},
	{
		Name: "expired-retained", Title: "A retained message that has expired is not delivered",
		V5: "3.3.2.3.3 MQTT-3.3.2-5", Needs: NeedRetain,
		Run: func(c *C) {
			p := c.Connect()
			m := retained(c.Topic("a"), "old", c.storedQoS())
			m.Props = m.Props.AppendNum(proto.MessageExpiryInterval, 1)
			p.Publish(m)
			p.Barrier()
			c.Sleep(2500 * time.Millisecond)
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			p.Publish(message(c.Topic("a"), "marker", 0))
			s.None("no message that expired 1.5 s ago", "marker")
		},
	},
	{
		Name: "expired-queued", Title: "A message that has expired while its client was away is not delivered",
		V5: "3.3.2.3.3 MQTT-3.3.2-5", Needs: NeedSessions | NeedQoS1,
		Run: func(c *C) {
			id := c.ID("s")
			s := c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), c.Server.MaximumQoS)
			s.Disconnect()
			p := c.Connect()
			for q := byte(1); q <= c.Server.MaximumQoS; q++ {
				m := message(c.Topic("a"), "old", q)
				m.Props = m.Props.AppendNum(proto.MessageExpiryInterval, 1)
				p.Publish(m)
			}
			c.Sleep(2500 * time.Millisecond)
			p.Publish(message(c.Topic("a"), "marker", 1))
			s = c.Resume(id)
			s.None("no message that expired 1.5 s ago", "marker")
		},
	},
	{
		Name: "property-unknown", Title: "A property that does not exist is malformed",
		V5:  "2.2.2.2 MQTT-4.13.1-1",
		Run: func(c *C) { c.badProperty(prop(0x77, 1)) },
	},
	{
		Name: "property-of-other-packet", Title: "A property that PUBLISH does not have is a protocol error",
		V5:  "2.2.2.2 MQTT-4.13.1-1",
		Run: func(c *C) { c.badProperty(prop(proto.SessionExpiryInterval, 0, 0, 0, 1)) },
	},
	{
		Name: "property-truncated", Title: "A property that is longer than the properties is malformed",
		V5:  "2.2.2.1 MQTT-4.13.1-1",
		Run: func(c *C) { c.badProperty(prop(proto.ContentType, 0, 9, 'a')) },
	},
	{
		Name: "properties-longer-than-packet", Title: "A property length beyond the packet is malformed",
		V5:  "2.2.2.1 MQTT-4.13.1-1",
		Run: func(c *C) { c.bad(packet(0x30, text(c.Topic("a")), bytesOf(50, 1, 0))) },
	},
	{
		Name: "payload-format-2", Title: "A Payload Format Indicator of 2 ends the connection, or is taken without harm",
		V5:  "3.3.2.3.2",
		Run: func(c *C) { c.oddProperty(prop(proto.PayloadFormatIndicator, 2)) },
	},
	{
		Name: "payload-format-twice", Title: "A Payload Format Indicator that is there twice ends the connection, or is taken without harm",
		V5: "3.3.2.3.2",
		Run: func(c *C) {
			c.oddProperty(append(prop(proto.PayloadFormatIndicator, 1), prop(proto.PayloadFormatIndicator, 1)...))
		},
	},
	{
		Name: "expiry-twice", Title: "A Message Expiry Interval that is there twice ends the connection, or is taken without harm",
		V5: "3.3.2.3.3",
		Run: func(c *C) {
			c.oddProperty(append(prop(proto.MessageExpiryInterval, 0, 0, 0, 9), prop(proto.MessageExpiryInterval, 0, 0, 0, 9)...))
		},
	},
	{
		Name: "content-type-twice", Title: "A Content Type that is there twice is a protocol error",
		V5: "3.3.2.3.9",
		Run: func(c *C) {
			c.badProperty(append(textProp(proto.ContentType, "a"), textProp(proto.ContentType, "a")...))
		},
	},
	{
		Name: "content-type-not-utf8", Title: "A Content Type that is not UTF-8 is malformed",
		V5:  "3.3.2.3.9 MQTT-3.3.2-19",
		Run: func(c *C) { c.badProperty(textProp(proto.ContentType, "a\xff")) },
	},
	{
		Name: "response-topic-twice", Title: "A Response Topic that is there twice is a protocol error",
		V5: "3.3.2.3.5",
		Run: func(c *C) {
			c.badProperty(append(textProp(proto.ResponseTopic, "a"), textProp(proto.ResponseTopic, "a")...))
		},
	},
	{
		Name: "response-topic-wildcard", Title: "A Response Topic with a wildcard ends the connection",
		V5:  "3.3.2.3.5 MQTT-3.3.2-14",
		Run: func(c *C) { c.badProperty(textProp(proto.ResponseTopic, "a/#")) },
	},
	{
		Name: "response-topic-not-utf8", Title: "A Response Topic that is not UTF-8 is malformed",
		V5:  "3.3.2.3.5 MQTT-3.3.2-13",
		Run: func(c *C) { c.badProperty(textProp(proto.ResponseTopic, "a\xc0\x80")) },
	},
	{
		Name: "correlation-data-twice", Title: "Correlation Data that is there twice is a protocol error",
		V5: "3.3.2.3.6",
		Run: func(c *C) {
			c.badProperty(append(textProp(proto.CorrelationData, "a"), textProp(proto.CorrelationData, "a")...))
		},
	},
	{
		Name: "user-property-not-utf8", Title: "A user property that is not UTF-8 is malformed",
		V5: "1.5.7 MQTT-1.5.7-1",
		Run: func(c *C) {
			c.badProperty(append(textProp(proto.UserProperty, "k"), text("v\xff")...))
		},
	},
	{
		Name: "user-property-null", Title: "A user property with U+0000 is malformed",
		V5: "1.5.7 MQTT-1.5.7-1 MQTT-1.5.4-2",
		Run: func(c *C) {
			c.badProperty(append(textProp(proto.UserProperty, "k\x00"), text("v")...))
		},
	},
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

// badProperty sends a PUBLISH with these properties, which break the standard.
func (c *C) badProperty(ps []byte) {
	c.bad(packet(0x30, text(c.Topic("a")), c.props(ps), []byte("x")))
}

// oddProperty sends a PUBLISH with these properties, which their section neither allows nor forbids.
func (c *C) oddProperty(ps []byte) {
	c.odd(packet(0x30, text(c.Topic("a")), c.props(ps), []byte("x")), "its section does not call it a protocol error")
}

// badConnectProperty sends a CONNECT with these properties, which break the standard.
func (c *C) badConnectProperty(ps []byte) { c.badConnect(func(p *parts) { p.Props = c.props(ps) }) }

// allBytes returns the 256 bytes.
func allBytes() string {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}

// sameProperties expects that m has the properties want, and user properties in their order. The rules are also
// broken if the user properties differ.
func (c *C) sameProperties(m *proto.Publish, want proto.Props, rules ...string) {
	pairs := func(ps proto.Props) (all []string) {
		for p := range ps.All() {
			if p.ID == proto.UserProperty {
				all = append(all, fmt.Sprintf("%q=%q", p.Key, p.Value))
			}
		}
		return all
	}
	if got, want := pairs(m.Props), pairs(want); fmt.Sprint(got) != fmt.Sprint(want) {
		rule := "MQTT-3.3.2-18" // their order
		if slices.Sort(got); fmt.Sprint(got) != fmt.Sprint(slices.Sorted(slices.Values(want))) {
			rule = "MQTT-3.3.2-17"
		}
		c.broken = append(c.broken, breach{rules: rules})
		c.FailRule(rule, fmt.Sprintf("the user properties %v", want), "%v", pairs(m.Props))
	}
	for p := range want.All() {
		if p.ID == proto.UserProperty {
			continue
		}
		got, ok := m.Props.Get(p.ID)
		if !ok || got.Num != p.Num || string(got.Value) != string(p.Value) {
			c.FailRule(unaltered(p.ID), fmt.Sprintf("the property %v unchanged", p.ID), "%s", propertyText(got, ok))
		}
	}
}

// unaltered returns the rule by which a server passes on a property of a message.
func unaltered(id proto.PropID) string {
	switch id {
	case proto.PayloadFormatIndicator:
		return "MQTT-3.3.2-4"
	case proto.ResponseTopic:
		return "MQTT-3.3.2-15"
	case proto.CorrelationData:
		return "MQTT-3.3.2-16"
	case proto.ContentType:
		return "MQTT-3.3.2-20"
	}
	return "MQTT-3.3.2-6" // the Message Expiry Interval
}

// propertyText returns the value of a property as text.
func propertyText(p proto.Prop, ok bool) string {
	switch {
	case !ok:
		return "a message without it"
	case p.ID == proto.PayloadFormatIndicator:
		return fmt.Sprint(p.Num)
	}
	return fmt.Sprintf("%q", p.Value)
}
