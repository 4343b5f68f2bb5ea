package check

import (
	"sync"

	"mqtt/internal/proto"
)

// retainMutants are faults in retained messages: what is retained, when it is sent, and with which RETAIN.
var retainMutants = []mutant{
	// What is retained.
	{name: "retains everything", in: change(func(p *proto.Publish) { p.Retain = true })},
	{name: "retains nothing", in: change(func(p *proto.Publish) { p.Retain = false })},
	{name: "keeps retained messages for ever", in: func(_ *link, p proto.Packet) []proto.Packet {
		if m, ok := p.(*proto.Publish); ok && m.Retain && len(m.Payload) == 0 {
			m.Retain = false
		}
		return []proto.Packet{p}
	}},
	{name: "keeps the first retained message", in: func() func(*link, proto.Packet) []proto.Packet {
		var mu sync.Mutex
		seen := map[string]bool{}
		return func(_ *link, p proto.Packet) []proto.Packet {
			mu.Lock()
			defer mu.Unlock()
			if m, ok := p.(*proto.Publish); ok && m.Retain && len(m.Payload) > 0 {
				if seen[string(m.Topic)] {
					m.Retain = false
				}
				seen[string(m.Topic)] = true
			}
			return []proto.Packet{p}
		}
	}()},
	{name: "stores empty retained messages", in: change(func(p *proto.Publish) {
		if p.Retain && len(p.Payload) == 0 {
			p.Payload = []byte(" ")
		}
	})},
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

	// RETAIN of what is delivered.
	{name: "sets RETAIN", out: change(func(p *proto.Publish) { p.Retain = true })},
	{name: "clears RETAIN", out: change(func(p *proto.Publish) { p.Retain = false })},
	{name: "ignores Retain As Published", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			p.Filters[i].RetainAsPublished = false
		}
	})},
	{name: "delivers retained messages with RETAIN 0", out: change(func(p *proto.Publish) { p.Retain = false }), v5: "MQTT-3.3.1-13", v311: "MQTT-3.3.1-8"},
	{name: "delivers live messages with RETAIN 1", in: text5(func(p proto.Packet) {
		if a, ok := p.(*proto.Subscribe); ok {
			for i := range a.Filters {
				a.Filters[i].RetainAsPublished = true
			}
		}
	}), v5: "MQTT-3.3.1-12"},

	// Retain Handling.
	{name: "ignores Retain Handling", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			p.Filters[i].RetainHandling = 0
		}
	})},
	{name: "treats Retain Handling 0 as 2", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			p.Filters[i].RetainHandling = 2
		}
	})},
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
}
