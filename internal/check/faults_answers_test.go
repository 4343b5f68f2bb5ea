package check

import (
	"slices"

	"mqtt/internal/proto"
)

// answerMutants are faults in what a server answers: acknowledgements, their identifiers and reason codes.
var answerMutants = []mutant{
	// Lost, or more than one.
	{name: "loses PUBACK", out: drop(proto.PUBACK)},
	{name: "loses PUBREC", out: drop(proto.PUBREC)},
	{name: "loses PUBREL", out: drop(proto.PUBREL)},
	{name: "loses PUBCOMP", out: drop(proto.PUBCOMP)},
	{name: "loses SUBACK", out: drop(proto.SUBACK)},
	{name: "loses UNSUBACK", out: drop(proto.UNSUBACK)},
	{name: "loses PINGRESP", out: drop(proto.PINGRESP)},
	{name: "loses CONNACK", out: drop(proto.CONNACK)},
	{name: "sends CONNACK twice", out: func(_ *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Connack); ok && a.Reason == proto.Success {
			return []proto.Packet{p, p}
		}
		return []proto.Packet{p}
	}},
	{name: "does not answer a second PUBREL", out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Ack); ok && a.Kind == proto.PUBCOMP && m.count("comp"+string(rune(a.PacketID))) > 1 {
			return nil
		}
		return []proto.Packet{p}
	}, v5: "MQTT-4.3.3-11", v311: "MQTT-4.3.3-2"},
	{name: "sends UNSUBACK only if a subscription ended", out: func(_ *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Suback); ok && a.Kind == proto.UNSUBACK && len(a.Reasons) > 0 && a.Reasons[0] == proto.NoSubscriptionExisted {
			return nil
		}
		return []proto.Packet{p}
	}, v5: "MQTT-3.10.4-5"},

	// With a wrong type, identifier or reason code.
	{name: "acknowledges with another identifier", out: change(func(p *proto.Ack) { p.PacketID ^= 0x100 })},
	{name: "answers subscriptions with another identifier", out: change(func(p *proto.Suback) { p.PacketID ^= 0x100 })},
	{name: "answers with one reason code for all filters", out: change(func(p *proto.Suback) { p.Reasons = p.Reasons[:min(1, len(p.Reasons))] })},
	{name: "reverses reason codes", out: change(func(p *proto.Suback) { slices.Reverse(p.Reasons) })},
	{name: "sends PUBREL after a refusal", in: change(func(p *proto.Ack) {
		if p.Kind == proto.PUBREC || p.Kind == proto.PUBACK {
			p.Reason = proto.Success
		}
	})},
	{name: "does not let QoS 1 refusals end", in: func(_ *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Ack); ok && a.Reason >= 0x80 {
			return nil
		}
		return []proto.Packet{p}
	}},
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
	{name: "answers PUBREL with an error", raw: func(m *link, b []byte, in bool) []byte {
		if !in && m.v == proto.V5 && proto.Type(b[0]>>4) == proto.PUBCOMP {
			return []byte{b[0], 3, b[2], b[3], 0x92}
		}
		return b
	}, v5: "MQTT-4.3.3-11"},
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
}
