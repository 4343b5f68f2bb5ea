package check

import (
	"strings"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/rules"
)

// acknowledges reports whether a packet of type t answers another by its identifier.
func acknowledges(t proto.Type) bool {
	switch t {
	case proto.PUBACK, proto.PUBREC, proto.PUBCOMP, proto.SUBACK, proto.UNSUBACK:
		return true
	}
	return false
}

// closingRule returns the rule by which a server closes the connection after a packet that breaks the standard,
// or "" if no rule with a number says so.
func (p *Peer) closingRule() string {
	switch {
	case p.sends != rules.In || p.v == proto.V31:
		return ""
	case p.Connack == nil: // the form of CONNECT
		return "MQTT-3.1.4-1"
	case p.v == proto.V5:
		return "MQTT-4.13.1-1"
	}
	return "MQTT-4.8.0-1"
}

// refusal returns a CONNACK or SUBACK with an error code that its packet does not have, as the answer to what was
// wrong on purpose; nil if raw is something else. The code is noted as a failure of its own, and the script goes
// on: it asks whether the server refuses, and not how.
func (p *Peer) refusal(f proto.Frame, raw []byte) proto.Packet {
	if p.sends != rules.In || p.watch != nil || len(f.Body) < 2 {
		return nil
	}
	var packet proto.Packet
	code := f.Body[len(f.Body)-1]
	switch {
	case f.Type() == proto.CONNACK && f.First == 0x20 && (len(f.Body) == 2 && f.Body[0] == 0 && code != 0 || p.anyForm):
		code = f.Body[1]
		packet = &proto.Connack{SessionPresent: f.Body[0]&1 != 0, Reason: proto.Reason(code)}
	case f.Type() == proto.SUBACK && f.First == 0x90 && len(f.Body) >= 3 && code >= 0x80:
		packet = &proto.Suback{Kind: proto.SUBACK, PacketID: uint16(f.Body[0])<<8 | uint16(f.Body[1]), Reasons: []proto.Reason{proto.Reason(code)}}
	default:
		return nil
	}
	known := len(p.c.broken)
	p.form(raw)
	if len(p.c.broken) == known && !p.anyForm {
		return nil // what is wrong is not the code
	}
	p.odd, p.oddText = packet, p.text(raw)
	return packet
}

// malformed fails because of bytes that are no packet. The rules are those that the observer names.
func (p *Peer) malformed(b []byte, err error) {
	c := p.c
	known := len(c.broken)
	switch {
	case p.watch == nil: // an answer to what was wrong on purpose
		p.form(b)
	case known == 0:
		for _, v := range p.watch.Broken(p.receives(), b, err, time.Now()) {
			c.violated(v)
		}
	default:
		known = 0 // the observer has seen it already
	}
	expected := "packets that are well-formed"
	if n := len(c.broken); n > known {
		c.observed, expected = true, strings.TrimSuffix(c.broken[n-1].statement, ".")
	}
	c.Fail(expected, "%v", err)
}

// form judges the form of a packet of who is checked, on a connection that can no longer be observed: the answer
// to a CONNECT, or what comes after that.
func (p *Peer) form(b []byte) {
	if len(b) == 0 || p.anyForm {
		return
	}
	watch, now, way := rules.NewSessions().Connection(), time.Now(), p.receives()
	if t := proto.Type(b[0] >> 4); t != proto.CONNECT {
		watch.Observe(rules.In, p.Encode(&proto.Connect{Version: p.v, CleanStart: true, ClientID: "form"}), now)
		if t != proto.CONNACK {
			watch.Observe(rules.Out, p.Encode(&proto.Connack{}), now)
		}
	}
	for _, v := range watch.Observe(way, b, now) {
		if v.Broken == p.c.subject {
			p.c.violated(v)
		}
	}
}

// appendFrame appends the bytes of f.
func appendFrame(dst []byte, f proto.Frame) []byte {
	return append(proto.AppendUvarint(append(dst, f.First), len(f.Body)), f.Body...)
}
