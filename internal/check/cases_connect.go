package check

import (
	"strings"

	"mqtt/internal/proto"
)

// connectCases are about the form of CONNECT.
var connectCases = [...]Case{
	{
		Name: "first-packet-publish", Title: "A PUBLISH as the first packet ends the connection",
		V5: "3.1 MQTT-3.1.0-1", V311: "3.1 MQTT-3.1.0-1", V31: "3.1",
		Run: func(c *C) { c.first(packet(0x30, text(c.Topic("a")), c.props())) },
	},
	{
		Name: "first-packet-subscribe", Title: "A SUBSCRIBE as the first packet ends the connection",
		V5: "3.1 MQTT-3.1.0-1", V311: "3.1 MQTT-3.1.0-1", V31: "3.1",
		Run: func(c *C) { c.first(packet(0x82, id(1), c.props(), text(c.Topic("a")), bytesOf(0))) },
	},
	{
		Name: "first-packet-pingreq", Title: "A PINGREQ as the first packet ends the connection",
		V5: "3.1 MQTT-3.1.0-1", V311: "3.1 MQTT-3.1.0-1", V31: "3.1",
		Run: func(c *C) { c.first(bytesOf(0xC0, 0)) },
	},
	{
		Name: "first-packet-disconnect", Title: "A DISCONNECT as the first packet ends the connection",
		V5: "3.1 MQTT-3.1.0-1", V311: "3.1 MQTT-3.1.0-1", V31: "3.1",
		Run: func(c *C) { c.first(bytesOf(0xE0, 0)) },
	},
	{
		Name: "first-packet-auth", Title: "An AUTH as the first packet ends the connection",
		V5:  "3.1 MQTT-3.1.0-1",
		Run: func(c *C) { c.first(bytesOf(0xF0, 0)) },
	},
	{
		Name: "second-connect", Title: "A second CONNECT ends the connection",
		V5: "3.1 MQTT-3.1.0-2", V311: "3.1 MQTT-3.1.0-2", V31: "3.1",
		Run: func(c *C) {
			p := c.Connect()
			p.Raw(p.Encode(c.Hello())...)
			p.Closed("the server closes the connection", proto.ProtocolError)
		},
	},
	{
		Name: "protocol-name-wrong", Title: "A CONNECT with another protocol name is not accepted",
		V5: "3.1.2.1 MQTT-3.1.2-1",
		Run: func(c *C) {
			c.badConnect(func(p *parts) { p.Name = "MQTX" })
		},
	},
	{
		Name: "protocol-name-lower-case", Title: "The protocol name is compared with its case",
		V5: "3.1.2.1 MQTT-3.1.2-1",
		Run: func(c *C) {
			c.badConnect(func(p *parts) { p.Name = "mqtt" })
		},
	},
	{
		Name: "protocol-name-311", Title: "A CONNECT with another protocol name is not served as MQTT 3.1.1",
		V311: "3.1.2.1 MQTT-3.1.2-1",
		Run: func(c *C) {
			p := c.Open()
			p.Raw(c.connect(func(p *parts) { p.Name = "MQTX" })...)
			p.anyForm = true // that of the other specification
			packet, err := p.read(c.r.opt.Limit)
			if err == nil && isAccepted(packet) {
				c.Choice("the server serves a client with the protocol name MQTX; the standard lets it continue by some other specification")
			}
		},
	},
	{
		Name: "protocol-name-empty", Title: "A CONNECT with an empty protocol name is not accepted",
		V5:  "3.1.2.1 MQTT-3.1.2-1",
		Run: func(c *C) { c.badConnect(func(p *parts) { p.Name = "" }) },
	},
	{
		Name: "protocol-version-unknown", Title: "A CONNECT with an unknown protocol version is refused",
		V5: "3.1.2.2 MQTT-3.1.2-2", V311: "3.1.2.2 MQTT-3.1.2-2",
		Run: func(c *C) {
			p := c.Open()
			p.Raw(c.connect(func(p *parts) { p.Level = 9 })...)
			c.refusedVersion(p)
		},
	},
	{
		Name: "protocol-version-zero", Title: "A CONNECT with protocol version 0 is refused",
		V5: "3.1.2.2 MQTT-3.1.2-2", V311: "3.1.2.2 MQTT-3.1.2-2",
		Run: func(c *C) {
			p := c.Open()
			p.Raw(c.connect(func(p *parts) { p.Level = 0 })...)
			c.refusedVersion(p)
		},
	},
	{
		Name: "protocol-version-255", Title: "A CONNECT with protocol version 255 is refused",
		V5: "3.1.2.2 MQTT-3.1.2-2", V311: "3.1.2.2 MQTT-3.1.2-2",
		Run: func(c *C) {
			p := c.Open()
			p.Raw(c.connect(func(p *parts) { p.Level = 255 })...)
			c.refusedVersion(p)
		},
	},
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
	{
		Name: "client-id-23-characters", Title: "A client identifier of 23 letters and digits is accepted",
		V5: "3.1.3.1 MQTT-3.1.3-5", V311: "3.1.3.1 MQTT-3.1.3-5", V31: "3.1",
		Run: func(c *C) {
			id := c.ID("")
			c.Connect(WithID(id + strings.Repeat("Z", 23-len(id))))
		},
	},
	{
		Name: "client-id-all-characters", Title: "Client identifiers of all letters and digits are accepted",
		V5: "3.1.3.1 MQTT-3.1.3-5", V311: "3.1.3.1 MQTT-3.1.3-5",
		Run: func(c *C) {
			const all = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			for i := 0; i < len(all); i += 8 {
				c.Connect(WithID(c.ID("") + all[i:min(i+8, len(all))])).Disconnect()
			}
		},
	},
	{
		Name: "client-id-long", Title: "A client identifier of more than 23 bytes is accepted, or refused with its own code",
		V5: "3.1.3.1 MQTT-3.1.3-8", V311: "3.1.3.1 MQTT-3.1.3-9",
		Run: func(c *C) {
			p := c.Open()
			p.Send(c.Hello(WithID(c.ID("") + strings.Repeat("y", 100))))
			packet, err := p.read(c.r.opt.Limit)
			if err == nil && isAccepted(packet) {
				return
			}
			const expected = "CONNACK that accepts the identifier, or refuses it as such and ends the connection"
			ack, ok := packet.(*proto.Connack)
			switch {
			case err == errNothing:
				c.Fail(expected, "nothing within %v", c.r.opt.Limit)
			case err != nil && c.V5():
				c.Choice("the server closes the connection for an identifier of more than 100 bytes")
			case err != nil:
				c.Fail(expected, "the server closed the connection without CONNACK")
			case !ok || ack.Reason != proto.ClientIdentifierNotValid && !c.V5():
				c.Fail(expected, "%s", p.describe(packet))
			}
			p.Closes("the server closes the connection after the refusal")
			c.Choice("the server refuses an identifier of more than 100 bytes: %s", p.describe(packet))
		},
	},
	{
		Name: "client-id-empty", Title: "An empty client identifier is replaced by one that is told in CONNACK, or refused with 0x85",
		V5: "3.1.3.1 MQTT-3.1.3-6 MQTT-3.1.3-7 MQTT-3.1.3-8 MQTT-3.2.2-16",
		Run: func(c *C) {
			p := c.Open()
			p.Send(c.Hello(WithID("")))
			packet := p.Next("CONNACK")
			ack, ok := packet.(*proto.Connack)
			if !ok {
				c.Fail("CONNACK", "%s", p.describe(packet))
			}
			if ack.Reason == proto.ClientIdentifierNotValid {
				p.Closes("the server closes the connection after the refusal")
				c.Choice("the server does not accept an empty client identifier, which section 3.1.3.1 allows")
			}
			if ack.Reason != proto.Success || len(ack.Props.Value(proto.AssignedClientIdentifier)) == 0 {
				c.Fail("CONNACK with success and Assigned Client Identifier, or with reason 0x85", "%s", p.describe(ack))
			}
			q := c.Connect(WithID(""))
			if q.ClientID == string(ack.Props.Value(proto.AssignedClientIdentifier)) {
				c.Fail("an Assigned Client Identifier that no session uses", "the same identifier %q twice", q.ClientID)
			}
			p.Barrier()
		},
	},
	{
		Name: "client-id-empty-311", Title: "Clients with an empty identifier and CleanSession 1 get identifiers of their own",
		V311: "3.1.3.1 MQTT-3.1.3-6",
		Run: func(c *C) {
			p := c.Open()
			p.Send(c.Hello(WithID("")))
			packet := p.Next("CONNACK")
			ack, ok := packet.(*proto.Connack)
			if !ok {
				c.Fail("CONNACK", "%s", p.describe(packet))
			}
			if ack.Reason == proto.ClientIdentifierNotValid {
				c.Choice("the server does not accept an empty client identifier, which section 3.1.3.1 allows")
			}
			if ack.Reason != proto.Success {
				c.Fail("CONNACK with return code 0 or 2", "%s", p.describe(ack))
			}
			p.Connack = ack
			c.Connect(WithID("")) // must not take over the session of the first
			p.Barrier()
		},
	},
	{
		Name: "client-id-empty-lasting", Title: "An empty client identifier with CleanSession 0 is refused with return code 2",
		V311: "3.1.3.1 MQTT-3.1.3-8",
		Run: func(c *C) {
			p := c.Open()
			p.Raw(c.connect(func(p *parts) { p.ID, p.Flags = "", 0 })...)
			if p.Refused("CONNACK with return code 2, then the server closes the connection", proto.ClientIdentifierNotValid) == nil {
				c.Choice("the server closes the connection without CONNACK, as section 3.1.4 demands for a CONNECT that does not conform")
			}
		},
	},
	{
		Name: "keep-alive-0", Title: "A CONNECT with Keep Alive 0 is accepted",
		V5: "3.1.2.10", V311: "3.1.2.10", V31: "3.1",
		Run: func(c *C) { c.Connect(WithKeepAlive(0)).Barrier() },
	},
	{
		Name: "keep-alive-65535", Title: "A CONNECT with Keep Alive 65535 is accepted",
		V5: "3.1.2.10", V311: "3.1.2.10", V31: "3.1",
		Run: func(c *C) { c.Connect(WithKeepAlive(65535)).Barrier() },
	},
	{
		Name: "packets-with-connect", Title: "Packets that are sent right after CONNECT, before CONNACK, are handled",
		V5: "3.1.4", V311: "3.1.4",
		Run: func(c *C) {
			p := c.Open()
			p.Send(c.Hello(), &proto.Subscribe{PacketID: 1, Filters: []proto.Subscription{{Filter: c.Topic("a")}}}, &proto.Ping{Kind: proto.PINGREQ})
			if packet := p.Next("CONNACK"); !isAccepted(packet) {
				c.Fail("CONNACK that accepts the connection", "%s", p.describe(packet))
			}
			p.Suback(1)
			p.Pingresp()
		},
	},
	{
		Name: "connect-byte-by-byte", Title: "A CONNECT that arrives byte by byte is handled",
		V5: "4.2 MQTT-4.2-1", V311: "4.2", V31: "3.1",
		Run: func(c *C) {
			p := c.Open()
			b := p.Encode(c.Hello())
			p.Dribble(b)
			if packet := p.Next("CONNACK"); !isAccepted(packet) {
				c.Fail("CONNACK that accepts the connection", "%s", p.describe(packet))
			}
		},
	},
}

