package check

import "mqtt/internal/proto"

// malformedPropertyCases are about properties of PUBLISH that break the rules of MQTT 5.
var malformedPropertyCases = [...]Case{
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
}

// badProperty sends a PUBLISH with these properties, which break the standard.
func (c *C) badProperty(ps []byte) {
	c.bad(packet(0x30, text(c.Topic("a")), c.props(ps), []byte("x")))
}

// oddProperty sends a PUBLISH with these properties, which their section neither allows nor forbids.
func (c *C) oddProperty(ps []byte) {
	c.odd(packet(0x30, text(c.Topic("a")), c.props(ps), []byte("x")), "its section does not call it a protocol error")
}
