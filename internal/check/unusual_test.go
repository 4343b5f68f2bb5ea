package check

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
)

// TestUnusualServers checks the verdicts on servers that do something unusual: what the standard allows is no
// failure, and what it forbids is a failure of the rule that it breaks, and of no other rule of the case.
func TestUnusualServers(t *testing.T) { synctest.Test(t, unusualServers) }

func unusualServers(t *testing.T) {
	l := startBroker(t, broker.Options{})
	tests := []struct {
		mutant  mutant
		name    string // of the case
		version string
		verdict Verdict
		rules   []string // of a failure
	}{
		{resendsPubrec, "qos-2-repeat-before-pubrel", "5.0", OK, nil},
		{resendsPubrec, "qos-2-repeat-before-pubrel", "3.1.1", OK, nil},
		{resendsPubrec, "qos-2-repeat-before-pubrel", "3.1", OK, nil},
		{resumesWithPubrec, "qos-2-released-after-reconnect", "5.0", OK, nil},
		{resumesWithPubrec, "qos-2-released-after-reconnect", "3.1.1", OK, nil},
		{refusesRepetition, "qos-2-repeat-before-pubrel", "5.0", Fail, []string{"MQTT-4.3.3-10"}},
		{answersOtherProtocol, "protocol-name-311", "3.1.1", OK, nil},
		{saysGoodbye, "takeover", "3.1.1", Fail, []string{}},
		{saysGoodbye, "takeover-continues-session", "3.1.1", Fail, []string{}},
		{saysGoodbye, "takeover", "3.1", Fail, []string{}},
		{refusesByUnknownCode, "client-id-empty-lasting", "3.1.1", Fail, []string{"MQTT-3.1.3-8", "MQTT-3.2.2-6"}},
		{refusesByUnknownCode, "refusal-session-present-0", "3.1.1", OK, nil},
		{takesReservedFlag, "reserved-connect-flag", "3.1.1", Fail, []string{"MQTT-3.1.2-3", "MQTT-3.1.4-1"}},
		{takesReservedFlag, "reserved-connect-flag", "5.0", Fail, []string{"MQTT-3.1.2-3", "MQTT-3.1.4-1"}},
		{reversesQueue, "session-queues-messages", "3.1.1", OK, nil},
		{reversesQueue, "queued-order", "3.1.1", Fail, []string{"MQTT-4.6.0-5", "MQTT-4.6.0-6"}},
		{closesAfterMessage, "no-resend-on-open-connection", "5.0", OK, nil},
		{dropsContentType, "will-properties", "5.0", Fail, []string{"MQTT-3.3.2-20"}},
		{dropsContentType, "properties-passed-on", "5.0", Fail, []string{"MQTT-3.3.2-20"}},
	}
	for _, test := range tests {
		report := runMutant(t, test.mutant, l, nil, test.name)
		i := slices.IndexFunc(report.Cases, func(k Result) bool { return k.Version == test.version })
		if i < 0 {
			t.Errorf("%s: %s has no case %s", test.mutant.name, test.version, test.name)
			continue
		}
		k := report.Cases[i]
		if k.Verdict != test.verdict || k.Verdict == Fail && !slices.Equal(k.Rules, test.rules) {
			t.Errorf("%s: %s is %s with the rules %q; expected %s with %q\nexpected: %s\ngot: %s\n%v",
				test.mutant.name, k.ID, k.Verdict, k.Rules, test.verdict, test.rules, k.Expected, k.Got, k.Packets)
		}
	}
}

// resendsPubrec is a server that sends its first PUBREC again after a reconnect, beside the answer to the
// repeated PUBLISH. No rule forbids it.
var resendsPubrec = mutant{name: "sends PUBREC again", out: func(m *link, p proto.Packet) []proto.Packet {
	if ack, ok := p.(*proto.Ack); ok && ack.Kind == proto.PUBREC && ack.PacketID == 7 && m.add("dup", 0) > 0 {
		return []proto.Packet{p, p}
	}
	return []proto.Packet{p}
}, in: countDup}

