package check

import (
	"strings"

	"mqtt/internal/proto"
)

// reconnectMutants are faults of servers in what a new connection changes. They are like stateMutants.
var reconnectMutants = []mutant{
	{name: "keeps the Receive Maximum of the first connection", in: change(func(p *proto.Connect) {
		if !p.CleanStart {
			p.Props = p.Props.Without(proto.ReceiveMaximum)
		}
	}), v5: "MQTT-4.9.0-2", also: "receive-maximum-of-next-connection"},
	{name: "keeps the Maximum Packet Size of the first connection", in: change(func(p *proto.Connect) {
		if !p.CleanStart {
			p.Props = p.Props.Without(proto.MaximumPacketSize)
		}
	}), v5: "MQTT-3.1.2-24", also: "maximum-packet-size-of-next-connection"},
	{name: "keeps the topic aliases of the first connection", out: afterResume(func(p *proto.Publish) {
		p.Topic, p.Props = nil, p.Props.Without(proto.TopicAlias).AppendNum(proto.TopicAlias, 1)
	}), v5: "MQTT-3.3.2-7", also: "topic-alias-to-next-connection"},
	{name: "ends no subscription of a session", in: change(func(p *proto.Unsubscribe) { p.Filters[0] = "mqtt-check-none" }),
		v5: "MQTT-3.10.4-2", v311: "MQTT-3.10.4-2", also: "unsubscribe-lasts"},
	{name: "keeps the first options of a filter", in: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Subscribe); ok && m.count("subscribe") == 2 {
			a.Filters[0].RetainAsPublished = true
		}
		return []proto.Packet{p}
	}, v5: "MQTT-3.8.4-3", also: "resubscribe-replaces-options"},
	{name: "remembers a subscription that was ended", in: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Subscribe); ok && m.count("subscribe") == 2 {
			a.Filters[0].RetainHandling = 2
		}
		return []proto.Packet{p}
	}, v5: "MQTT-3.3.1-10", also: "retain-handling-1-after-unsubscribe"},
	{name: "takes the subscriptions of a session for new", in: change(func(p *proto.Subscribe) { p.Filters[0].RetainHandling = 0 }),
		v5: "MQTT-3.3.1-10", also: "retain-handling-1-after-resume"},
	{name: "keeps the first Session Expiry Interval", in: change(func(p *proto.Connect) {
		if p.Version == proto.V5 && !p.CleanStart && !p.Props.Has(proto.SessionExpiryInterval) {
			p.Props = p.Props.AppendNum(proto.SessionExpiryInterval, 120)
		}
	}), v5: "MQTT-4.1.0-2", also: "session-expiry-of-next-connection"},
	{name: "takes no longer Session Expiry Interval", in: change(func(p *proto.Disconnect) { p.Props = p.Props.Without(proto.SessionExpiryInterval) }),
		v5: "3.14.2.2.2", also: "session-expiry-raised-in-disconnect"},
	{name: "keeps the first will", in: change(func(p *proto.Connect) {
		if p.Will != nil {
			p.Will.Payload = []byte(strings.Replace(string(p.Will.Payload), "second", "first", 1))
		}
	}), v5: "MQTT-3.1.2-7", v311: "MQTT-3.1.2-8", also: "will-of-next-connection"},
	{name: "loses a message whose PUBREL comes later", in: change(func(p *proto.Publish) {
		if string(p.Payload) == "once" {
			p.Topic = []byte("mqtt-check-none")
		}
	}), v5: "MQTT-4.5.0-1", v311: "MQTT-4.5.0-1", also: "qos-2-released-after-reconnect"},
	{name: "has one space of identifiers for all clients", in: forgetsNoIdentifier(func(string) string { return "" }),
		v5: "MQTT-4.5.0-1", v311: "MQTT-4.5.0-1", also: "identifiers-of-two-clients"},
	{name: "has one space of identifiers for both sides", in: change(func(p *proto.Publish) {
		if string(p.Payload) == "from the client" {
			p.Topic = []byte("mqtt-check-none")
		}
	}), v5: "MQTT-4.5.0-1", v311: "MQTT-4.5.0-1", also: "identifiers-of-both-sides"},
}
