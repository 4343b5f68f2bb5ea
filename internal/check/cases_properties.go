package check

import (
	"fmt"
	"time"

	"mqtt/internal/proto"
)

// propertyCases are about the properties of MQTT 5.
var propertyCases = [...]Case{
	{
		Name: "properties-passed-on", Title: "The properties of a PUBLISH are passed on unchanged, user properties in their order",
		V5: "3.3.2.3 MQTT-3.3.2-4 MQTT-3.3.2-15 MQTT-3.3.2-16 MQTT-3.3.2-17 MQTT-3.3.2-18 MQTT-3.3.2-20",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			ps := proto.Props(nil).AppendNum(proto.PayloadFormatIndicator, 1).AppendText(proto.ContentType, "text/plain; charset=ü").
				AppendText(proto.ResponseTopic, c.Topic("r")).AppendText(proto.CorrelationData, "\x00\xff\x01").
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
			s = c.Connect(Lasting(id))
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
			s.Subscribe(c.Topic("a"), 1)
			s.Disconnect()
			p := c.Connect()
			m := message(c.Topic("a"), "old", 1)
			m.Props = m.Props.AppendNum(proto.MessageExpiryInterval, 1)
			p.Publish(m)
			c.Sleep(2500 * time.Millisecond)
			p.Publish(message(c.Topic("a"), "marker", 1))
			s = c.Connect(Lasting(id))
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
		Name: "payload-format-2", Title: "A Payload Format Indicator of 2 is a protocol error",
		V5:  "3.3.2.3.2 MQTT-4.13.1-1",
		Run: func(c *C) { c.badProperty(prop(proto.PayloadFormatIndicator, 2)) },
	},
	{
		Name: "payload-format-twice", Title: "A Payload Format Indicator that is there twice is a protocol error",
		V5: "3.3.2.3.2",
		Run: func(c *C) {
			c.badProperty(append(prop(proto.PayloadFormatIndicator, 1), prop(proto.PayloadFormatIndicator, 1)...))
		},
	},
	{
		Name: "expiry-twice", Title: "A Message Expiry Interval that is there twice is a protocol error",
		V5: "3.3.2.3.3",
		Run: func(c *C) {
			c.badProperty(append(prop(proto.MessageExpiryInterval, 0, 0, 0, 9), prop(proto.MessageExpiryInterval, 0, 0, 0, 9)...))
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
	{
		Name: "receive-maximum-0", Title: "A Receive Maximum of 0 is a protocol error",
		V5:  "3.1.2.11.3",
		Run: func(c *C) { c.badConnectProperty(prop(proto.ReceiveMaximum, 0, 0)) },
	},
	{
		Name: "receive-maximum-twice", Title: "A Receive Maximum that is there twice is a protocol error",
		V5: "3.1.2.11.3",
		Run: func(c *C) {
			c.badConnectProperty(append(prop(proto.ReceiveMaximum, 0, 9), prop(proto.ReceiveMaximum, 0, 9)...))
		},
	},
	{
		Name: "maximum-packet-size-0", Title: "A Maximum Packet Size of 0 is a protocol error",
		V5:  "3.1.2.11.4",
		Run: func(c *C) { c.badConnectProperty(prop(proto.MaximumPacketSize, 0, 0, 0, 0)) },
	},
	{
		Name: "maximum-packet-size-twice", Title: "A Maximum Packet Size that is there twice is a protocol error",
		V5: "3.1.2.11.4",
		Run: func(c *C) {
			c.badConnectProperty(append(prop(proto.MaximumPacketSize, 0, 1, 0, 0), prop(proto.MaximumPacketSize, 0, 1, 0, 0)...))
		},
	},
	{
		Name: "session-expiry-twice", Title: "A Session Expiry Interval that is there twice is a protocol error",
		V5: "3.1.2.11.2",
		Run: func(c *C) {
			c.badConnectProperty(append(prop(proto.SessionExpiryInterval, 0, 0, 0, 1), prop(proto.SessionExpiryInterval, 0, 0, 0, 1)...))
		},
	},
	{
		Name: "topic-alias-maximum-twice", Title: "A Topic Alias Maximum that is there twice is a protocol error",
		V5: "3.1.2.11.5",
		Run: func(c *C) {
			c.badConnectProperty(append(prop(proto.TopicAliasMaximum, 0, 1), prop(proto.TopicAliasMaximum, 0, 1)...))
		},
	},
	{
		Name: "request-response-information-2", Title: "A Request Response Information of 2 is a protocol error",
		V5:  "3.1.2.11.6",
		Run: func(c *C) { c.badConnectProperty(prop(proto.RequestResponseInformation, 2)) },
	},
	{
		Name: "request-problem-information-2", Title: "A Request Problem Information of 2 is a protocol error",
		V5:  "3.1.2.11.7",
		Run: func(c *C) { c.badConnectProperty(prop(proto.RequestProblemInformation, 2)) },
	},
	{
		Name: "authentication-data-without-method", Title: "Authentication Data without a method is a protocol error",
		V5:  "3.1.2.11.10",
		Run: func(c *C) { c.badConnectProperty(textProp(proto.AuthenticationData, "x")) },
	},
	{
		Name: "connect-property-of-publish", Title: "A property of PUBLISH in CONNECT is a protocol error",
		V5:  "3.1.2.11 MQTT-3.1.4-1",
		Run: func(c *C) { c.badConnectProperty(prop(proto.TopicAlias, 0, 1)) },
	},
	{
		Name: "connect-user-properties", Title: "Several user properties in CONNECT are accepted",
		V5: "3.1.2.11.8",
		Run: func(c *C) {
			c.Connect(func(p *proto.Connect) { p.Props = p.Props.AppendPair("k", "v").AppendPair("k", "v").AppendPair("", "") })
		},
	},
	{
		Name: "no-response-information", Title: "Without Request Response Information there is no Response Information",
		V5: "3.1.2.11.6 MQTT-3.1.2-28",
		Run: func(c *C) {
			if p := c.Connect(); p.Connack.Props.Has(proto.ResponseInformation) {
				c.Fail("CONNACK without Response Information", "%s", p.describe(p.Connack))
			}
		},
	},
	{
		Name: "no-problem-information", Title: "With Request Problem Information 0 no acknowledgement has a Reason String or user properties",
		V5: "3.1.2.11.7 MQTT-3.1.2-29",
		Run: func(c *C) {
			p := c.Connect(WithProp(proto.RequestProblemInformation, 0))
			p.Send(&proto.Subscribe{PacketID: 1, Filters: []proto.Subscription{{Filter: c.Topic("a")}}})
			sub := p.Suback(1)
			p.Send(&proto.Unsubscribe{PacketID: 2, Filters: []string{c.Topic("b")}})
			unsub := p.Unsuback(2)
			props := []proto.Props{sub.Props, unsub.Props}
			if c.Server.MaximumQoS > 0 {
				m := message(c.Topic("none"), "x", 1)
				props = append(props, p.Publish(m).Props)
			}
			for _, ps := range props {
				if ps.Has(proto.ReasonString) || ps.Has(proto.UserProperty) {
					c.Fail("acknowledgements without Reason String and user properties", "one with them")
				}
			}
		},
	},
	{
		Name: "maximum-packet-size", Title: "A client gets no packet above its Maximum Packet Size, and what is too large counts as sent",
		V5: "3.1.2.11.4 MQTT-3.1.2-24 MQTT-3.1.2-25", Needs: NeedQoS1,
		Run: func(c *C) {
			s, p := c.Connect(WithProp(proto.MaximumPacketSize, 200), WithID(c.ID("s"))), c.Connect()
			s.Subscribe(c.Topic("a"), 1)
			for _, size := range []int{10, 1000, 100, 250, 20} {
				payload := fmt.Sprintf("%0*d", size, size)
				p.Publish(message(c.Topic("a"), payload, 1))
			}
			for _, size := range []int{10, 100, 20} {
				s.Expect(c.Topic("a"), fmt.Sprintf("%0*d", size, size))
			}
		},
	},
	{
		Name: "server-maximum-packet-size", Title: "A packet above the server's Maximum Packet Size ends the connection",
		V5: "3.2.2.3.6 MQTT-3.2.2-15", Harsh: true,
		Run: func(c *C) {
			most := c.Server.MaximumPacketSize
			if most == 0 || most > 64<<20 {
				c.Skip("the server's Maximum Packet Size is %d", most)
			}
			p := c.Connect()
			p.Raw(packet(0x30, text(c.Topic("a")), c.props(), make([]byte, most))...)
			p.Closes("the server closes the connection")
		},
	},
	{
		Name: "server-keep-alive", Title: "The Keep Alive of CONNACK replaces the client's",
		V5: "3.2.2.3.14 MQTT-3.1.2-21 MQTT-3.2.2-21",
		Run: func(c *C) {
			p := c.Connect(WithKeepAlive(65535))
			n := p.Connack.Props.Num(proto.ServerKeepAlive, 65535)
			if n == 0 || n > 10 {
				c.Skip("the server takes a Keep Alive of %d s", n)
			}
			p.Closes("the server closes the connection after 1.5 times its Keep Alive", proto.KeepAliveTimeout)
		},
	},
	{
		Name: "suback-properties", Title: "A SUBSCRIBE with user properties is taken",
		V5: "3.8.2.1.3",
		Run: func(c *C) {
			p := c.Connect()
			p.Send(&proto.Subscribe{PacketID: 1, Props: proto.Props(nil).AppendPair("k", "v").AppendPair("k", "v"), Filters: []proto.Subscription{{Filter: c.Topic("a")}}})
			p.Suback(1)
			p.Send(&proto.Unsubscribe{PacketID: 2, Props: proto.Props(nil).AppendPair("k", "v"), Filters: []string{c.Topic("a")}})
			p.Unsuback(2)
			p.Send(&proto.Disconnect{Props: proto.Props(nil).AppendPair("k", "v").AppendText(proto.ReasonString, "done")})
			p.Closes("the server closes the connection")
		},
	},
	{
		Name: "puback-long-form", Title: "Acknowledgements with reason code and properties are taken",
		V5: "3.4.2", Needs: NeedQoS2,
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			s.Subscribe(c.Topic("a"), 2)
			ps := proto.Props(nil).AppendText(proto.ReasonString, "fine").AppendPair("k", "v")
			p.Publish(message(c.Topic("a"), "1", 1))
			m := s.Receive("a message")
			s.Send(&proto.Ack{Kind: proto.PUBACK, PacketID: m.PacketID, Props: ps})
			p.Publish(message(c.Topic("a"), "2", 2))
			m = s.Receive("a message")
			s.Send(&proto.Ack{Kind: proto.PUBREC, PacketID: m.PacketID, Props: ps})
			s.Ack(proto.PUBREL, m.PacketID)
			s.Send(&proto.Ack{Kind: proto.PUBCOMP, PacketID: m.PacketID, Props: ps})
			s.Barrier()
		},
	},
	{
		Name: "puback-unknown-reason", Title: "A PUBACK with a reason code that PUBACK does not have is malformed",
		V5: "3.4.2.1 MQTT-3.4.2-1", Needs: NeedQoS1,
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			s.Subscribe(c.Topic("a"), 1)
			p.Publish(message(c.Topic("a"), "x", 1))
			m := s.Receive("a message")
			s.Raw(packet(0x40, id(m.PacketID), bytesOf(0x05))...)
			s.Closed("the server closes the connection")
		},
	},
	{
		Name: "pubrec-error-ends-exchange", Title: "After a PUBREC with an error code comes no PUBREL, and the message is not sent again",
		V5: "4.3.3 MQTT-4.3.3-4 MQTT-4.4.0-2", Needs: NeedQoS2 | NeedSessions,
		Run: func(c *C) {
			id := c.ID("s")
			p, s := c.Connect(), c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), 2)
			p.Publish(message(c.Topic("a"), "refused", 2))
			m := s.Receive("a message")
			s.Send(&proto.Ack{Kind: proto.PUBREC, PacketID: m.PacketID, Reason: proto.UnspecifiedError})
			p.Publish(message(c.Topic("a"), "marker", 2))
			s.None("no other packet for the message that was refused", "marker")
			s.Barrier() // the server has read PUBCOMP of the marker
			s.CloseAbruptly()
			s = c.Connect(Lasting(id))
			p.Publish(message(c.Topic("a"), "marker 2", 2))
			s.None("the message that was refused is not sent again", "marker 2")
		},
	},
	{
		Name: "puback-error-ends-exchange", Title: "A message that was refused with PUBACK is not sent again",
		V5: "4.4 MQTT-4.4.0-2", Needs: NeedQoS1 | NeedSessions,
		Run: func(c *C) {
			id := c.ID("s")
			p, s := c.Connect(), c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), 1)
			p.Publish(message(c.Topic("a"), "refused", 1))
			m := s.Receive("a message")
			s.Send(&proto.Ack{Kind: proto.PUBACK, PacketID: m.PacketID, Reason: proto.UnspecifiedError})
			s.Barrier()
			s.CloseAbruptly()
			s = c.Connect(Lasting(id))
			p.Publish(message(c.Topic("a"), "marker", 1))
			s.None("the message that was refused is not sent again", "marker")
		},
	},
	{
		Name: "publish-to-nobody", Title: "A message that nobody receives is acknowledged with success or 0x10",
		V5: "3.4.2.1", Needs: NeedQoS2,
		Run: func(c *C) {
			p := c.Connect()
			for _, q := range []byte{1, 2} {
				m := message(c.Topic("nobody"), "x", q)
				m.PacketID = p.NewID()
				p.Send(&m)
				kind := proto.PUBACK
				if q == 2 {
					kind = proto.PUBREC
				}
				ack := p.Ack(kind, m.PacketID)
				if ack.Reason != proto.Success && ack.Reason != proto.NoMatchingSubscribers {
					c.Fail("reason 0x00 or 0x10", "%s", p.describe(ack))
				}
			}
		},
	},
	{
		Name: "maximum-qos-exceeded", Title: "A message above the server's Maximum QoS ends the connection",
		V5: "3.2.2.3.4 MQTT-3.2.2-11",
		Run: func(c *C) {
			if c.Server.MaximumQoS == 2 {
				c.Skip("the server's Maximum QoS is 2")
			}
			c.bad(packet(0x30|(c.Server.MaximumQoS+1)<<1, text(c.Topic("a")), id(1), c.props(), []byte("x")), proto.QoSNotSupported)
		},
	},
	{
		Name: "maximum-qos-subscribe", Title: "A subscription above the server's Maximum QoS is granted at a lower QoS",
		V5: "3.2.2.3.4 MQTT-3.2.2-10",
		Run: func(c *C) {
			if c.Server.MaximumQoS == 2 {
				c.Skip("the server's Maximum QoS is 2")
			}
			c.Connect().Subscribe(c.Topic("a"), 2)
		},
	},
	{
		Name: "maximum-qos-will", Title: "A will above the server's Maximum QoS is refused",
		V5: "3.2.2.3.4 MQTT-3.2.2-12",
		Run: func(c *C) {
			if c.Server.MaximumQoS == 2 {
				c.Skip("the server's Maximum QoS is 2")
			}
			p := c.Open()
			p.Send(c.Hello(WithWill(&proto.Will{Topic: c.Topic("w"), Payload: []byte("w"), QoS: c.Server.MaximumQoS + 1})))
			p.Refused("the connection is refused")
		},
	},
	{
		Name: "retain-unavailable-will", Title: "A server without retained messages refuses a will that is retained",
		V5: "3.2.2.3.5 MQTT-3.2.2-13",
		Run: func(c *C) {
			if c.Server.Retain {
				c.Skip("the server has retained messages")
			}
			p := c.Open()
			p.Send(c.Hello(WithWill(&proto.Will{Topic: c.Topic("w"), Payload: []byte("w"), Retain: true})))
			p.Refused("the connection is refused")
		},
	},
	{
		Name: "receive-maximum", Title: "No more messages are in flight to a client than its Receive Maximum",
		V5: "3.3.4 MQTT-3.3.4-9 MQTT-4.9.0-1 MQTT-4.9.0-2", Needs: NeedQoS2,
		Run: func(c *C) {
			const window, n = 3, 12
			s, p := c.Connect(WithProp(proto.ReceiveMaximum, window)), c.Connect()
			s.Subscribe(c.Topic("a"), 2)
			for i := range n {
				p.Publish(message(c.Topic("a"), fmt.Sprint(i), byte(1+i%2)))
			}
			s.Barrier()
			// What is in flight is put aside; more than the window is seen here or later.
			var held []*proto.Publish
			for len(s.aside) > 0 {
				held = append(held, s.Receive("a message"))
			}
			if len(held) > window {
				c.Fail(fmt.Sprintf("%d messages in flight", window), "%d", len(held))
			}
			for len(held) < window {
				held = append(held, s.Receive("a message"))
			}
			s.Barrier()
			if len(s.aside) > 0 {
				c.Fail(fmt.Sprintf("%d messages in flight", window), "one more: %s", s.describe(s.aside[0]))
			}
			for _, m := range held {
				s.Acknowledge(m)
			}
			for i := window; i < n; i++ {
				if m := s.Message("a message"); m == nil {
					return
				}
			}
		},
	},
	{
		Name: "receive-maximum-qos-0", Title: "The Receive Maximum does not hold up other packets or messages at QoS 0",
		V5: "3.3.4 MQTT-3.3.4-10 MQTT-4.9.0-3", Needs: NeedQoS1,
		Run: func(c *C) {
			s, p := c.Connect(WithProp(proto.ReceiveMaximum, 1)), c.Connect()
			s.Subscribe(c.Topic("a"), 1)
			p.Publish(message(c.Topic("a"), "held", 1))
			s.Receive("a message")
			s.Barrier()
			s.Subscribe(c.Topic("b"), 0)
			p.Publish(message(c.Topic("b"), "zero", 0))
			s.Expect(c.Topic("b"), "zero")
		},
	},
	{
		Name: "server-receive-maximum", Title: "A client that exceeds the server's Receive Maximum is disconnected",
		V5: "3.3.4 MQTT-3.3.4-7", Needs: NeedQoS2, Harsh: true,
		Run: func(c *C) {
			most := int(c.Server.ReceiveMaximum)
			if most > 5000 {
				c.Skip("the server's Receive Maximum is %d", most)
			}
			p := c.Connect()
			var all []byte
			for i := range most + 1 {
				m := message(c.Topic("a"), "x", 2)
				m.PacketID = uint16(1 + i)
				all = append(all, p.Encode(&m)...)
			}
			p.Raw(all...)
			for {
				packet, err := p.read(c.r.opt.Limit)
				if err == errNothing {
					c.Fail("the server closes the connection", "it is open with %d messages in flight", most+1)
				}
				if err != nil {
					return
				}
				if _, ok := packet.(*proto.Disconnect); ok {
					return
				}
			}
		},
	},
}

