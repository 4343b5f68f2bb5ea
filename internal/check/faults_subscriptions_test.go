package check

import (
	"strings"

	"mqtt/internal/proto"
)

// subscriptionMutants are faults in subscriptions: their beginning and end, options, identifiers and groups.
var subscriptionMutants = []mutant{
	// Several filters, the same filter, and UNSUBSCRIBE.
	{name: "ignores UNSUBSCRIBE", in: func(m *link, p proto.Packet) []proto.Packet {
		u, ok := p.(*proto.Unsubscribe)
		if !ok {
			return []proto.Packet{p}
		}
		return []proto.Packet{&proto.Unsubscribe{PacketID: u.PacketID, Filters: []string{"mqtt-check-none"}}}
	}},
	{name: "subscribes to the first filter only", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters[1:] {
			p.Filters[i+1].Filter = "mqtt-check-none"
		}
	})},
	{name: "ends the first filter only", in: change(func(p *proto.Unsubscribe) {
		for i := range p.Filters[1:] {
			p.Filters[i+1] = "mqtt-check-none"
		}
	})},
	{name: "keeps the old subscription beside the new one", in: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Subscribe); ok && len(a.Filters) == 1 && m.count("sub "+a.Filters[0].Filter) > 1 && proto.CheckFilter(a.Filters[0].Filter) == nil {
			f := a.Filters[0].Filter
			if i := strings.LastIndexByte(f, '/'); i > 0 && !strings.Contains(f, "$") {
				a.Filters[0].Filter = f[:i] + "/+"
			}
		}
		return []proto.Packet{p}
	}, out: func(m *link, p proto.Packet) []proto.Packet { return []proto.Packet{p} }, v5: "MQTT-3.8.4-3"},

	// Options and groups.
	{name: "ignores No Local", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			p.Filters[i].NoLocal = false
		}
	})},
	{name: "takes every subscription as No Local", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			p.Filters[i].NoLocal = !strings.HasPrefix(p.Filters[i].Filter, "$share")
		}
	})},
	{name: "ignores shared subscriptions", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			if name, filter := proto.SplitShare(p.Filters[i].Filter); name != "" {
				p.Filters[i].Filter = filter
			}
		}
	})},
	{name: "one group for all share names", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			if name, filter := proto.SplitShare(p.Filters[i].Filter); name != "" {
				p.Filters[i].Filter = "$share/all/" + filter
			}
		}
	})},
	{name: "delivers at QoS 0", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			p.Filters[i].QoS = 0
		}
	})},
	{name: "grants QoS 2 to all", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			p.Filters[i].QoS = 2
		}
	})},
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

	// Subscription identifiers.
	{name: "loses subscription identifiers", in: without(proto.SubscriptionIdentifier)},
	{name: "has the first subscription identifier only", out: change(func(p *proto.Publish) {
		if first, ok := p.Props.Get(proto.SubscriptionIdentifier); ok {
			p.Props = p.Props.Without(proto.SubscriptionIdentifier).Append(first)
		}
	})},
	{name: "adds a subscription identifier", out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && m.v == proto.V5 && !a.Props.Has(proto.SubscriptionIdentifier) {
			a.Props = a.Props.AppendNum(proto.SubscriptionIdentifier, 9)
		}
		return []proto.Packet{p}
	}},
}
