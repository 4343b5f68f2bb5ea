package check

import "mqtt/internal/proto"

// connectFieldCases are about CONNECTs whose flags, lengths or texts break the standard.
var connectFieldCases = [...]Case{
	{
		Name: "reserved-connect-flag", Title: "A CONNECT with the reserved flag set is malformed",
		V5: "3.1.2.3 MQTT-3.1.2-3", V311: "3.1.2.3 MQTT-3.1.2-3",
		Run: func(c *C) { c.badConnect(func(p *parts) { p.Flags |= 1 }) },
	},
	{
		Name: "will-qos-3", Title: "A CONNECT with will QoS 3 is malformed",
		V5: "3.1.2.6 MQTT-3.1.2-12", V311: "3.1.2.6 MQTT-3.1.2-14",
		Run: func(c *C) {
			c.badConnect(func(p *parts) {
				p.Flags |= 0x04 | 0x18
				p.Will = append(c.props(), append(text(c.Topic("w")), text("x")...)...)
			})
		},
	},
	{
		Name: "will-qos-without-will", Title: "A CONNECT with a will QoS and no will is malformed",
		V5: "3.1.2.6 MQTT-3.1.2-11", V311: "3.1.2.6 MQTT-3.1.2-13",
		Run: func(c *C) { c.badConnect(func(p *parts) { p.Flags |= 0x08 }) },
	},
	{
		Name: "will-retain-without-will", Title: "A CONNECT with Will Retain and no will is malformed",
		V5: "3.1.2.7 MQTT-3.1.2-13", V311: "3.1.2.7 MQTT-3.1.2-15",
		Run: func(c *C) { c.badConnect(func(p *parts) { p.Flags |= 0x20 }) },
	},
	{
		Name: "will-fields-missing", Title: "A CONNECT with the Will Flag and without will fields is malformed",
		V5: "3.1.2.5 MQTT-3.1.2-9", V311: "3.1.2.5 MQTT-3.1.2-9",
		Run: func(c *C) {
			p := c.Open()
			b := c.Hello()
			b.HasUsername, b.HasPassword = false, false
			raw := p.Encode(b)
			raw[c.flagsAt(raw)] |= 0x04
			p.Raw(raw...)
			p.Refused("the server closes the connection")
		},
	},
	{
		Name: "user-name-missing", Title: "A CONNECT with the User Name Flag and without user name is malformed",
		V5: "3.1.2.8 MQTT-3.1.2-17", V311: "3.1.2.8 MQTT-3.1.2-19",
		Run: func(c *C) { c.badConnect(func(p *parts) { p.Flags |= 0x80 }) },
	},
	{
		Name: "password-missing", Title: "A CONNECT with the Password Flag and without password is malformed",
		V5: "3.1.2.9 MQTT-3.1.2-19", V311: "3.1.2.9 MQTT-3.1.2-21",
		Run: func(c *C) {
			c.badConnect(func(p *parts) {
				p.Flags |= 0xC0
				p.Rest = text("user")
			})
		},
	},
	{
		Name: "password-without-user-name", Title: "A CONNECT with a password and no user name is not accepted",
		V311: "3.1.2.9 MQTT-3.1.2-22",
		Run: func(c *C) {
			c.badConnect(func(p *parts) {
				p.Flags |= 0x40
				p.Rest = text("secret")
			})
		},
	},
	{
		Name: "bytes-after-payload", Title: "A CONNECT with bytes after its payload is malformed",
		V5: "3.1.3 MQTT-3.1.4-1", V311: "3.1.3 MQTT-3.1.4-1",
		Run: func(c *C) { c.badConnect(func(p *parts) { p.Rest = []byte{0, 1, 'x'} }) },
	},
	{
		Name: "user-name-without-flag", Title: "A CONNECT with a user name field and without its flag is malformed",
		V5: "3.1.2.8 MQTT-3.1.2-16", V311: "3.1.2.8 MQTT-3.1.2-18",
		Run: func(c *C) {
			p := c.Open()
			hello := c.Hello()
			hello.HasUsername, hello.HasPassword = true, false
			hello.Username = "nobody"
			raw := p.Encode(hello)
			raw[c.flagsAt(raw)] &^= 0xC0
			p.Raw(raw...)
			p.Refused("the server closes the connection")
		},
	},
	{
		Name: "client-id-not-utf8", Title: "A client identifier that is not UTF-8 is refused",
		V5: "3.1.3.1 MQTT-3.1.3-4 MQTT-1.5.4-1", V311: "3.1.3.1 MQTT-3.1.3-4 MQTT-1.5.3-1",
		Run: func(c *C) { c.badConnect(func(p *parts) { p.ID = "mc\xff\xfe" }) },
	},
	{
		Name: "client-id-surrogate", Title: "A client identifier with an encoded surrogate is refused",
		V5: "1.5.4 MQTT-1.5.4-1", V311: "1.5.3 MQTT-1.5.3-1",
		Run: func(c *C) { c.badConnect(func(p *parts) { p.ID = "mc\xed\xa0\x80" }) },
	},
	{
		Name: "client-id-null", Title: "A client identifier with U+0000 is refused",
		V5: "1.5.4 MQTT-1.5.4-2", V311: "1.5.3 MQTT-1.5.3-2",
		Run: func(c *C) { c.badConnect(func(p *parts) { p.ID = "mc\x00a" }) },
	},
	{
		Name: "client-id-overlong-utf8", Title: "A client identifier with an overlong encoding is refused",
		V5: "1.5.4 MQTT-1.5.4-1", V311: "1.5.3 MQTT-1.5.3-1",
		Run: func(c *C) { c.badConnect(func(p *parts) { p.ID = "mc\xc0\xaf" }) },
	},
	{
		Name: "user-name-not-utf8", Title: "A user name that is not UTF-8 is refused",
		V5: "3.1.3.5 MQTT-3.1.3-12", V311: "3.1.3.4 MQTT-3.1.3-11",
		Run: func(c *C) {
			c.badConnect(func(p *parts) {
				p.Flags |= 0x80
				p.Rest = text("us\xffer")
			})
		},
	},
	{
		Name: "will-topic-not-utf8", Title: "A will topic that is not UTF-8 is refused",
		V5: "3.1.3.3 MQTT-3.1.3-11", V311: "3.1.3.2 MQTT-3.1.3-10",
		Run: func(c *C) {
			c.badConnect(func(p *parts) {
				p.Flags |= 0x04
				p.Will = append(c.props(), append(text("w\xc3\x28"), text("x")...)...)
			})
		},
	},
	{
		Name: "will-topic-wildcard", Title: "A will topic with a wildcard is not accepted",
		V5: "3.3.2.1 MQTT-4.7.0-1", V311: "4.7.1 MQTT-4.7.1-1",
		Run: func(c *C) {
			p := c.Open()
			p.Raw(c.connect(func(p *parts) {
				p.Flags |= 0x04
				p.Will = append(c.props(), append(text(c.Topic("#")), text("x")...)...)
			})...)
			p.closing = map[bool]string{true: "MQTT-4.13.1-1", false: "MQTT-4.8.0-1"}[c.V5()] // the form of CONNECT is right
			p.Refused("the server closes the connection, after a CONNACK with an error code or without one")
		},
	},
	{
		Name: "connect-header-flags", Title: "A CONNECT with reserved bits set in its fixed header is malformed",
		V5: "2.1.3 MQTT-2.1.3-1", V311: "2.2.2 MQTT-2.2.2-2",
		Run: func(c *C) {
			p := c.Open()
			b := c.connect(func(*parts) {})
			b[0] |= 0x02
			p.Raw(b...)
			p.Refused("the server closes the connection")
		},
	},
	{
		Name: "connect-truncated", Title: "A CONNECT whose fields end within the client identifier is malformed",
		V5: "3.1.4 MQTT-3.1.4-1", V311: "3.1.4 MQTT-3.1.4-1",
		Run: func(c *C) {
			p := c.Open()
			v := text("MQTT")
			if c.Version == proto.V31 {
				v = text("MQIsdp")
			}
			p.Raw(packet(0x10, v, bytesOf(byte(c.Version), 2, 0, 0), c.props(), bytesOf(0, 20, 'a'))...)
			p.Refused("the server closes the connection")
		},
	},
	{
		Name: "connect-empty", Title: "A CONNECT without any field is malformed",
		V5: "3.1.4 MQTT-3.1.4-1", V311: "3.1.4 MQTT-3.1.4-1",
		Run: func(c *C) { c.first(bytesOf(0x10, 0)) },
	},
	{
		Name: "remaining-length-5-bytes", Title: "A Remaining Length of more than four bytes is malformed",
		V5: "1.5.5", V311: "2.2.3",
		Run: func(c *C) { c.first(bytesOf(0x10, 0xff, 0xff, 0xff, 0xff, 0x01)) },
	},
}

// flagsAt returns the index of the Connect Flags in the bytes of a CONNECT of fewer than 128 bytes.
func (c *C) flagsAt(b []byte) int { return 2 + 2 + int(b[3]) + 1 }