// badProperty sends a PUBLISH with these properties, which break the standard.
func (c *C) badProperty(ps []byte) {
	c.bad(packet(0x30, text(c.Topic("a")), c.props(ps), []byte("x")))
}

// badConnectProperty sends a CONNECT with these properties, which break the standard.
func (c *C) badConnectProperty(ps []byte) { c.badConnect(func(p *parts) { p.Props = c.props(ps) }) }

// sameProperties expects that m has the properties want, and user properties in their order.
func (c *C) sameProperties(m *proto.Publish, want proto.Props) {
	pairs := func(ps proto.Props) (all []string) {
		for p := range ps.All() {
			if p.ID == proto.UserProperty {
				all = append(all, fmt.Sprintf("%q=%q", p.Key, p.Value))
			}
		}
		return all
	}
	if got, want := fmt.Sprint(pairs(m.Props)), fmt.Sprint(pairs(want)); got != want {
		c.Fail("the user properties "+want, "%s", got)
	}
	for p := range want.All() {
		if p.ID == proto.UserProperty {
			continue
		}
		got, ok := m.Props.Get(p.ID)
		if !ok || got.Num != p.Num || string(got.Value) != string(p.Value) {
			c.Fail(fmt.Sprintf("the property %v unchanged", p.ID), "%q", got.Value)
		}
	}
}
