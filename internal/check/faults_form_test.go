package check

import (
	"slices"

	"mqtt/internal/proto"
)

// formMutants are faults in the form of what the server sends: bits, texts, lengths, reason codes and its place among
// other packets.
var formMutants = []mutant{
	// Bits of the fixed header, and flags.
	{name: "sets a reserved bit of PUBACK", raw: first(proto.PUBACK, 1), v5: "MQTT-2.1.3-1", v311: "MQTT-2.2.2-1"},
	{name: "sets a reserved bit of PUBREC", raw: first(proto.PUBREC, 2), v5: "MQTT-2.1.3-1", v311: "MQTT-2.2.2-1"},
	{name: "sets a reserved bit of PUBCOMP", raw: first(proto.PUBCOMP, 8), v5: "MQTT-2.1.3-1", v311: "MQTT-2.2.2-1"},
	{name: "sets a reserved bit of SUBACK", raw: first(proto.SUBACK, 2), v5: "MQTT-2.1.3-1", v311: "MQTT-2.2.2-1"},
	{name: "sets a reserved bit of UNSUBACK", raw: first(proto.UNSUBACK, 2), v5: "MQTT-2.1.3-1", v311: "MQTT-2.2.2-1"},
	{name: "sets a reserved bit of PINGRESP", raw: first(proto.PINGRESP, 1), v5: "MQTT-2.1.3-1", v311: "MQTT-2.2.2-1"},
	{name: "sets a reserved bit of CONNACK", raw: first(proto.CONNACK, 1), v5: "MQTT-2.1.3-1", v311: "MQTT-2.2.2-1"},
	{name: "sends PUBREL with flags 0", raw: first(proto.PUBREL, 2), v5: "MQTT-3.6.1-1", v311: "MQTT-3.6.1-1"},
	{name: "sets a reserved bit of DISCONNECT", raw: first(proto.DISCONNECT, 1), v5: "MQTT-3.14.1-1"},
	{name: "sends QoS 3", raw: func(_ *link, b []byte, in bool) []byte {
		if !in && proto.Type(b[0]>>4) == proto.PUBLISH && b[0]&0x06 != 0 {
			b = slices.Clone(b)
			b[0] |= 0x06
		}
		return b
	}, v5: "MQTT-3.3.1-4", v311: "MQTT-3.3.1-4"},
	{name: "sets DUP at QoS 0", raw: func(_ *link, b []byte, in bool) []byte {
		if !in && proto.Type(b[0]>>4) == proto.PUBLISH && b[0]&0x06 == 0 {
			b = slices.Clone(b)
			b[0] |= 0x08
		}
		return b
	}, v5: "MQTT-3.3.1-2", v311: "MQTT-3.3.1-2"},
	{name: "sets reserved bits of the acknowledge flags", raw: raw(proto.CONNACK, func(b []byte) []byte { b[2] |= 0x40; return b }),
		v5: "MQTT-3.2.2-1"},

	// Identifiers, topics and lengths.
	{name: "sends messages with identifier 0", raw: raw(proto.PUBLISH, func(b []byte) []byte {
		if b[0]&0x06 != 0 && len(b) > 6 && len(b) < 120 {
			n := 4 + int(b[2])<<8 + int(b[3])
			b[n], b[n+1] = 0, 0
		}
		return b
	}), v5: "MQTT-2.2.1-4", v311: "MQTT-2.3.1-4"},
	{name: "sends all messages with identifier 1", out: change(func(p *proto.Publish) {
		if p.QoS > 0 {
			p.PacketID = 1
		}
	}), v5: "MQTT-2.2.1-4", v311: "MQTT-2.3.1-4"},
	{name: "sends topics with a wildcard", raw: raw(proto.PUBLISH, func(b []byte) []byte {
		if len(b) > 6 && len(b) < 120 {
			b[4] = '+'
		}
		return b
	}), v5: "MQTT-3.3.2-2", v311: "MQTT-3.3.2-2"},
	{name: "sends topics that are not UTF-8", raw: raw(proto.PUBLISH, func(b []byte) []byte {
		if len(b) > 6 && len(b) < 120 {
			b[4] = 0xff
		}
		return b
	}), v5: "MQTT-1.5.4-1", v311: "MQTT-1.5.3-1"},
	{name: "sends topics with U+0000", raw: raw(proto.PUBLISH, func(b []byte) []byte {
		if len(b) > 6 && len(b) < 120 {
			b[4] = 0
		}
		return b
	}), v5: "MQTT-4.7.3-2", v311: "MQTT-4.7.3-2"},
	{name: "sends messages on other topics", out: change(func(p *proto.Publish) {
		if len(p.Topic) > 0 {
			p.Topic = append(slices.Clone(p.Topic), 'x')
		}
	}), v5: "MQTT-3.3.2-3", v311: "MQTT-3.3.2-3"},
	{name: "sends CONNACK of MQTT 3.1.1 to clients of MQTT 5", raw: func(m *link, b []byte, in bool) []byte {
		if !in && m.v == proto.V5 && proto.Type(b[0]>>4) == proto.CONNACK {
			return []byte{0x20, 2, b[2], b[3]}
		}
		return b
	}, v5: "MQTT-2.2.2-1"},
	{name: "encodes lengths in too many bytes", raw: raw(proto.PINGRESP, func([]byte) []byte { return []byte{0xD0, 0x80, 0} }), v5: "MQTT-1.5.5-1"},
	{name: "encodes a property length in too many bytes", raw: func(m *link, b []byte, in bool) []byte {
		if !in && m.v == proto.V5 && proto.Type(b[0]>>4) == proto.UNSUBACK && b[4] == 0 {
			return append([]byte{b[0], b[1] + 1, b[2], b[3], 0x80}, b[4:]...)
		}
		return b
	}, v5: "MQTT-1.5.5-1"},

	// Reason codes.
	{name: "has reason codes of another packet in PUBACK", raw: reason(proto.PUBACK, 0x01), v5: "MQTT-3.4.2-1"},
	{name: "has reason codes of another packet in PUBREC", raw: reason(proto.PUBREC, 0x02), v5: "MQTT-3.5.2-1"},
	{name: "has reason codes of another packet in PUBREL", raw: reason(proto.PUBREL, 0x10), v5: "MQTT-3.6.2-1"},
	{name: "has reason codes of another packet in PUBCOMP", raw: reason(proto.PUBCOMP, 0x80), v5: "MQTT-3.7.2-1"},
	{name: "has reason codes of another packet in SUBACK", raw: raw(proto.SUBACK, func(b []byte) []byte { b[len(b)-1] = 0x03; return b }),
		v5: "MQTT-3.9.3-2", v311: "MQTT-3.9.3-2"},
	{name: "has reason codes of another packet in UNSUBACK", raw: func(m *link, b []byte, in bool) []byte {
		if !in && m.v == proto.V5 && proto.Type(b[0]>>4) == proto.UNSUBACK {
			b = slices.Clone(b)
			b[len(b)-1] = 0x02
		}
		return b
	}, v5: "MQTT-3.11.3-2"},
	{name: "has reason codes of another packet in CONNACK", raw: func(m *link, b []byte, in bool) []byte {
		if !in && proto.Type(b[0]>>4) == proto.CONNACK && b[3] != 0 {
			b = slices.Clone(b)
			b[3] = 0x42
		}
		return b
	}, v5: "MQTT-3.2.2-8", v311: "MQTT-3.2.2-6", also: "client-id-empty-lasting will-qos-3 auth-method-unknown protocol-version-unknown"},
	{name: "has reason codes of another packet in DISCONNECT", raw: raw(proto.DISCONNECT, func(b []byte) []byte {
		if len(b) > 2 {
			b[2] = 0x91
		}
		return b
	}), v5: "MQTT-3.14.2-1"},

	// What comes in a wrong packet or at a wrong time.
	{name: "sends a Session Expiry Interval in DISCONNECT", out: text5(func(p proto.Packet) {
		if a, ok := p.(*proto.Disconnect); ok {
			a.Props = a.Props.AppendNum(proto.SessionExpiryInterval, 5)
		}
	}), v5: "MQTT-3.14.2-2"},
	{name: "sends packets after DISCONNECT", out: func(m *link, p proto.Packet) []proto.Packet {
		if _, ok := p.(*proto.Disconnect); ok && m.v == proto.V5 {
			return []proto.Packet{p, &proto.Ping{Kind: proto.PINGRESP}}
		}
		return []proto.Packet{p}
	}, v5: "MQTT-3.14.4-1"},
	{name: "sends DISCONNECT before CONNACK", out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Connack); ok && m.v == proto.V5 && a.Reason != 0 {
			return []proto.Packet{&proto.Disconnect{Reason: proto.ProtocolError}}
		}
		return []proto.Packet{p}
	}, v5: "MQTT-3.14.0-1", also: "will-qos-3 auth-method-unknown"},
	{name: "sends a session present with a refusal", out: change(func(p *proto.Connack) { p.SessionPresent = p.Reason != 0 }),
		raw: func(_ *link, b []byte, in bool) []byte {
			if !in && proto.Type(b[0]>>4) == proto.CONNACK && b[3] != 0 {
				b = slices.Clone(b)
				b[2] |= 1
			}
			return b
		}, v5: "MQTT-3.2.2-6", v311: "MQTT-3.2.2-4"},
	{name: "sends SUBACK before CONNACK", out: func(m *link, p proto.Packet) []proto.Packet {
		if _, ok := p.(*proto.Connack); ok {
			return []proto.Packet{&proto.Ping{Kind: proto.PINGRESP}, p}
		}
		return []proto.Packet{p}
	}, v5: "MQTT-3.2.0-1", v311: "MQTT-3.2.0-1"},
}
