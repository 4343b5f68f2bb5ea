package check

import (
	"fmt"
	"slices"
	"time"

	"mqtt/internal/proto"
)

// propertyCases are about what becomes of the properties of messages in MQTT 5.
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
