package check

import "mqtt/internal/proto"

// connectCases are about the first packet of a connection, and the protocol name and version of CONNECT.
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
