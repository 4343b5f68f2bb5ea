package check

import (
	"mqtt/internal/proto"
)

// connectPropertyCases are about the properties of CONNECT in MQTT 5.
var connectPropertyCases = [...]Case{
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
}

// badConnectProperty sends a CONNECT with these properties, which break the standard.
func (c *C) badConnectProperty(ps []byte) { c.badConnect(func(p *parts) { p.Props = c.props(ps) }) }
