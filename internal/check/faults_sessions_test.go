package check

import (
	"strings"
	"sync"

	"mqtt/internal/proto"
)

// sessionMutants are faults in sessions, client identifiers, the Keep Alive and wills.
var sessionMutants = []mutant{
	// Sessions.
	{name: "loses the session", in: change(func(p *proto.Connect) { p.CleanStart = true })},
	{name: "never starts a clean session", in: change(func(p *proto.Connect) {
		if p.ClientID == "" {
			return
		}
		p.CleanStart = false
		if p.Version == proto.V5 {
			p.Props = p.Props.Without(proto.SessionExpiryInterval).AppendNum(proto.SessionExpiryInterval, 60)
		}
	})},
	{name: "says no session present", out: change(func(p *proto.Connack) { p.SessionPresent = false })},
	{name: "says a session is present", out: change(func(p *proto.Connack) { p.SessionPresent = p.Reason == proto.Success })},
	{name: "keeps sessions for ever", in: func(_ *link, p proto.Packet) []proto.Packet {
		switch a := p.(type) {
		case *proto.Connect:
			if a.Props.Has(proto.SessionExpiryInterval) {
				a.Props = a.Props.Without(proto.SessionExpiryInterval).AppendNum(proto.SessionExpiryInterval, 600)
			}
		case *proto.Disconnect:
			a.Props = a.Props.Without(proto.SessionExpiryInterval)
		}
		return []proto.Packet{p}
	}},
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

	// Client identifiers and takeover.
	{name: "lets two clients have one identifier", in: func() func(m *link, p proto.Packet) []proto.Packet {
		var mu sync.Mutex
		n := 0
		return change(func(p *proto.Connect) {
			mu.Lock()
			defer mu.Unlock()
			n++
			p.ClientID += strings.Repeat("x", n%7)
		})
	}()},
	{name: "assigns the same identifier to all", in: change(func(p *proto.Connect) {
		if p.ClientID == "" && p.Version >= proto.V311 {
			p.ClientID = "mqtt-check-assigned"
		}
	}), out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Connack); ok && m.v == proto.V5 && m.count("connack") == 1 {
			a.Props = a.Props.Without(proto.AssignedClientIdentifier).AppendText(proto.AssignedClientIdentifier, "mqtt-check-assigned")
		}
		return []proto.Packet{p}
	}},
	{name: "refuses long identifiers", in: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Connect); ok && len(a.ClientID) > 18 {
			m.write(m.client, &proto.Connack{Reason: proto.ClientIdentifierNotValid})
			m.client.Close() //nolint:errcheck // the fault
			return nil
		}
		return []proto.Packet{p}
	}},
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

	// Keep Alive.
	{name: "has no keep alive", in: change(func(p *proto.Connect) { p.KeepAlive = 0 })},
	{name: "ends idle connections after a second", in: change(func(p *proto.Connect) { p.KeepAlive = 1 })},
	{name: "waits three times the Keep Alive", in: change(func(p *proto.Connect) { p.KeepAlive *= 3 }), v5: "MQTT-3.1.2-22", v311: "MQTT-3.1.2-24"},

	// Wills.
	{name: "has no wills", in: change(func(p *proto.Connect) { p.Will = nil })},
	{name: "publishes the will always", abrupt: true},
	{name: "publishes wills at QoS 0", in: change(func(p *proto.Connect) {
		if p.Will != nil {
			p.Will.QoS = 0
		}
	})},
	{name: "retains no will", in: change(func(p *proto.Connect) {
		if p.Will != nil {
			p.Will.Retain = false
		}
	})},
	{name: "retains every will", in: change(func(p *proto.Connect) {
		if p.Will != nil {
			p.Will.Retain = true
		}
	})},
	{name: "publishes wills without delay", in: without(proto.WillDelayInterval)},
	{name: "delays wills", in: change(func(p *proto.Connect) {
		if p.Will != nil && p.Version == proto.V5 {
			p.Will.Props = p.Will.Props.Without(proto.WillDelayInterval).AppendNum(proto.WillDelayInterval, 60)
			p.Props = p.Props.Without(proto.SessionExpiryInterval).AppendNum(proto.SessionExpiryInterval, 60)
		}
	})},
	{name: "publishes wills of other payloads", in: change(func(p *proto.Connect) {
		if p.Will != nil {
			p.Will.Payload = nil
		}
	}), v5: "MQTT-3.1.2-8", v311: "MQTT-3.1.2-8"},
	{name: "reverses the user properties of wills", v5: "MQTT-3.1.3-10", out: text5(func(p proto.Packet) {
		if a, ok := p.(*proto.Publish); ok {
			reverseUserProperties(a)
		}
	})},
}
