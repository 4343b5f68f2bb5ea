package check

import (
	"slices"
	"strings"
	"sync"
	"time"

	"mqtt/internal/proto"
)

// raw returns a fault that changes the bytes of the server's packets of a type.
func raw(t proto.Type, f func(b []byte) []byte) func(*link, []byte, bool) []byte {
	return func(_ *link, b []byte, in bool) []byte {
		if !in && proto.Type(b[0]>>4) == t {
			return f(slices.Clone(b))
		}
		return b
	}
}

// first returns a fault that sets bits of the first byte of the server's packets of a type.
func first(t proto.Type, bits byte) func(*link, []byte, bool) []byte {
	return raw(t, func(b []byte) []byte { b[0] ^= bits; return b })
}

// text5 returns a fault that changes the server's packets of MQTT 5.
func text5(f func(p proto.Packet)) func(*link, proto.Packet) []proto.Packet {
	return func(m *link, p proto.Packet) []proto.Packet {
		if m.v == proto.V5 {
			f(p)
		}
		return []proto.Packet{p}
	}
}

// reason returns a fault that puts a reason code into the acknowledgements of a type that succeed.
func reason(t proto.Type, code proto.Reason) func(*link, []byte, bool) []byte {
	return func(m *link, b []byte, in bool) []byte {
		if m.v != proto.V5 || in || proto.Type(b[0]>>4) != t || len(b) < 4 {
			return b
		}
		return []byte{b[0], 3, b[2], b[3], byte(code)}
	}
}

// accepts returns a fault that repairs the bytes of the client's packets, so that a wrong one is taken.
func accepts(repair func(v proto.Version, b []byte) []byte) func(*link, []byte, bool) []byte {
	return func(m *link, b []byte, in bool) []byte {
		if in {
			return repair(m.v, slices.Clone(b))
		}
		return b
	}
}

// noticed are cases in which all kinds of packets are exchanged.
const noticed = "qos-0-delivery puback pubrec-pubcomp first-delivery-dup-0 suback-repeats-identifier unsuback-repeats-identifier pingresp connack-first takeover session-present-1"

