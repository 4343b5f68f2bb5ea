package check

import (
	"bytes"
	"slices"
	"strings"

	"mqtt/internal/proto"
)

// subscriptionStateMutants are those of stateMutants in subscriptions.
var subscriptionStateMutants = []mutant{
	{name: "keeps a subscription identifier that was removed", in: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Subscribe); ok && m.count("subscribe") == 2 && len(a.Props) == 0 && m.v == proto.V5 {
			a.Props = a.Props.AppendNum(proto.SubscriptionIdentifier, 5)
		}
		return []proto.Packet{p}
	}, v5: "MQTT-3.8.4-3", also: "subscription-identifier-removed"},
	{name: "gives the first filter the subscription identifier", out: change(func(p *proto.Publish) {
		if bytes.HasSuffix(p.Topic, []byte("/b")) {
			p.Props = p.Props.Without(proto.SubscriptionIdentifier)
		}
	}), v5: "MQTT-3.3.4-3", also: "subscription-identifier-of-each-filter"},
	{name: "sends retained messages without subscription identifier", out: change(func(p *proto.Publish) {
		if p.Retain {
			p.Props = p.Props.Without(proto.SubscriptionIdentifier)
		}
	}), v5: "MQTT-3.3.4-3", also: "subscription-identifier-of-retained"},
	{name: "refuses all filters for one", out: change(func(p *proto.Suback) {
		if p.Kind == proto.SUBACK && slices.Max(p.Reasons) >= 0x80 {
			for i := range p.Reasons {
				p.Reasons[i] = slices.Max(p.Reasons)
			}
		}
	}), v5: "MQTT-3.8.4-5", v311: "MQTT-3.8.4-4", also: "suback-error-of-one-filter"},
	{name: "ends the subscriptions that match", in: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Unsubscribe); ok {
			for _, f := range slices.Clone(a.Filters) {
				if i := strings.LastIndexByte(f, '/'); i > 0 && !strings.ContainsAny(f, "+#$") {
					a.Filters = append(a.Filters, f[:i]+"/+")
				}
			}
		}
		return []proto.Packet{p}
	}, out: change(func(p *proto.Suback) {
		if p.Kind == proto.UNSUBACK && len(p.Reasons) > 9 {
			p.Reasons = p.Reasons[:9]
		}
	}), v5: "MQTT-3.10.4-1", v311: "MQTT-3.10.4-1", also: "unsubscribe-compares-characters"},
	{name: "has no subscription identifier for shared subscriptions", in: change(func(p *proto.Subscribe) {
		if strings.HasPrefix(p.Filters[0].Filter, "$share/") {
			p.Props = p.Props.Without(proto.SubscriptionIdentifier)
		}
	}), v5: "MQTT-3.3.4-3", also: "shared-identifier"},
	{name: "loses messages of a group that is away", in: change(func(p *proto.Subscribe) {
		if strings.HasPrefix(p.Filters[0].Filter, "$share/") {
			p.Filters[0].QoS = 0
		}
	}), out: change(func(p *proto.Suback) {
		if p.Kind == proto.SUBACK && p.Reasons[0] == 0 {
			p.Reasons[0] = 1
		}
	}), v5: "MQTT-4.5.0-1", also: "shared-waits-for-member"},
	{name: "ends the shared subscription of the same filter", in: change(func(p *proto.Unsubscribe) {
		if f := p.Filters[0]; !strings.HasPrefix(f, "$share/") {
			p.Filters = append(p.Filters, "$share/g/"+f)
		}
	}), out: change(func(p *proto.Suback) {
		if p.Kind == proto.UNSUBACK {
			p.Reasons = p.Reasons[:1]
		}
	}), v5: "MQTT-3.10.4-1", also: "shared-unsubscribe-one"},
}