// resumesWithPubrec is a server that sends PUBREC again as soon as a session is resumed. No rule forbids it.
var resumesWithPubrec = mutant{name: "resumes with PUBREC", out: func(_ *link, p proto.Packet) []proto.Packet {
	if ack, ok := p.(*proto.Connack); ok && ack.SessionPresent {
		return []proto.Packet{p, &proto.Ack{Kind: proto.PUBREC, PacketID: 7}}
	}
	return []proto.Packet{p}
}}

// countDup counts the messages of a client that have DUP set.
func countDup(m *link, p proto.Packet) []proto.Packet {
	if pub, ok := p.(*proto.Publish); ok && pub.Dup {
		m.count("dup")
	}
	return []proto.Packet{p}
}

// refusesRepetition is a server that takes a repeated PUBLISH for the misuse of its packet identifier.
var refusesRepetition = mutant{name: "refuses a repeated PUBLISH", out: func(m *link, p proto.Packet) []proto.Packet {
	if ack, ok := p.(*proto.Ack); ok && ack.Kind == proto.PUBREC && m.v == proto.V5 && m.add("dup", 0) > 0 {
		ack.Reason = proto.PacketIdentifierInUse
	}
	return []proto.Packet{p}
}, in: countDup}

// answersOtherProtocol is a server that answers a CONNECT of another protocol in a form of its own.
var answersOtherProtocol = mutant{name: "answers another protocol", raw: func(m *link, b []byte, in bool) []byte {
	switch {
	case in && bytes.Contains(b, []byte("MQTX")):
		m.count("other")
		return bytes.Replace(b, []byte("MQTX"), []byte("MQTT"), 1)
	case !in && b[0] == 0x20 && m.add("other", 0) > 0:
		return []byte{0x20, 2, 0, 0x82}
	}
	return b
}}

// saysGoodbye is a server that sends DISCONNECT before it closes, in all versions.
var saysGoodbye = mutant{name: "sends DISCONNECT before it closes", farewell: true}

// refusesByUnknownCode is a server whose refusals have a code that they do not have.
var refusesByUnknownCode = mutant{name: "refuses by an unknown code", raw: func(_ *link, b []byte, in bool) []byte {
	if !in && b[0] == 0x20 && b[3] != 0 && len(b) == 4 {
		return []byte{0x20, 2, 0, 0x82}
	}
	return b
}}

// takesReservedFlag is a server that does not look at the reserved flag of CONNECT.
var takesReservedFlag = mutant{name: "takes the reserved flag", raw: accepts(func(_ proto.Version, b []byte) []byte {
	if b[0] == 0x10 && len(b) > 9 && b[9]&1 != 0 {
		b[9] &^= 1
	}
	return b
})}

// reversesQueue is a server that delivers in the wrong order what waited for a client.
var reversesQueue = mutant{name: "delivers what waited in the wrong order", out: func(m *link, p proto.Packet) []proto.Packet {
	pub, ok := p.(*proto.Publish)
	if !ok {
		return []proto.Packet{p}
	}
	n := m.count("message")
	if n < 10 && len(pub.Payload) == 1 {
		c := *pub
		c.Payload = []byte{pub.Payload[0] ^ 2} // 0 and 2 change places, 1 and 3, and so on
		if c.Payload[0] <= '9' && c.Payload[0] >= '0' && pub.Payload[0] < '8' {
			return []proto.Packet{&c}
		}
	}
	return []proto.Packet{p}
}}

// dropsContentType is a server that does not pass on the Content Type.
var dropsContentType = mutant{name: "loses the content type", out: change(func(p *proto.Publish) {
	p.Props = p.Props.Without(proto.ContentType)
})}

// closesAfterMessage is a server that closes a connection soon after a message at QoS 1.
var closesAfterMessage = mutant{name: "closes after a message", out: func(m *link, p proto.Packet) []proto.Packet {
	if pub, ok := p.(*proto.Publish); ok && pub.QoS == 1 {
		time.AfterFunc(100*time.Millisecond, func() { m.client.Close() })
	}
	return []proto.Packet{p}
}}
