package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
)

// TestCaught runs cases against planted faults that each of them must find, naming no rule but those given.
// TestMutants cannot show it: a case that sees nothing still fails for a server that answers nothing.
func TestCaught(t *testing.T) {
	for _, x := range []struct {
		fault string   // the name of a mutant
		cases string   // which must fail
		rules []string // of each failure, in 5.0
	}{
		{"delivers topics with $ for wildcards", "dollar-hash dollar-plus", []string{"MQTT-4.7.2-1"}},
		{"publishes wills without delay", "will-delay-reconnect will-delay-takeover", []string{"MQTT-3.1.3-9"}},
		{"answers the identifier 0", "subscribe-identifier-0 unsubscribe-identifier-0 publish-identifier-0", []string{"MQTT-2.2.1-3", "MQTT-4.13.1-1"}},
		{"answers SUBSCRIBE without filters", "subscribe-no-filter", []string{"MQTT-3.8.3-2", "MQTT-4.13.1-1"}},
	} {
		t.Run(x.fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := append(allMutants(), answersZero, answersNothing)
				m := all[slices.IndexFunc(all, func(m mutant) bool { return m.name == x.fault })]
				report := runMutant(t, m, startBroker(t, broker.Options{}), nil, strings.Fields(x.cases)...)
				for _, k := range report.Cases {
					if k.Verdict != Fail {
						t.Errorf("%s: %s, expected a failure", k.ID, k.Verdict)
					} else if k.Version == "5.0" && !slices.Equal(k.Rules, x.rules) {
						t.Errorf("%s: rules %q, expected %q; got: %s", k.ID, k.Rules, x.rules, k.Got)
					}
				}
			})
		})
	}
}

// answersZero is a server that takes the packet identifier 0, and answers with it.
var answersZero = mutant{name: "answers the identifier 0", raw: func(m *link, b []byte, in bool) []byte {
	at := 2
	switch proto.Type(b[0] >> 4) {
	case proto.PUBLISH:
		if b[0]&0x06 == 0 {
			return b
		}
		at = 4 + int(b[2])<<8 + int(b[3])
	case proto.SUBSCRIBE, proto.UNSUBSCRIBE, proto.SUBACK, proto.UNSUBACK, proto.PUBACK:
	default:
		return b
	}
	other, changed := [2]byte{0, 0}, [2]byte{0x7b, 0x7b}
	if !in {
		other, changed = changed, other
	}
	if len(b) >= at+2 && b[at] == other[0] && b[at+1] == other[1] {
		b = slices.Clone(b)
		b[at], b[at+1] = changed[0], changed[1]
	}
	return b
}}

// answersNothing is a server that answers a SUBSCRIBE without topic filters by a SUBACK without reason codes.
var answersNothing = mutant{name: "answers SUBSCRIBE without filters", raw: func(m *link, b []byte, in bool) []byte {
	if in && b[0] == 0x82 && len(b) < 6 {
		m.mu.Lock()
		m.client.Write(append([]byte{0x90}, b[1:]...)) //nolint:errcheck // the test sees it
		m.mu.Unlock()
		return nil
	}
	return b
}}

// TestOneFailureForQoS2 checks that a server without QoS 2 has one failure for that in each version, and that what needs
// QoS 2 is skipped with a reason that names it.
func TestOneFailureForQoS2(t *testing.T) { synctest.Test(t, oneFailureForQoS2) }

func oneFailureForQoS2(t *testing.T) {
	m := mutant{name: "has no QoS 2", in: change(func(p *proto.Publish) { p.QoS = min(p.QoS, 1) })}
	report := runMutant(t, m, startBroker(t, broker.Options{}), nil, "pubrec-pubcomp", "order-qos-2", "granted-qos-is-maximum", "delivery-within-granted-qos", "queued-order")
	want := map[string]string{
		"5.0/pubrec-pubcomp":   `fail ["MQTT-3.3.4-1" "MQTT-4.3.3-8"] PUBACK mid=7 reason=0x10 "No matching subscribers"`,
		"3.1.1/pubrec-pubcomp": `fail ["MQTT-3.3.4-1" "MQTT-4.3.3-2"] PUBACK mid=7`,
		"3.1/pubrec-pubcomp":   `fail [] PUBACK mid=7`,
	}
	for _, k := range report.Cases {
		name := k.Version + k.ID[strings.LastIndex(k.ID, "/"):]
		got := fmt.Sprintf("%s %q %s", k.Verdict, k.Rules, k.Got)
		switch {
		case strings.HasSuffix(name, "/queued-order"):
			if k.Verdict != OK {
				t.Errorf("%s: %s", name, got)
			}
		case strings.HasSuffix(name, "/pubrec-pubcomp"):
			if got != want[name] {
				t.Errorf("%s: %s; expected %s", name, got, want[name])
			}
		case k.Verdict != Skip || k.Got != "the server answers a PUBLISH at QoS 2 by PUBACK (see pubrec-pubcomp)":
			t.Errorf("%s: %s; expected a skip that names pubrec-pubcomp", name, got)
		}
	}
}