// moreMutants are planted faults of single packets and states, with the rules that they break.
var moreMutants = []mutant{
	// The form of what the server sends.
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

	// Acknowledgements and identifiers.
	{name: "answers PUBLISH at QoS 1 by PUBREC", out: change(func(p *proto.Ack) {
		if p.Kind == proto.PUBACK {
			p.Kind = proto.PUBREC
		}
	}), v5: "MQTT-3.3.4-1", v311: "MQTT-3.3.4-1"},
	{name: "answers PUBLISH at QoS 2 by PUBACK", out: change(func(p *proto.Ack) {
		if p.Kind == proto.PUBREC {
			p.Kind = proto.PUBACK
		}
	}), v5: "MQTT-3.3.4-1", v311: "MQTT-3.3.4-1"},
	{name: "takes a message at QoS 1 with the identifier of the last for a repetition", in: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && a.QoS == 1 && m.count("one"+string(rune(a.PacketID))) > 1 {
			a.Topic = []byte("mqtt-check-none")
		}
		return []proto.Packet{p}
	}, v5: "MQTT-4.3.2-5", v311: "MQTT-4.3.2-2"},
	{name: "takes a message at QoS 2 with the identifier of the last for a repetition", in: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && a.QoS == 2 && m.count("two"+string(rune(a.PacketID))) > 1 {
			a.Topic = []byte("mqtt-check-none")
		}
		return []proto.Packet{p}
	}, v5: "MQTT-4.3.3-12", v311: "MQTT-4.3.3-2"},
	{name: "does not answer a second PUBREL", out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Ack); ok && a.Kind == proto.PUBCOMP && m.count("comp"+string(rune(a.PacketID))) > 1 {
			return nil
		}
		return []proto.Packet{p}
	}, v5: "MQTT-4.3.3-11", v311: "MQTT-4.3.3-2"},
	{name: "answers PUBREL with an error", raw: func(m *link, b []byte, in bool) []byte {
		if !in && m.v == proto.V5 && proto.Type(b[0]>>4) == proto.PUBCOMP {
			return []byte{b[0], 3, b[2], b[3], 0x92}
		}
		return b
	}, v5: "MQTT-4.3.3-11"},
	{name: "sends UNSUBACK only if a subscription ended", out: func(_ *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Suback); ok && a.Kind == proto.UNSUBACK && len(a.Reasons) > 0 && a.Reasons[0] == proto.NoSubscriptionExisted {
			return nil
		}
		return []proto.Packet{p}
	}, v5: "MQTT-3.10.4-5"},
	{name: "answers UNSUBSCRIBE with another identifier", out: change(func(p *proto.Suback) {
		if p.Kind == proto.UNSUBACK {
			p.PacketID ^= 0x100
		}
	}), v5: "MQTT-3.10.4-5", v311: "MQTT-3.10.4-4"},
	{name: "has one reason code in UNSUBACK", out: change(func(p *proto.Suback) {
		if p.Kind == proto.UNSUBACK {
			p.Reasons = p.Reasons[:min(1, len(p.Reasons))]
		}
	}), v5: "MQTT-3.11.3-1"},
	{name: "grants more than was asked for", out: change(func(p *proto.Suback) {
		if p.Kind == proto.SUBACK {
			for i := range p.Reasons {
				p.Reasons[i] = max(2, p.Reasons[i])
			}
		}
	}), v5: "MQTT-3.8.4-7"},
	{name: "delivers at the QoS of publishing", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			p.Filters[i].QoS = 2
		}
	}), out: change(func(p *proto.Suback) {
		if p.Kind == proto.SUBACK {
			for i := range p.Reasons {
				if p.Reasons[i] == 2 {
					p.Reasons[i] = 0
				}
			}
		}
	}), v5: "MQTT-3.8.4-8", v311: "MQTT-3.8.4-6"},

	// Delivery again.
	{name: "sends again with another identifier", out: change(func(p *proto.Publish) {
		if p.Dup {
			p.PacketID += 100
		}
	}), v5: "MQTT-4.4.0-1", v311: "MQTT-4.4.0-1"},
	{name: "does not send PUBREL again", out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Ack); ok && a.Kind == proto.PUBREL && m.count("publish") == 1 {
			return nil
		}
		if p.Type() == proto.PUBLISH {
			m.count("publish")
		}
		return []proto.Packet{p}
	}, v5: "MQTT-4.4.0-1 MQTT-4.3.3-5", v311: "MQTT-4.4.0-1 MQTT-4.3.3-1"},
	{name: "sends no message again", out: func(_ *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && a.Dup {
			return nil
		}
		return []proto.Packet{p}
	}, v5: "MQTT-4.4.0-1", v311: "MQTT-4.4.0-1"},
	{name: "answers no PINGREQ while messages are in flight", in: func(m *link, p proto.Packet) []proto.Packet {
		if p.Type() == proto.PUBACK || p.Type() == proto.PUBCOMP {
			m.add("flight", -1)
		}
		return []proto.Packet{p}
	}, out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && a.QoS > 0 {
			m.add("flight", 1)
		}
		if p.Type() == proto.PINGRESP && m.add("flight", 0) > 0 {
			return nil
		}
		return []proto.Packet{p}
	}, v5: "MQTT-3.3.4-10 MQTT-4.9.0-3"},

	// Retained messages.
	{name: "delivers retained messages with RETAIN 0", out: change(func(p *proto.Publish) { p.Retain = false }), v5: "MQTT-3.3.1-13", v311: "MQTT-3.3.1-8"},
	{name: "delivers live messages with RETAIN 1", in: text5(func(p proto.Packet) {
		if a, ok := p.(*proto.Subscribe); ok {
			for i := range a.Filters {
				a.Filters[i].RetainAsPublished = true
			}
		}
	}), v5: "MQTT-3.3.1-12"},
	{name: "keeps no retained message of QoS 0", in: change(func(p *proto.Publish) { p.Retain = p.Retain && p.QoS > 0 })},
	{name: "retains at QoS 0", in: change(func(p *proto.Publish) {
		if p.Retain && p.QoS == 1 {
			p.QoS, p.PacketID = 0, 0
		}
	}), v5: "MQTT-3.3.1-5", v311: "MQTT-3.3.1-5"},
	{name: "forwards no empty retained message", out: func(_ *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && len(a.Payload) == 0 {
			return nil
		}
		return []proto.Packet{p}
	}, v5: "MQTT-3.3.1-6", v311: "MQTT-3.3.1-10"},
	{name: "treats Retain Handling 1 as 2", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			if p.Filters[i].RetainHandling == 1 {
				p.Filters[i].RetainHandling = 2
			}
		}
	}), v5: "MQTT-3.3.1-10"},
	{name: "treats Retain Handling 0 as 1", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			if p.Filters[i].RetainHandling == 0 {
				p.Filters[i].RetainHandling = 1
			}
		}
	}), v5: "MQTT-3.8.4-4"},

	// Topics and subscriptions.
	{name: "matches # with children only", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			if f := p.Filters[i].Filter; strings.HasSuffix(f, "/#") && !strings.Contains(f, "$") {
				p.Filters[i].Filter = strings.TrimSuffix(f, "#") + "+/#"
			}
		}
	}), v5: "MQTT-4.7.1-1", v311: "MQTT-4.7.1-2", also: "wildcard-hash"},
	{name: "matches several levels with +", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			if f := p.Filters[i].Filter; strings.HasSuffix(f, "/+") && proto.CheckFilter(f) == nil {
				p.Filters[i].Filter = strings.TrimSuffix(f, "+") + "#"
			}
		}
	}), v5: "MQTT-4.7.1-2", v311: "MQTT-4.7.1-3", also: "wildcard-plus"},
	{name: "removes U+FEFF", in: func(_ *link, p proto.Packet) []proto.Packet {
		switch a := p.(type) {
		case *proto.Publish:
			a.Topic = []byte(strings.ReplaceAll(string(a.Topic), "\ufeff", ""))
		case *proto.Subscribe:
			for i := range a.Filters {
				a.Filters[i].Filter = strings.ReplaceAll(a.Filters[i].Filter, "\ufeff", "")
			}
		}
		return []proto.Packet{p}
	}, v5: "MQTT-1.5.4-3", v311: "MQTT-1.5.3-3"},
	{name: "compares without case", in: func(_ *link, p proto.Packet) []proto.Packet {
		switch a := p.(type) {
		case *proto.Publish:
			a.Topic = []byte(strings.ToLower(string(a.Topic)))
		case *proto.Subscribe:
			for i := range a.Filters {
				a.Filters[i].Filter = strings.ToLower(a.Filters[i].Filter)
			}
		}
		return []proto.Packet{p}
	}, v5: "MQTT-4.7.3-4", v311: "MQTT-4.7.3-4"},
	{name: "ends subscriptions that only begin alike", in: change(func(p *proto.Unsubscribe) {
		for i := range p.Filters {
			if f := p.Filters[i]; strings.HasSuffix(f, "/#") || strings.HasSuffix(f, "/+") {
				p.Filters[i] = f[:len(f)-1] + "b"
			}
		}
	}), v5: "MQTT-3.10.4-1", v311: "MQTT-3.10.4-1"},
	{name: "keeps the old subscription beside the new one", in: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Subscribe); ok && len(a.Filters) == 1 && m.count("sub "+a.Filters[0].Filter) > 1 && proto.CheckFilter(a.Filters[0].Filter) == nil {
			f := a.Filters[0].Filter
			if i := strings.LastIndexByte(f, '/'); i > 0 && !strings.Contains(f, "$") {
				a.Filters[0].Filter = f[:i] + "/+"
			}
		}
		return []proto.Packet{p}
	}, out: func(m *link, p proto.Packet) []proto.Packet { return []proto.Packet{p} }, v5: "MQTT-3.8.4-3"},

	// Sessions, identifiers, takeover.
	{name: "discards the messages of a session", in: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Subscribe); ok {
			for i := range a.Filters {
				a.Filters[i].QoS = 0
			}
		}
		return []proto.Packet{p}
	}, out: change(func(p *proto.Suback) {
		for i := range p.Reasons {
			if p.Kind == proto.SUBACK && p.Reasons[i] == 0 {
				p.Reasons[i] = 2
			}
		}
	}), v5: "MQTT-4.3.2-3", v311: "MQTT-3.1.2-5"},
	{name: "tells no assigned identifier", out: change(func(p *proto.Connack) { p.Props = p.Props.Without(proto.AssignedClientIdentifier) }),
		v5: "MQTT-3.1.3-7 MQTT-3.2.2-16"},
	{name: "refuses an empty identifier as not authorized", in: change(func(p *proto.Connect) {}), out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Connack); ok && a.Props.Has(proto.AssignedClientIdentifier) {
			return []proto.Packet{&proto.Connack{Reason: proto.NotAuthorized}}
		}
		return []proto.Packet{p}
	}, v5: "MQTT-3.1.3-6"},
	{name: "keeps both connections of an identifier", in: func() func(m *link, p proto.Packet) []proto.Packet {
		var mu sync.Mutex
		seen := map[string]int{}
		return change(func(p *proto.Connect) {
			mu.Lock()
			defer mu.Unlock()
			if seen[p.ClientID]++; seen[p.ClientID] > 1 && p.ClientID != "" {
				p.ClientID += "again"
			}
		})
	}(), v5: "MQTT-3.1.4-3", v311: "MQTT-3.1.4-2"},
	{name: "ends a taken over connection with a wrong reason code", out: change(func(p *proto.Disconnect) {
		if p.Reason == proto.SessionTakenOver {
			p.Reason = proto.UnspecifiedError
		}
	}), v5: "MQTT-3.1.4-3"},

	// What is not to be accepted.
	{name: "accepts reserved bits in subscription options", raw: accepts(func(v proto.Version, b []byte) []byte {
		if b[0] == 0x82 && v == proto.V5 {
			b[len(b)-1] &= 0x3F
		}
		return b
	}), v5: "MQTT-3.8.3-5"},
	{name: "accepts wrong bits in the first byte", raw: accepts(func(_ proto.Version, b []byte) []byte {
		switch t := b[0] >> 4; t {
		case 3:
		case 6, 8, 10:
			b[0] = t<<4 | 2
		default:
			b[0] = t << 4
		}
		return b
	}), v5: "MQTT-2.1.3-1 MQTT-3.6.1-1 MQTT-3.8.1-1 MQTT-3.10.1-1", v311: "MQTT-2.2.2-2 MQTT-3.6.1-1 MQTT-3.8.1-1 MQTT-3.10.1-1"},
	{name: "accepts the reserved connect flag", raw: accepts(func(v proto.Version, b []byte) []byte {
		if b[0] == 0x10 && len(b) > 10 && b[3] == 4 {
			b[9] &^= 1
		}
		return b
	}), v5: "MQTT-3.1.2-3", v311: "MQTT-3.1.2-3"},
	{name: "accepts a will QoS without will", raw: accepts(func(v proto.Version, b []byte) []byte {
		if b[0] == 0x10 && len(b) > 10 && b[3] == 4 && b[9]&4 == 0 {
			b[9] &^= 0x38
		}
		return b
	}), v5: "MQTT-3.1.2-11 MQTT-3.1.2-13", v311: "MQTT-3.1.2-13 MQTT-3.1.2-15"},
	{name: "accepts every protocol name", raw: accepts(func(v proto.Version, b []byte) []byte {
		if b[0] == 0x10 && len(b) > 10 && b[3] == 4 {
			copy(b[4:], "MQTT")
		}
		return b
	}), v5: "MQTT-3.1.2-1"},
	{name: "accepts every protocol version", raw: accepts(func(v proto.Version, b []byte) []byte {
		if b[0] == 0x10 && len(b) > 10 && b[3] == 4 && b[8] != 4 && b[8] != 5 {
			b[8] = byte(v)
		}
		return b
	}), v5: "MQTT-3.1.2-2", v311: "MQTT-3.1.2-2"},
	{name: "accepts packet identifier 0", raw: accepts(func(v proto.Version, b []byte) []byte {
		if (b[0] == 0x82 || b[0] == 0xA2) && len(b) > 4 && b[2] == 0 && b[3] == 0 {
			b[3] = 7
		}
		return b
	}), v5: "MQTT-2.2.1-3", v311: "MQTT-2.3.1-1"},
	{name: "accepts a second CONNECT", raw: func() func(m *link, b []byte, in bool) []byte {
		return func(m *link, b []byte, in bool) []byte {
			if in && b[0] == 0x10 && m.count("connect") > 1 {
				return nil
			}
			return b
		}
	}(), v5: "MQTT-3.1.0-2", v311: "MQTT-3.1.0-2"},
	{name: "accepts a SUBSCRIBE without filters", raw: accepts(func(v proto.Version, b []byte) []byte {
		if b[0] == 0x82 && (len(b) == 4 || len(b) == 5 && v == proto.V5) {
			return []byte{0xC0, 0}
		}
		return b
	}), v5: "MQTT-3.8.3-2", v311: "MQTT-3.8.3-3"},
	{name: "accepts wildcards in topics", in: change(func(p *proto.Publish) {}), raw: accepts(func(v proto.Version, b []byte) []byte {
		if b[0]>>4 == 3 && len(b) < 128 {
			for i := range b {
				if b[i] == '#' || b[i] == '+' {
					b[i] = 'w'
				}
			}
		}
		return b
	}), v5: "MQTT-3.3.2-2", v311: "MQTT-3.3.2-2"},
	{name: "accepts U+0000 in topics", raw: accepts(func(v proto.Version, b []byte) []byte {
		if b[0]>>4 == 3 && len(b) < 128 {
			for i := 4; i < 4+int(b[3]) && i < len(b); i++ {
				if b[i] == 0 {
					b[i] = 'w'
				}
			}
		}
		return b
	}), v5: "MQTT-4.7.3-2", v311: "MQTT-4.7.3-2"},
	{name: "accepts topics that are not UTF-8", raw: accepts(func(v proto.Version, b []byte) []byte {
		if b[0]>>4 == 3 && len(b) < 128 {
			for i := 4; i < 4+int(b[3]) && i < len(b); i++ {
				if b[i] >= 0x80 {
					b[i] = 'w'
				}
			}
		}
		return b
	}), v5: "MQTT-1.5.4-1 MQTT-3.3.2-1", v311: "MQTT-1.5.3-1 MQTT-3.3.2-1"},
	{name: "ignores the password", in: change(func(p *proto.Connect) {}), also: "puback"},
	{name: "does not end the connection after a refusal", open: true, v5: "MQTT-3.2.2-7", v311: "MQTT-3.2.2-5"},

	// Time, properties, flow.
	{name: "waits three times the Keep Alive", in: change(func(p *proto.Connect) { p.KeepAlive *= 3 }), v5: "MQTT-3.1.2-22", v311: "MQTT-3.1.2-24"},
	{name: "closes the connection instead of discarding what is too large", out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && m.v == proto.V5 && len(a.Payload) > 200 && len(a.Payload) < 5000 {
			m.client.Close() //nolint:errcheck // the fault
		}
		return []proto.Packet{p}
	}, in: without(proto.MaximumPacketSize), v5: "MQTT-3.1.2-24"},
	{name: "sends a topic alias of 0", out: text5(func(p proto.Packet) {
		if a, ok := p.(*proto.Publish); ok {
			a.Props = a.Props.Without(proto.TopicAlias).AppendNum(proto.TopicAlias, 0)
		}
	}), raw: func(m *link, b []byte, in bool) []byte {
		if !in && m.v == proto.V5 && b[0]>>4 == 3 && b[0]&6 == 0 && len(b) < 100 {
			n := 4 + int(b[3])
			if b[n] == 0 {
				return slices.Concat([]byte{b[0], b[1] + 3}, b[2:n], []byte{3, 0x23, 0, 0}, b[n+1:])
			}
		}
		return b
	}, v5: "MQTT-3.3.2-8"},
	{name: "sends user properties with an acknowledgement unasked", out: text5(func(p proto.Packet) {
		if a, ok := p.(*proto.Suback); ok {
			a.Props = a.Props.AppendPair("a", "b")
		}
	}), v5: "MQTT-3.1.2-29"},
	{name: "carries topic aliases to the next connection", v5: "MQTT-3.3.2-7", raw: func() func(*link, []byte, bool) []byte {
		return func(m *link, b []byte, in bool) []byte {
			if in && m.v == proto.V5 && b[0]>>4 == 3 && len(b) > 6 && b[2] == 0 && b[3] == 0 && m.count("first") == 1 {
				return []byte{0xC0, 0} // taken for a message
			}
			return b
		}
	}()},
	{name: "publishes wills of other payloads", in: change(func(p *proto.Connect) {
		if p.Will != nil {
			p.Will.Payload = nil
		}
	}), v5: "MQTT-3.1.2-8", v311: "MQTT-3.1.2-8"},
	{name: "reverses the user properties of wills", v5: "MQTT-3.1.3-10", out: text5(func(p proto.Packet) {
		a, ok := p.(*proto.Publish)
		if !ok {
			return
		}
		var pairs []proto.Prop
		for q := range a.Props.All() {
			if q.ID == proto.UserProperty {
				pairs = append(pairs, q)
			}
		}
		slices.Reverse(pairs)
		a.Props = a.Props.Without(proto.UserProperty)
		for _, q := range pairs {
			a.Props = a.Props.Append(q)
		}
	})},
	{name: "delays delivery", out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && a.QoS == 0 && m.count("slow") == 1 {
			time.Sleep(10 * time.Millisecond)
		}
		return []proto.Packet{p}
	}, also: "qos-0-delivery"},
}

