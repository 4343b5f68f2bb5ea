package check

import (
	"bytes"
	"strings"

	"mqtt/internal/proto"
)

// messageStateMutants are those of stateMutants in messages.
var messageStateMutants = []mutant{
	// Messages in flight.
	{name: "frees no quota for an error", in: func(_ *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Ack); ok && a.Reason >= 0x80 {
			return nil
		}
		return []proto.Packet{p}
	}, v5: "4.9", also: "receive-maximum-after-refusal"},
	{name: "frees quota with PUBREC", in: change(func(p *proto.Connect) {
		if p.Props.Num(proto.ReceiveMaximum, 0) == 1 {
			p.Props = p.Props.Without(proto.ReceiveMaximum).AppendNum(proto.ReceiveMaximum, 2)
		}
	}), out: func(m *link, p proto.Packet) []proto.Packet {
		switch a := p.(type) {
		case *proto.Publish:
			if a.QoS == 2 && m.count("publish") == 2 {
				m.held = append(m.held, p)
				return nil
			}
		case *proto.Ack:
			if a.Kind == proto.PUBREL && len(m.held) > 0 {
				packets := append([]proto.Packet{p}, m.held...)
				m.held = nil
				return packets
			}
		}
		return []proto.Packet{p}
	}, v5: "MQTT-4.9.0-2", also: "receive-maximum-until-pubcomp"},
	{name: "counts what was too large as in flight", in: without(proto.MaximumPacketSize), out: func(_ *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && len(a.Payload) > 200 {
			return nil
		}
		return []proto.Packet{p}
	}, v5: "MQTT-3.1.2-25", also: "maximum-packet-size-and-quota"},
	{name: "compares the payload with the Maximum Packet Size", in: change(func(p *proto.Connect) {
		if n := p.Props.Num(proto.MaximumPacketSize, 0); n > 0 {
			p.Props = p.Props.Without(proto.MaximumPacketSize).AppendNum(proto.MaximumPacketSize, n+30)
		}
	}), v5: "MQTT-3.1.2-24", also: "maximum-packet-size-whole-packet"},
	{name: "explains itself at any size", in: without(proto.MaximumPacketSize), out: text5(func(p proto.Packet) {
		if a, ok := p.(*proto.Ack); ok && a.Kind != proto.PUBREL {
			a.Props = a.Props.AppendText(proto.ReasonString, strings.Repeat("because ", 20))
		}
	}), v5: "MQTT-3.4.2-2", also: "maximum-packet-size-of-answers"},
	{name: "takes DUP for a proof", in: change(func(p *proto.Publish) {
		if p.Dup {
			p.Topic = []byte("mqtt-check-none")
		}
	}), v5: "MQTT-4.5.0-1", v311: "MQTT-4.5.0-1", also: "dup-is-no-proof"},
	{name: "lets messages in flight expire", out: func(_ *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && a.Dup && a.Props.Has(proto.MessageExpiryInterval) {
			return nil
		}
		return []proto.Packet{p}
	}, v5: "MQTT-4.3.3-7", also: "qos-2-expires-before-resend"},
	{name: "sends messages again without properties", out: change(func(p *proto.Publish) {
		if p.Dup {
			p.Props = nil
		}
	}), v5: "MQTT-3.3.2-17", also: "resend-keeps-properties"},
	{name: "counts identifiers anew on each connection", out: change(func(p *proto.Publish) {
		if p.QoS > 0 && !p.Dup {
			p.PacketID = 1
		}
	}), v5: "MQTT-2.2.1-4", v311: "MQTT-2.3.1-4", also: "identifiers-over-connections"},
	{name: "answers PINGREQ twice", out: func(_ *link, p proto.Packet) []proto.Packet {
		if p.Type() == proto.PINGRESP {
			return []proto.Packet{p, p}
		}
		return []proto.Packet{p}
	}, v5: "3.13", v311: "3.13", also: "pingresp-once"},

	// Topics and retained messages.
	{name: "hides levels that begin with $", in: change(func(p *proto.Publish) {
		if bytes.Contains(p.Topic, []byte("/$")) {
			p.Topic = []byte("mqtt-check-none")
		}
	}), v5: "4.7.2", v311: "4.7.2", also: "dollar-within"},
	{name: "takes . for any character", in: change(func(p *proto.Publish) { p.Topic = bytes.Replace(p.Topic, []byte("axb"), []byte("a.b"), 1) }),
		v5: "MQTT-4.7.3-4", v311: "MQTT-4.7.3-4", also: "special-characters"},
	{name: "clears retained messages at QoS 0 only", in: change(func(p *proto.Publish) { p.Retain = p.Retain && (p.QoS == 0 || len(p.Payload) > 0) }),
		v5: "MQTT-3.3.1-6", v311: "MQTT-3.3.1-10", also: "retained-cleared-at-qos"},
	{name: "clears retained messages without RETAIN", in: change(func(p *proto.Publish) { p.Retain = p.Retain || len(p.Payload) == 0 }),
		v5: "MQTT-3.3.1-8", v311: "MQTT-3.3.1-12", also: "empty-not-retained"},
	{name: "has no retained messages for +", in: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Subscribe); ok && strings.Contains(a.Filters[0].Filter, "+") {
			m.count("plus")
		}
		return []proto.Packet{p}
	}, out: dropsRetained("plus", 0), v5: "MQTT-3.3.1-9", v311: "MQTT-3.3.1-6", also: "retained-wildcard-plus"},
	{name: "has retained messages for the first filter only", in: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Subscribe); ok && len(a.Filters) > 1 {
			m.count("several")
		}
		return []proto.Packet{p}
	}, out: dropsRetained("several", 1), v5: "MQTT-3.8.4-5", v311: "MQTT-3.8.4-4", also: "retained-for-each-filter"},
	{name: "sends properties to clients of MQTT 3.1.1", out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && m.v != proto.V5 {
			a.Payload = append([]byte{0}, a.Payload...)
		}
		return []proto.Packet{p}
	}, v311: "3.3.3", also: "message-from-mqtt-5"},
	{name: "sends properties of retained messages to clients of MQTT 3.1.1", out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && m.v != proto.V5 && a.Retain {
			a.Payload = append([]byte{0}, a.Payload...)
		}
		return []proto.Packet{p}
	}, v311: "MQTT-3.3.1-6", also: "retained-from-mqtt-5"},
	{name: "gives messages of MQTT 3.1.1 properties", out: text5(func(p proto.Packet) {
		if a, ok := p.(*proto.Publish); ok {
			a.Props = a.Props.AppendNum(proto.PayloadFormatIndicator, 0)
		}
	}), v5: "3.3.3", also: "message-from-mqtt-311"},
}

// dropsRetained returns a fault that drops the retained messages after the first n of a connection on which something
// was counted.
func dropsRetained(counted string, n int) func(*link, proto.Packet) []proto.Packet {
	return func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && a.Retain && m.add(counted, 0) > 0 && m.count("retained") > n {
			return nil
		}
		return []proto.Packet{p}
	}
}
