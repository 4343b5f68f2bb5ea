package check

import (
	"mqtt/internal/proto"
)

// text returns a text or binary field: the length and s, which may be anything.
//
//go:noinline
func text(s string) []byte { return append([]byte{byte(len(s) >> 8), byte(len(s))}, s...) }

// id returns a packet identifier.
func id(n uint16) []byte { return []byte{byte(n >> 8), byte(n)} }

// bytesOf returns its arguments.
func bytesOf(b ...byte) []byte { return b }

// packet returns a packet with its Remaining Length.
//
//go:noinline
func packet(first byte, parts ...[]byte) []byte {
	var body []byte
	for _, p := range parts {
		body = append(body, p...)
	}
	return append(proto.AppendUvarint([]byte{first}, len(body)), body...)
}

// props returns the properties field of a packet of version 5. Before version 5 there is none.
//
//go:noinline
func (c *C) props(parts ...[]byte) []byte {
	if !c.V5() {
		return nil
	}
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return append(proto.AppendUvarint(nil, len(all)), all...)
}

// prop returns an encoded property, of which value is what comes after the identifier.
func prop(id proto.PropID, value ...byte) []byte { return append([]byte{byte(id)}, value...) }

// textProp returns an encoded property with a text or binary value.
func textProp(id proto.PropID, s string) []byte { return append([]byte{byte(id)}, text(s)...) }

// parts are the fields of a CONNECT that is wrong on purpose.
type parts struct {
	Name      string
	Level     byte
	Flags     byte // without those of the user name and password, which hello adds
	KeepAlive uint16
	Props     []byte // with their length; nil before version 5
	ID        string
	Will      []byte // will properties, topic and payload
	Rest      []byte // after everything else
}

// connect returns a CONNECT, correct but for what change does.
func (c *C) connect(change func(*parts)) []byte {
	p := parts{Name: "MQTT", Level: byte(c.Version), Flags: 0x02, Props: c.props(), ID: c.ID("raw")}
	if c.Version == proto.V31 {
		p.Name = "MQIsdp"
	}
	change(&p)
	var user []byte
	if u := c.r.opt.User; u != nil && p.Flags&0xC0 == 0 {
		p.Flags |= 0x80
		user = text(u.Name)
		if u.HasPassword {
			p.Flags |= 0x40
			user = append(user, text(u.Password)...)
		}
	}
	return packet(0x10, text(p.Name), bytesOf(p.Level, p.Flags), id(p.KeepAlive), p.Props, text(p.ID), p.Will, user, p.Rest)
}

// bad connects, sends bytes that break the standard, and expects that the server ends the connection.
// The reasons are those that a DISCONNECT may have; without any it may have every error code.
func (c *C) bad(b []byte, reasons ...proto.Reason) {
	p := c.Connect()
	p.Raw(b...)
	p.Closed("the server closes the connection", reasons...)
}

// odd connects and sends a packet of which the standard does not say what a server does with it. The server ends the
// connection, or continues: that is a choice, and why says why it may.
func (c *C) odd(b []byte, why string) {
	const expected = "the connection is closed, or PINGREQ is answered"
	p := c.Connect()
	p.Raw(b...)
	p.Raw(0xC0, 0)
	answer, err := p.read(c.r.opt.Limit)
	switch {
	case err == errNothing:
		c.Fail(expected, "neither within %v", c.r.opt.Limit)
	case err != nil || answer.Type() == proto.DISCONNECT:
		return
	case answer.Type() == proto.PINGRESP:
		c.Choice("the server accepts it: %s", why)
	}
	c.Fail(expected, "%s", p.describe(answer))
}

// badConnect sends a CONNECT that breaks the standard, and expects that the server refuses it.
func (c *C) badConnect(change func(*parts), reasons ...proto.Reason) {
	p := c.Open()
	p.Raw(c.connect(change)...)
	p.Refused("the server closes the connection, after a CONNACK with an error code or without one", reasons...)
}
