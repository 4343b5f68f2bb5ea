package check

import (
	"strings"

	"mqtt/internal/proto"
)

// malformedCases are about packet types that do not exist, and the form of PUBLISH, headers and acknowledgements.
var malformedCases = [...]Case{
	{
		Name: "type-0", Title: "A packet of type 0 ends the connection",
		V5: "2.1.2", V311: "2.2.1",
		Run: func(c *C) { c.bad(bytesOf(0x00, 0x00)) },
	},
	{
		Name: "type-15", Title: "A packet of type 15 ends the connection",
		V311: "2.2.1",
		Run:  func(c *C) { c.bad(bytesOf(0xF0, 0x00)) },
	},
	{
		Name: "publish-qos-3", Title: "A PUBLISH with QoS 3 ends the connection",
		V5: "3.3.1.2 MQTT-3.3.1-4", V311: "3.3.1.2 MQTT-3.3.1-4",
		Run: func(c *C) { c.bad(packet(0x36, text(c.Topic("a")), id(1), c.props(), []byte("x"))) },
	},
	{
		Name: "publish-dup-qos-0", Title: "A PUBLISH with DUP and QoS 0 ends the connection, or is taken without harm",
		V5: "3.3.1.1 MQTT-3.3.1-2", V311: "3.3.1.1 MQTT-3.3.1-2",
		Run: func(c *C) {
			c.odd(packet(0x38, text(c.Topic("a")), c.props(), []byte("x")), "the rule binds the client, and the standard names no reason code for the server")
		},
	},
	{
		Name: "publish-identifier-0", Title: "A PUBLISH at QoS 1 with packet identifier 0 ends the connection",
		V5: "2.2.1 MQTT-2.2.1-3", V311: "2.3.1 MQTT-2.3.1-1", Needs: NeedQoS1,
		Run: func(c *C) { c.bad(packet(0x32, text(c.Topic("a")), id(0), c.props(), []byte("x"))) },
	},
	{
		Name: "publish-qos-2-identifier-0", Title: "A PUBLISH at QoS 2 with packet identifier 0 ends the connection",
		V5: "2.2.1 MQTT-2.2.1-3", V311: "2.3.1 MQTT-2.3.1-1", Needs: NeedQoS2,
		Run: func(c *C) { c.bad(packet(0x34, text(c.Topic("a")), id(0), c.props(), []byte("x"))) },
	},
	{
		Name: "subscribe-identifier-0", Title: "A SUBSCRIBE with packet identifier 0 ends the connection",
		V5: "2.2.1 MQTT-2.2.1-3", V311: "2.3.1 MQTT-2.3.1-1",
		Run: func(c *C) { c.bad(packet(0x82, id(0), c.props(), text(c.Topic("a")), bytesOf(0))) },
	},
	{
		Name: "unsubscribe-identifier-0", Title: "An UNSUBSCRIBE with packet identifier 0 ends the connection",
		V5: "2.2.1 MQTT-2.2.1-3", V311: "2.3.1 MQTT-2.3.1-1",
		Run: func(c *C) { c.bad(packet(0xA2, id(0), c.props(), text(c.Topic("a")))) },
	},
	{
		Name: "publish-topic-not-utf8", Title: "A PUBLISH whose topic is not UTF-8 ends the connection",
		V5: "3.3.2.1 MQTT-3.3.2-1 MQTT-1.5.4-1", V311: "3.3.2.1 MQTT-3.3.2-1 MQTT-1.5.3-1",
		Run: func(c *C) { c.bad(packet(0x30, text(c.Topic("a\xff")), c.props(), []byte("x"))) },
	},
	{
		Name: "publish-topic-surrogate", Title: "A PUBLISH whose topic has an encoded surrogate ends the connection",
		V5: "1.5.4 MQTT-1.5.4-1", V311: "1.5.3 MQTT-1.5.3-1",
		Run: func(c *C) { c.bad(packet(0x30, text(c.Topic("a\xed\xb0\x80")), c.props(), []byte("x"))) },
	},
	{
		Name: "publish-topic-null", Title: "A PUBLISH whose topic has U+0000 ends the connection",
		V5: "4.7.3 MQTT-4.7.3-2 MQTT-1.5.4-2", V311: "4.7.3 MQTT-4.7.3-2 MQTT-1.5.3-2",
		Run: func(c *C) { c.bad(packet(0x30, text(c.Topic("a\x00b")), c.props(), []byte("x"))) },
	},
	{
		Name: "publish-topic-truncated-utf8", Title: "A PUBLISH whose topic ends within a character ends the connection",
		V5: "1.5.4 MQTT-1.5.4-1", V311: "1.5.3 MQTT-1.5.3-1",
		Run: func(c *C) { c.bad(packet(0x30, text(c.Topic("a\xe2\x82")), c.props())) },
	},
	{
		Name: "publish-topic-above-unicode", Title: "A PUBLISH whose topic has a code point above U+10FFFF ends the connection",
		V5: "1.5.4 MQTT-1.5.4-1", V311: "1.5.3 MQTT-1.5.3-1",
		Run: func(c *C) { c.bad(packet(0x30, text(c.Topic("a\xf4\x90\x80\x80")), c.props())) },
	},
	{
		Name: "publish-topic-hash", Title: "A PUBLISH with # in its topic ends the connection",
		V5: "3.3.2.1 MQTT-3.3.2-2", V311: "3.3.2.1 MQTT-3.3.2-2",
		Run: func(c *C) { c.bad(packet(0x30, text(c.Topic("#")), c.props(), []byte("x"))) },
	},
	{
		Name: "publish-topic-plus", Title: "A PUBLISH with + in its topic ends the connection",
		V5: "3.3.2.1 MQTT-3.3.2-2", V311: "3.3.2.1 MQTT-3.3.2-2",
		Run: func(c *C) { c.bad(packet(0x30, text(c.Topic("+/a")), c.props(), []byte("x"))) },
	},
	{
		Name: "publish-topic-plus-in-level", Title: "A PUBLISH with + within a level of its topic ends the connection",
		V5: "3.3.2.1 MQTT-3.3.2-2", V311: "3.3.2.1 MQTT-3.3.2-2",
		Run: func(c *C) { c.bad(packet(0x30, text(c.Topic("a+b")), c.props(), []byte("x"))) },
	},
	{
		Name: "publish-topic-hash-in-level", Title: "A PUBLISH with # within a level of its topic ends the connection",
		V5: "3.3.2.1 MQTT-3.3.2-2", V311: "3.3.2.1 MQTT-3.3.2-2",
		Run: func(c *C) { c.bad(packet(0x30, text(c.Topic("a#b/c")), c.props(), []byte("x"))) },
	},
	{
		Name: "publish-topic-empty", Title: "A PUBLISH with an empty topic ends the connection",
		V5: "4.7.3 MQTT-4.7.3-1", V311: "4.7.3 MQTT-4.7.3-1",
		Run: func(c *C) { c.bad(packet(0x30, text(""), c.props(), []byte("x"))) },
	},
	{
		Name: "publish-topic-beyond-packet", Title: "A PUBLISH whose topic is longer than the packet ends the connection",
		V5: "4.13.1 MQTT-4.13.1-1", V311: "4.8 MQTT-4.8.0-1",
		Run: func(c *C) { c.bad(packet(0x30, bytesOf(0x7f, 0xff, 'a', 'b'))) },
	},
	{
		Name: "publish-without-identifier", Title: "A PUBLISH at QoS 1 that ends before its packet identifier ends the connection",
		V5: "4.13.1 MQTT-4.13.1-1", V311: "4.8 MQTT-4.8.0-1", Needs: NeedQoS1,
		Run: func(c *C) { c.bad(packet(0x32, text(c.Topic("a")))) },
	},
	{
		Name: "publish-without-properties", Title: "A PUBLISH that ends before its property length ends the connection",
		V5:  "2.2.2.1 MQTT-2.2.2-1",
		Run: func(c *C) { c.bad(packet(0x30, text(c.Topic("a")))) },
	},
	{
		Name: "puback-header-flags", Title: "A PUBACK with reserved bits set in its fixed header ends the connection",
		V5: "2.1.3 MQTT-2.1.3-1", V311: "2.2.2 MQTT-2.2.2-2", Needs: NeedQoS1,
		Run: func(c *C) { c.bad(bytesOf(0x41, 2, 0, 1)) },
	},
	{
		Name: "pubrec-header-flags", Title: "A PUBREC with reserved bits set in its fixed header ends the connection",
		V5: "2.1.3 MQTT-2.1.3-1", V311: "2.2.2 MQTT-2.2.2-2", Needs: NeedQoS2,
		Run: func(c *C) { c.bad(bytesOf(0x52, 2, 0, 1)) },
	},
	{
		Name: "pubrel-header-flags", Title: "A PUBREL whose header does not end in 0010 ends the connection",
		V5: "3.6.1 MQTT-3.6.1-1", V311: "3.6.1 MQTT-3.6.1-1", Needs: NeedQoS2,
		Run: func(c *C) { c.bad(bytesOf(0x60, 2, 0, 1)) },
	},
	{
		Name: "pubcomp-header-flags", Title: "A PUBCOMP with reserved bits set in its fixed header ends the connection",
		V5: "2.1.3 MQTT-2.1.3-1", V311: "2.2.2 MQTT-2.2.2-2", Needs: NeedQoS2,
		Run: func(c *C) { c.bad(bytesOf(0x74, 2, 0, 1)) },
	},
	{
		Name: "subscribe-header-flags", Title: "A SUBSCRIBE whose header does not end in 0010 ends the connection",
		V5: "3.8.1 MQTT-3.8.1-1", V311: "3.8.1 MQTT-3.8.1-1",
		Run: func(c *C) { c.bad(packet(0x80, id(1), c.props(), text(c.Topic("a")), bytesOf(0))) },
	},
	{
		Name: "unsubscribe-header-flags", Title: "An UNSUBSCRIBE whose header does not end in 0010 ends the connection",
		V5: "3.10.1 MQTT-3.10.1-1", V311: "3.10.1 MQTT-3.10.1-1",
		Run: func(c *C) { c.bad(packet(0xA0, id(1), c.props(), text(c.Topic("a")))) },
	},
	{
		Name: "pingreq-header-flags", Title: "A PINGREQ with reserved bits set in its fixed header ends the connection",
		V5: "2.1.3 MQTT-2.1.3-1", V311: "2.2.2 MQTT-2.2.2-2",
		Run: func(c *C) { c.bad(bytesOf(0xC1, 0)) },
	},
	{
		Name: "disconnect-header-flags", Title: "A DISCONNECT with reserved bits set is malformed, and the will is published",
		V5: "3.14.1 MQTT-3.14.1-1", V311: "3.14.1 MQTT-3.14.1-1",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			p := c.Connect(WithWill(&proto.Will{Topic: c.Topic("w"), Payload: []byte("will")}))
			p.Raw(0xE1, 0)
			p.Closes("the server closes the connection")
			s.Expect(c.Topic("w"), "will")
		},
	},
	{
		Name: "auth-header-flags", Title: "An AUTH with reserved bits set in its fixed header ends the connection",
		V5:  "3.15.1 MQTT-3.15.1-1",
		Run: func(c *C) { c.bad(bytesOf(0xF1, 0)) },
	},
	{
		Name: "pingreq-with-body", Title: "A PINGREQ with a variable header ends the connection",
		V5: "3.12 MQTT-4.13.1-1", V311: "3.12 MQTT-4.8.0-1",
		Run: func(c *C) { c.bad(bytesOf(0xC0, 1, 0)) },
	},
	{
		Name: "puback-trailing-bytes", Title: "A PUBACK with bytes after its fields ends the connection",
		V5: "3.4 MQTT-4.13.1-1", V311: "3.4 MQTT-4.8.0-1", Needs: NeedQoS1,
		Run: func(c *C) { c.trailing(0x40) },
	},
	{
		Name: "pubrel-trailing-bytes", Title: "A PUBREL with bytes after its fields ends the connection",
		V5: "3.6 MQTT-4.13.1-1", V311: "3.6 MQTT-4.8.0-1", Needs: NeedQoS2,
		Run: func(c *C) { c.trailing(0x62) },
	},
}

