package check

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"time"

	"mqtt/internal/proto"
)

// sessionStateMutants are those of stateMutants in sessions and wills.
var sessionStateMutants = []mutant{
	// Client identifiers and sessions.
	{name: "compares client identifiers without case", in: change(func(p *proto.Connect) { p.ClientID = strings.ToLower(p.ClientID) }),
		v5: "MQTT-3.1.3-2", v311: "MQTT-3.1.3-2", also: "client-ids-differ-in-case"},
	{name: "cuts client identifiers", in: change(func(p *proto.Connect) { p.ClientID = p.ClientID[:min(22, len(p.ClientID))] }),
		v5: "MQTT-3.1.3-2", v311: "MQTT-3.1.3-2", also: "client-ids-differ-at-end"},
	{name: "tells another identifier than it uses", out: change(func(p *proto.Connack) {
		if id := string(p.Props.Value(proto.AssignedClientIdentifier)); id != "" {
			p.Props = p.Props.Without(proto.AssignedClientIdentifier).AppendText(proto.AssignedClientIdentifier, "told"+id)
		}
	}), v5: "MQTT-3.1.3-7", also: "client-id-assigned-names-session"},
	{name: "knows the identifiers of a session that has ended", in: forgetsNoIdentifier(func(client string) string { return client }),
		v5: "MQTT-3.1.2-4", v311: "MQTT-3.1.2-6", also: "clean-session-drops-identifiers"},
	{name: "ends sessions after a second", in: change(func(p *proto.Connect) { setExpiry(p, 1) }), v5: "MQTT-3.1.2-23", also: "session-outlives-connection"},
	{name: "takes the largest Session Expiry Interval for 0", in: change(func(p *proto.Connect) {
		if p.Props.Num(proto.SessionExpiryInterval, 0) == 0xffffffff {
			setExpiry(p, 0)
		}
	}), v5: "MQTT-3.1.2-23", also: "session-never-expires"},
	{name: "ends a session that is connected", in: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Connect); ok && a.Props.Num(proto.SessionExpiryInterval, 0) == 1 {
			time.AfterFunc(1500*time.Millisecond, func() { m.server.Close() })
		}
		return []proto.Packet{p}
	}, v5: "MQTT-4.1.0-1", also: "session-lives-while-connected"},
	{name: "forgets subscription identifiers with the connection", out: afterResume(func(p *proto.Publish) {
		p.Props = p.Props.Without(proto.SubscriptionIdentifier)
	}), v5: "MQTT-3.3.4-3", also: "session-keeps-subscription-identifiers"},
	{name: "forgets Retain As Published with the connection", out: afterResume(func(p *proto.Publish) { p.Retain = false }),
		v5: "MQTT-3.1.2-5", also: "session-keeps-options"},
	{name: "sends retained messages when a session is resumed", in: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && m.count("publish") == 1 && string(a.Payload) == "marker" {
			m.write(m.client, &proto.Publish{Topic: a.Topic, Payload: []byte("kept"), Retain: true})
		}
		return []proto.Packet{p}
	}, v5: "MQTT-3.3.1-9", v311: "MQTT-3.3.1-6", also: "resume-brings-no-retained"},

	// Wills.
	{name: "drops the will for every DISCONNECT", in: change(func(p *proto.Disconnect) { p.Reason = 0 }),
		v5: "MQTT-3.14.4-3", also: "will-after-disconnect-with-error"},
	{name: "keeps a will with a delay after DISCONNECT", in: func(m *link, p proto.Packet) []proto.Packet {
		switch a := p.(type) {
		case *proto.Connect:
			if a.Will != nil && a.Will.Props.Has(proto.WillDelayInterval) {
				m.count("delay")
			}
		case *proto.Disconnect:
			if m.add("delay", 0) > 0 {
				m.server.Close() //nolint:errcheck // one end of a test's connection
				return nil
			}
		}
		return []proto.Packet{p}
	}, v5: "MQTT-3.14.4-3", also: "will-delay-and-disconnect"},
	{name: "waits for the delay of a will whatever ends the session", in: change(func(p *proto.Connect) {
		if p.Props.Has(proto.SessionExpiryInterval) {
			setExpiry(p, 0xffffffff)
		}
	}), v5: "MQTT-3.1.2-8", also: "will-delay-and-session-expiry"},
	{name: "has wills without expiry", in: change(func(p *proto.Connect) {
		if p.Will != nil {
			p.Will.Props = p.Will.Props.Without(proto.MessageExpiryInterval)
		}
	}), v5: "MQTT-3.3.2-6", also: "will-expiry"},
	{name: "publishes wills again when the session ends", out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && string(a.Payload) == "will" {
			time.AfterFunc(50*time.Millisecond, func() { m.write(m.client, a) })
		}
		return []proto.Packet{p}
	}, v5: "MQTT-3.1.2-10", also: "will-once-after-delay"},
	{name: "takes the payload of wills for text", in: change(func(p *proto.Connect) {
		if p.Will != nil {
			p.Will.Payload, _, _ = bytes.Cut(p.Will.Payload, []byte{0})
		}
	}), v5: "3.1.3.4", v311: "3.1.3.3", also: "will-all-byte-values"},
	{name: "retains no empty will", in: change(func(p *proto.Connect) {
		if p.Will != nil && len(p.Will.Payload) == 0 {
			p.Will.Retain = false
		}
	}), v5: "MQTT-3.3.1-6", v311: "MQTT-3.3.1-10", also: "will-removes-retained"},
}

// setExpiry changes the Session Expiry Interval of a CONNECT of MQTT 5 that has one.
func setExpiry(p *proto.Connect, n uint32) {
	if p.Version == proto.V5 && p.Props.Has(proto.SessionExpiryInterval) {
		p.Props = p.Props.Without(proto.SessionExpiryInterval).AppendNum(proto.SessionExpiryInterval, n)
	}
}

// afterResume returns a fault that changes the messages of a connection whose session was present.
func afterResume(f func(*proto.Publish)) func(*link, proto.Packet) []proto.Packet {
	return func(m *link, p proto.Packet) []proto.Packet {
		switch a := p.(type) {
		case *proto.Connack:
			if a.SessionPresent {
				m.count("resumed")
			}
		case *proto.Publish:
			if m.add("resumed", 0) > 0 {
				f(a)
			}
		}
		return []proto.Packet{p}
	}
}

// forgetsNoIdentifier returns a fault that takes a PUBLISH at QoS 2 for a repetition if any client for which of returns
// the same has not released its identifier.
func forgetsNoIdentifier(of func(client string) string) func(*link, proto.Packet) []proto.Packet {
	var mu sync.Mutex
	open := map[string]bool{}
	ids := map[*link]string{}
	return func(m *link, p proto.Packet) []proto.Packet {
		mu.Lock()
		defer mu.Unlock()
		switch a := p.(type) {
		case *proto.Connect:
			ids[m] = of(a.ClientID)
		case *proto.Publish:
			key := fmt.Sprint(ids[m], a.PacketID)
			if a.QoS == 2 && open[key] {
				a.Topic = []byte("mqtt-check-none")
			}
			open[key] = a.QoS == 2
		case *proto.Ack:
			if a.Kind == proto.PUBREL {
				delete(open, fmt.Sprint(ids[m], a.PacketID))
			}
		}
		return []proto.Packet{p}
	}
}