// broken are the rules that the faults of mutants break, in 5.0 and in 3.1.1.
var broken = map[string][2]string{
	"loses messages to clients":                                  {"MQTT-4.5.0-1", "MQTT-4.5.0-1"},
	"loses messages to the server":                               {"MQTT-4.5.0-1 MQTT-3.3.4-1", "MQTT-4.5.0-1 MQTT-3.3.4-1"},
	"loses PUBACK":                                               {"MQTT-3.3.4-1 MQTT-4.3.2-4", "MQTT-3.3.4-1 MQTT-4.3.2-2"},
	"loses PUBREC":                                               {"MQTT-3.3.4-1 MQTT-4.3.3-8", "MQTT-3.3.4-1 MQTT-4.3.3-2"},
	"loses PUBREL":                                               {"MQTT-4.3.3-4", "MQTT-4.3.3-1"},
	"loses PUBCOMP":                                              {"MQTT-4.3.3-11", "MQTT-4.3.3-2"},
	"loses SUBACK":                                               {"MQTT-3.8.4-1", "MQTT-3.8.4-1"},
	"loses UNSUBACK":                                             {"MQTT-3.10.4-4", "MQTT-3.10.4-4"},
	"ignores UNSUBSCRIBE":                                        {"MQTT-3.10.4-2", "MQTT-3.10.4-2"},
	"loses PINGRESP":                                             {"MQTT-3.12.4-1", "MQTT-3.12.4-1"},
	"takes messages at QoS 2 twice":                              {"MQTT-4.3.3-10", "MQTT-4.3.3-2"},
	"acknowledges with another identifier":                       {"MQTT-2.2.1-5", "MQTT-2.3.1-6"},
	"answers subscriptions with another identifier":              {"MQTT-3.8.4-2", "MQTT-3.8.4-2"},
	"answers with one reason code for all filters":               {"MQTT-3.8.4-6", "MQTT-3.8.4-5"},
	"reverses reason codes":                                      {"MQTT-3.9.3-1", "MQTT-3.9.3-1"},
	"subscribes to the first filter only":                        {"MQTT-3.8.4-5", "MQTT-3.8.4-4"},
	"ends the first filter only":                                 {"MQTT-3.10.4-6", "MQTT-3.10.4-6"},
	"sets DUP":                                                   {"MQTT-4.3.2-2 MQTT-3.3.1-3", "MQTT-4.3.2-1 MQTT-3.3.1-3"},
	"clears DUP":                                                 {"MQTT-3.3.1-1", "MQTT-3.3.1-1"},
	"sets RETAIN":                                                {"MQTT-3.3.1-12", "MQTT-3.3.1-9"},
	"retains everything":                                         {"MQTT-3.3.1-8", "MQTT-3.3.1-12"},
	"retains nothing":                                            {"MQTT-3.3.1-5", "MQTT-3.3.1-5"},
	"keeps retained messages for ever":                           {"MQTT-3.3.1-6", "MQTT-3.3.1-10"},
	"keeps the first retained message":                           {"MQTT-3.3.1-5", "MQTT-3.3.1-5"},
	"stores empty retained messages":                             {"MQTT-3.3.1-6", "MQTT-3.3.1-10"},
	"ignores Retain Handling":                                    {"MQTT-3.3.1-10 MQTT-3.3.1-11", ""},
	"treats Retain Handling 0 as 2":                              {"MQTT-3.3.1-9", ""},
	"ignores Retain As Published":                                {"MQTT-3.3.1-13", ""},
	"ignores No Local":                                           {"MQTT-3.8.3-3", ""},
	"publishes at QoS 0 and acknowledges":                        {"MQTT-3.8.4-8", ""},
	"reorders messages":                                          {"MQTT-4.6.0-5", "MQTT-4.6.0-6"},
	"loses the session":                                          {"MQTT-3.1.2-5 MQTT-3.2.2-3 MQTT-3.1.2-23", "MQTT-3.1.2-4 MQTT-3.2.2-2"},
	"never starts a clean session":                               {"MQTT-3.1.2-4", "MQTT-3.1.2-6"},
	"says no session present":                                    {"MQTT-3.2.2-3", "MQTT-3.2.2-2"},
	"says a session is present":                                  {"MQTT-3.2.2-2 MQTT-3.2.2-3", "MQTT-3.2.2-1 MQTT-3.2.2-3"},
	"keeps sessions for ever":                                    {"MQTT-4.1.0-2", ""},
	"has no wills":                                               {"MQTT-3.1.2-8", "MQTT-3.1.2-8"},
	"publishes the will always":                                  {"MQTT-3.14.4-3", "MQTT-3.14.4-3"},
	"retains no will":                                            {"MQTT-3.1.2-15", "MQTT-3.1.2-17"},
	"retains every will":                                         {"MQTT-3.1.2-14", "MQTT-3.1.2-16"},
	"publishes wills without delay":                              {"MQTT-3.1.3-9", ""},
	"has no keep alive":                                          {"MQTT-3.1.2-22", "MQTT-3.1.2-24"},
	"has no message expiry":                                      {"MQTT-3.3.2-5", ""},
	"does not count message expiry down":                         {"MQTT-3.3.2-6", ""},
	"loses user properties":                                      {"MQTT-3.3.2-17", ""},
	"reverses user properties":                                   {"MQTT-3.3.2-18", ""},
	"loses Content Type":                                         {"MQTT-3.3.2-20", ""},
	"loses Response Topic":                                       {"MQTT-3.3.2-15", ""},
	"loses Correlation Data":                                     {"MQTT-3.3.2-16", ""},
	"loses Payload Format Indicator":                             {"MQTT-3.3.2-4", ""},
	"loses subscription identifiers":                             {"MQTT-3.3.4-3", ""},
	"has the first subscription identifier only":                 {"MQTT-3.3.4-4", ""},
	"ignores the client's Receive Maximum":                       {"MQTT-3.3.4-9", ""},
	"ignores the client's Maximum Packet Size":                   {"MQTT-3.1.2-24", ""},
	"sends topic aliases to all":                                 {"MQTT-3.1.2-27", ""},
	"has response information for all":                           {"MQTT-3.1.2-28", ""},
	"has an authentication method for all":                       {"MQTT-4.12.0-6", ""},
	"has reason strings for all":                                 {"MQTT-3.1.2-29", ""},
	"assigns the same identifier to all":                         {"MQTT-3.2.2-16", ""},
	"sends PUBREL after a refusal":                               {"MQTT-4.3.3-4", ""},
	"sends CONNACK twice":                                        {"MQTT-3.2.0-2", ""},
	"refuses long identifiers":                                   {"MQTT-3.1.3-5", "MQTT-3.1.3-5"},
	"delivers topics with $ for wildcards":                       {"MQTT-4.7.2-1", "MQTT-4.7.2-1"},
	"normalizes topics":                                          {"MQTT-4.7.3-4", "MQTT-4.7.3-4"},
	"delivers to everybody":                                      {"MQTT-3.3.2-3", "MQTT-3.3.2-3"},
	"stays open after an error":                                  {"MQTT-4.13.1-1 MQTT-3.1.0-1", "MQTT-4.8.0-1 MQTT-3.1.0-1"},
	"sends unacknowledged messages again on the same connection": {"MQTT-4.4.0-1", ""},
}