// malformedDirectionCases are about packets that only a server sends, and about the lengths of packets and texts.
var malformedDirectionCases = [...]Case{
	{
		Name: "client-sends-connack", Title: "A CONNACK from a client ends the connection",
		V5: "4.13.1 MQTT-4.13.1-1", V311: "4.8 MQTT-4.8.0-1",
		Run: func(c *C) { c.bad(packet(0x20, bytesOf(0, 0), c.props())) },
	},
	{
		Name: "client-sends-suback", Title: "A SUBACK from a client ends the connection",
		V5: "4.13.1 MQTT-4.13.1-1", V311: "4.8 MQTT-4.8.0-1",
		Run: func(c *C) { c.bad(packet(0x90, id(1), c.props(), bytesOf(0))) },
	},
	{
		Name: "client-sends-unsuback", Title: "An UNSUBACK from a client ends the connection",
		V5: "4.13.1 MQTT-4.13.1-1", V311: "4.8 MQTT-4.8.0-1",
		Run: func(c *C) {
			if c.V5() {
				c.bad(packet(0xB0, id(1), c.props(), bytesOf(0)))
				return
			}
			c.bad(packet(0xB0, id(1)))
		},
	},
	{
		Name: "client-sends-pingresp", Title: "A PINGRESP from a client ends the connection",
		V5: "4.13.1 MQTT-4.13.1-1", V311: "4.8 MQTT-4.8.0-1",
		Run: func(c *C) { c.bad(bytesOf(0xD0, 0)) },
	},
	{
		Name: "remaining-length-too-long", Title: "A Remaining Length with a continuation bit in its fourth byte ends the connection",
		V5: "1.5.5", V311: "2.2.3",
		Run: func(c *C) { c.bad(bytesOf(0x30, 0x80, 0x80, 0x80, 0x80, 0x01)) },
	},
	{
		Name: "remaining-length-0-in-5-bytes", Title: "A Remaining Length of five bytes ends the connection, also if its value is small",
		V5: "1.5.5 MQTT-4.13.1-1", V311: "2.2.3 MQTT-4.8.0-1",
		Run: func(c *C) { c.bad(bytesOf(0xC0, 0x80, 0x80, 0x80, 0x80, 0x00)) },
	},
	{
		Name: "property-length-overlong", Title: "A property length that is encoded in more bytes than it needs",
		V5: "1.5.5 MQTT-1.5.5-1",
		Run: func(c *C) {
			c.odd(packet(0x30, text(c.Topic("a")), bytesOf(0x80, 0x00), []byte("x")), "the rule binds the sender, and the standard does not name it as a malformed packet")
		},
	},
	{
		Name: "topic-900-bytes", Title: "A topic of more than 900 bytes is taken",
		V5: "4.7.3", V311: "4.7.3",
		Run: func(c *C) {
			p := c.Connect()
			topic := c.Topic(strings.Repeat("x", 900))
			p.Subscribe(topic, 0)
			p.Publish(message(topic, "long", 0))
			p.Expect(topic, "long")
		},
	},
}

// trailing sends an acknowledgement with that first byte and one byte too many.
func (c *C) trailing(first byte) {
	if c.V5() {
		c.bad(packet(first, id(1), bytesOf(0, 0, 'x'))) // after reason code and property length
		return
	}
	c.bad(packet(first, id(1), bytesOf('x')))
}