// first sends b as the first packet and expects that the connection is closed.
func (c *C) first(b []byte) {
	p := c.Open()
	p.Raw(b...)
	p.Refused("the server closes the connection")
}

// isAccepted reports whether the packet is a CONNACK with success.
func isAccepted(packet proto.Packet) bool {
	ack, ok := packet.(*proto.Connack)
	return ok && ack.Reason == proto.Success
}

// flagsAt returns the index of the Connect Flags in the bytes of a CONNECT of fewer than 128 bytes.
func (c *C) flagsAt(b []byte) int { return 2 + 2 + int(b[3]) + 1 }

// refusedVersion expects that a CONNECT was refused because of its version. A server of several versions
// may answer in the form of any, and MQTT 5 leaves the CONNACK to it. One of 3.1.1 has to send return code 1.
func (c *C) refusedVersion(p *Peer) {
	p.v, p.anyForm = proto.V5, true // whose decoder knows both forms of a refusal
	const expected = "CONNACK with return code 1, then the server closes the connection"
	packet, err := p.read(c.r.opt.Limit)
	ack, ok := packet.(*proto.Connack)
	switch {
	case err == errNothing:
		c.Fail("the server closes the connection", "nothing within %v, and the connection is open", c.r.opt.Limit)
	case err != nil && !c.speaks5():
		c.Fail(expected, "the server closed the connection without CONNACK")
	case err != nil:
		c.Choice("the server closes the connection without a CONNACK")
	case !ok || ack.Reason == proto.Success:
		c.Fail("the connection is refused", "%s", p.describe(packet))
	}
	p.Closes("the server closes the connection after the refusal")
	if ack.Reason != proto.UnsupportedProtocolVersion && !c.speaks5() {
		c.Fail(expected, "%s", p.describe(ack))
	}
	if ack.Reason != proto.UnsupportedProtocolVersion {
		c.Choice("the server refuses the version with another code: %s", p.describe(ack))
	}
}

// speaks5 reports whether the server accepts a connection of MQTT 5.
func (c *C) speaks5() bool {
	if c.V5() {
		return true
	}
	p := c.Open()
	p.v, p.watch, p.anyForm = proto.V5, nil, true
	hello := c.Hello()
	hello.Version = proto.V5
	p.Send(hello)
	packet, err := p.read(c.r.opt.Limit)
	return err == nil && isAccepted(packet)
}
