package check

import (
	"mqtt/internal/proto"
)

// clientMalformedCases are about packets of a server that break the rules.
var clientMalformedCases = [...]Case{
	{
		Name: "malformed-connack-flags", Title: "A CONNACK with reserved flags set ends the connection",
		V5: "3.2.2.1 MQTT-4.13.1-1", V311: "3.2.2.1 MQTT-4.8.0-1",
		Run: func(c *C) { c.malformedConnack(func(b []byte) { b[2] = 2 }) },
	},
	{
		Name: "malformed-connack-header", Title: "A CONNACK with reserved bits set in its fixed header ends the connection",
		V5: "2.1.3 MQTT-2.1.3-1", V311: "2.2.2 MQTT-2.2.2-2",
		Run: func(c *C) { c.malformedConnack(func(b []byte) { b[0] |= 1 }) },
	},
	{
		Name: "malformed-first-packet", Title: "A first packet that is not CONNACK ends the connection",
		V5: "3.2 MQTT-4.13.1-1", V311: "3.2 MQTT-4.8.0-1",
		Run: func(c *C) {
			p := c.Accept()
			p.Raw(0xD0, 0)
			p.Abandons("the client closes the connection", nil)
		},
	},
	{
		Name: "malformed-publish-qos-3", Title: "A PUBLISH with QoS 3 ends the connection",
		V5: "3.3.1.2 MQTT-3.3.1-4", V311: "3.3.1.2 MQTT-3.3.1-4",
		Run: func(c *C) {
			c.malformed(func(p *Peer, t string) []byte { return packet(0x36, text(t), id(9), p.props(), []byte("x")) })
		},
	},
	{
		Name: "malformed-publish-identifier-0", Title: "A PUBLISH at QoS 1 with identifier 0 ends the connection",
		V5: "2.2.1 MQTT-2.2.1-4", V311: "2.3.1 MQTT-2.3.1-1",
		Run: func(c *C) {
			c.malformed(func(p *Peer, t string) []byte { return packet(0x32, text(t), id(0), p.props(), []byte("x")) })
		},
	},
	{
		Name: "malformed-topic-not-utf8", Title: "A PUBLISH whose topic is not UTF-8 ends the connection",
		V5: "1.5.4 MQTT-1.5.4-1", V311: "1.5.3 MQTT-1.5.3-1",
		Run: func(c *C) {
			c.malformed(func(p *Peer, t string) []byte { return packet(0x30, text(t+"\xff"), p.props(), []byte("x")) })
		},
	},
	{
		Name: "malformed-topic-null", Title: "A PUBLISH whose topic has U+0000 ends the connection",
		V5: "1.5.4 MQTT-1.5.4-2", V311: "1.5.3 MQTT-1.5.3-2",
		Run: func(c *C) {
			c.malformed(func(p *Peer, t string) []byte { return packet(0x30, text(t+"\x00"), p.props(), []byte("x")) })
		},
	},
	{
		Name: "malformed-topic-wildcard", Title: "A PUBLISH with a wildcard in its topic ends the connection",
		V5: "3.3.2.1 MQTT-3.3.2-2", V311: "3.3.2.1 MQTT-3.3.2-2",
		Run: func(c *C) {
			c.malformed(func(p *Peer, _ string) []byte { return packet(0x30, text("a/#"), p.props(), []byte("x")) })
		},
	},
	{
		Name: "malformed-topic-empty", Title: "A PUBLISH with an empty topic and no alias ends the connection",
		V5: "4.7.3 MQTT-4.7.3-1", V311: "4.7.3 MQTT-4.7.3-1",
		Run: func(c *C) {
			c.malformed(func(p *Peer, _ string) []byte { return packet(0x30, text(""), p.props(), []byte("x")) })
		},
	},
	{
		Name: "malformed-topic-beyond-packet", Title: "A PUBLISH whose topic is longer than the packet ends the connection",
		V5: "4.13.1 MQTT-4.13.1-1", V311: "4.8 MQTT-4.8.0-1",
		Run: func(c *C) {
			c.malformed(func(*Peer, string) []byte { return packet(0x30, bytesOf(0x7f, 0xff, 'a')) })
		},
	},
	{
		Name: "malformed-remaining-length", Title: "A Remaining Length of more than four bytes ends the connection",
		V5: "1.5.5 MQTT-4.13.1-1", V311: "2.2.3 MQTT-4.8.0-1",
		Run: func(c *C) {
			c.malformed(func(*Peer, string) []byte { return bytesOf(0x30, 0xff, 0xff, 0xff, 0xff, 1) })
		},
	},
	{
		Name: "malformed-pubrel-header", Title: "A PUBREL whose header does not end in 0010 ends the connection",
		V5: "3.6.1 MQTT-3.6.1-1", V311: "3.6.1 MQTT-3.6.1-1",
		Run: func(c *C) { c.malformed(func(*Peer, string) []byte { return bytesOf(0x60, 2, 0, 9) }) },
	},
	{
		Name: "malformed-pingresp-header", Title: "A PINGRESP with reserved bits set ends the connection",
		V5: "2.1.3 MQTT-2.1.3-1", V311: "2.2.2 MQTT-2.2.2-2",
		Run: func(c *C) { c.malformed(func(*Peer, string) []byte { return bytesOf(0xD1, 0) }) },
	},
	{
		Name: "server-sends-connect", Title: "A CONNECT from the server ends the connection",
		V5: "4.13.1 MQTT-4.13.1-1", V311: "4.8 MQTT-4.8.0-1",
		Run: func(c *C) {
			c.malformed(func(p *Peer, _ string) []byte {
				return p.Encode(&proto.Connect{Version: p.v, CleanStart: true, ClientID: "server"})
			})
		},
	},
	{
		Name: "server-sends-subscribe", Title: "A SUBSCRIBE from the server ends the connection",
		V5: "4.13.1 MQTT-4.13.1-1", V311: "4.8 MQTT-4.8.0-1",
		Run: func(c *C) {
			c.malformed(func(p *Peer, _ string) []byte { return packet(0x82, id(9), p.props(), text("a"), bytesOf(0)) })
		},
	},
	{
		Name: "server-sends-pingreq", Title: "A PINGREQ from the server ends the connection",
		V5: "4.13.1 MQTT-4.13.1-1", V311: "4.8 MQTT-4.8.0-1",
		Run: func(c *C) { c.malformed(func(*Peer, string) []byte { return bytesOf(0xC0, 0) }) },
	},
	{
		Name: "second-connack", Title: "A second CONNACK ends the connection",
		V5: "3.2 MQTT-3.2.0-2", V311: "3.2 MQTT-4.8.0-1",
		Run: func(c *C) {
			c.malformed(func(p *Peer, _ string) []byte { return packet(0x20, bytesOf(0, 0), p.props()) })
		},
	},
	{
		Name: "auth-without-method", Title: "An AUTH without an authentication method in CONNECT ends the connection",
		V5: "4.12 MQTT-4.12.0-6",
		Run: func(c *C) {
			c.malformed(func(p *Peer, _ string) []byte {
				if p.Hello.Props.Has(proto.AuthenticationMethod) {
					c.Skip("the client has an authentication method")
				}
				return packet(0xF0, bytesOf(0x18), p.props(textProp(proto.AuthenticationMethod, "x")))
			})
		},
	},
	{
		Name: "topic-alias-0", Title: "A Topic Alias of 0 ends the connection",
		V5: "3.3.2.3.4 MQTT-3.3.2-8",
		Run: func(c *C) {
			c.malformed(func(p *Peer, t string) []byte {
				return packet(0x30, text(t), p.props(prop(proto.TopicAlias, 0, 0)), []byte("x"))
			})
		},
	},
	{
		Name: "topic-alias-above-maximum", Title: "A Topic Alias above the client's maximum ends the connection",
		V5: "3.3.2.3.4 MQTT-3.1.2-26 MQTT-3.1.2-27",
		Run: func(c *C) {
			c.malformed(func(p *Peer, t string) []byte {
				n := p.Hello.Props.Num(proto.TopicAliasMaximum, 0) + 1
				if n > 65535 {
					c.Skip("the client's Topic Alias Maximum is 65535")
				}
				return packet(0x30, text(t), p.props(prop(proto.TopicAlias, byte(n>>8), byte(n))), []byte("x"))
			})
		},
	},
	{
		Name: "unknown-property", Title: "A property that does not exist ends the connection",
		V5: "2.2.2.2 MQTT-4.13.1-1",
		Run: func(c *C) {
			c.malformed(func(p *Peer, t string) []byte { return packet(0x30, text(t), p.props(prop(0x77, 1)), []byte("x")) })
		},
	},
	{
		Name: "property-twice", Title: "A Content Type that is there twice ends the connection",
		V5: "3.3.2.3.9",
		Run: func(c *C) {
			c.malformed(func(p *Peer, t string) []byte {
				return packet(0x30, text(t), p.props(textProp(proto.ContentType, "a"), textProp(proto.ContentType, "a")), []byte("x"))
			})
		},
	},
	{
		Name: "user-property-not-utf8", Title: "A user property that is not UTF-8 ends the connection",
		V5: "1.5.7 MQTT-1.5.7-1",
		Run: func(c *C) {
			c.malformed(func(p *Peer, t string) []byte {
				return packet(0x30, text(t), p.props(append(textProp(proto.UserProperty, "k"), text("\xff")...)), []byte("x"))
			})
		},
	},
	{
		Name: "client-maximum-packet-size", Title: "A packet above the client's Maximum Packet Size ends the connection",
		V5: "3.1.2.11.4 MQTT-3.1.2-24",
		Run: func(c *C) {
			c.malformed(func(p *Peer, t string) []byte {
				n := p.Hello.Props.Num(proto.MaximumPacketSize, 0)
				if n == 0 || n > 16<<20 {
					c.Skip("the client's Maximum Packet Size is %d", n)
				}
				return packet(0x30, text(t), p.props(), make([]byte, n))
			})
		},
	},
}
