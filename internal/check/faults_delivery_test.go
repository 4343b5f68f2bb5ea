package check

import (
	"strings"
	"time"

	"mqtt/internal/proto"
)

// deliveryMutants are faults in the delivery of messages: lost, repeated, changed, out of order or with a wrong DUP.
var deliveryMutants = []mutant{
	// Lost, repeated, changed and out of order.
	{name: "loses messages to clients", out: drop(proto.PUBLISH)},
	{name: "loses messages to the server", in: drop(proto.PUBLISH)},
	{name: "sends messages twice", out: func(_ *link, p proto.Packet) []proto.Packet {
		if m, ok := p.(*proto.Publish); ok && m.QoS == 0 {
			return []proto.Packet{p, p}
		}
		return []proto.Packet{p}
	}},
	{name: "sends messages at QoS 1 twice", out: func(_ *link, p proto.Packet) []proto.Packet {
		if m, ok := p.(*proto.Publish); ok && m.QoS == 1 {
			again := *m
			again.QoS, again.PacketID = 0, 0
			return []proto.Packet{p, &again}
		}
		return []proto.Packet{p}
	}},
	{name: "takes messages at QoS 2 twice", in: func(_ *link, p proto.Packet) []proto.Packet {
		if m, ok := p.(*proto.Publish); ok && m.QoS == 2 {
			again := *m
			again.QoS, again.PacketID, again.Dup = 0, 0, false
			return []proto.Packet{&again, p}
		}
		return []proto.Packet{p}
	}},
	{name: "reorders messages", out: func(m *link, p proto.Packet) []proto.Packet {
		a, ok := p.(*proto.Publish)
		if !ok || string(a.Payload) != "3" {
			if ok && len(m.held) > 0 {
				all := append([]proto.Packet{p}, m.held...)
				m.held = nil
				return all
			}
			return []proto.Packet{p}
		}
		m.held = append(m.held, p)
		return nil
	}},
	{name: "delays delivery", out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && a.QoS == 0 && m.count("slow") == 1 {
			time.Sleep(10 * time.Millisecond)
		}
		return []proto.Packet{p}
	}, also: "qos-0-delivery"},
	{name: "publishes at QoS 0 and acknowledges", out: change(func(p *proto.Publish) { p.QoS, p.PacketID, p.Dup = 0, 0, false })},
	{name: "reads only the first packet of a write", in: func(m *link, p proto.Packet) []proto.Packet {
		if m.count("in") > 40 {
			return nil
		}
		return []proto.Packet{p}
	}},
	{name: "loses the middle of large payloads", out: change(func(p *proto.Publish) {
		if len(p.Payload) > 1000 {
			p.Payload = p.Payload[:1000]
		}
	})},
	{name: "changes payloads", out: change(func(p *proto.Publish) { p.Payload = []byte(strings.ToValidUTF8(string(p.Payload), "?")) })},
	{name: "loses empty messages", in: func(_ *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && len(a.Payload) == 0 && !a.Retain {
			return nil
		}
		return []proto.Packet{p}
	}},

	// Delivered later or again.
	{name: "delivers nothing that waited", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			p.Filters[i].QoS = 0
		}
	}), out: change(func(p *proto.Suback) {
		for i := range p.Reasons {
			if p.Reasons[i] == 0 {
				p.Reasons[i] = 2
			}
		}
	})},
	{name: "sends unacknowledged messages again on the same connection", out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && a.QoS > 0 {
			again := *a
			again.Dup = true
			time.AfterFunc(300*time.Millisecond, func() { m.write(m.client, &again) })
		}
		return []proto.Packet{p}
	}},
	{name: "sets DUP", out: change(func(p *proto.Publish) { p.Dup = p.QoS > 0 })},
	{name: "clears DUP", out: change(func(p *proto.Publish) { p.Dup = false })},
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
}
