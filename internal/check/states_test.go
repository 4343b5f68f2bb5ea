package check

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
)

// stateMutants are faults in what a server keeps: of sessions, subscriptions, messages and wills. Each passed all cases
// once. The cases in also are those that must fail; those of a version fail if there are rules for it.
var stateMutants = []mutant{
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

	// Subscriptions.
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

// isState reports whether m is one of stateMutants or reconnectMutants.
func isState(m mutant) bool {
	return slices.ContainsFunc(slices.Concat(stateMutants, reconnectMutants), func(s mutant) bool { return s.name == m.name })
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

// TestStatesAreJudged checks that the cases of each of stateMutants and reconnectMutants fail for it, and name the rule, or have the section.
func TestStatesAreJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := startBroker(t, broker.Options{})
		var all []func()
		for _, m := range slices.Concat(stateMutants, reconnectMutants) {
			all = append(all, func() {
				report := runMutant(t, m, l, nil, strings.Fields(m.also)...)
				seen := 0
				for _, k := range report.Cases {
					want, ok := map[string]string{"5.0": m.v5, "3.1.1": m.v311}[k.Version]
					if !ok || want == "" {
						continue
					}
					seen++
					if k.Verdict != Fail || !slices.Contains(k.Rules, want) && !strings.HasPrefix(k.Section, want) {
						t.Errorf("%s: %s: %s %q, want a failure of %s; expected: %s; got: %s", m.name, k.ID, k.Verdict, k.Rules, want, k.Expected, k.Got)
					}
				}
				if seen == 0 {
					t.Errorf("%s: no case was run", m.name)
				}
			})
		}
		parallel(10, all)
	})
}
