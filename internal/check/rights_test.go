package check

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
)

// TestRights checks that a user who may not use the topics of the run makes no failures.
func TestRights(t *testing.T) { synctest.Test(t, userRights) }

func userRights(t *testing.T) {
	l := startBroker(t, broker.Options{})
	run := func(m mutant, selectors ...string) (*Report, error) {
		return Run(t.Context(), Options{Dial: dialMutant(m, l), Selectors: selectors, Limit: 600 * time.Millisecond})
	}
	for _, test := range []struct {
		mutant    mutant
		subscribe bool
	}{
		{mutant{name: "refuses subscriptions", out: change(func(p *proto.Suback) { p.Reasons[0] = 0x80 })}, true},
		{mutant{name: "refuses messages", out: func(m *link, p proto.Packet) []proto.Packet {
			if ack, ok := p.(*proto.Ack); ok && m.v == proto.V5 {
				ack.Reason = proto.NotAuthorized
			}
			if p.Type() == proto.PUBLISH {
				return nil
			}
			return []proto.Packet{p}
		}}, false},
	} {
		report, err := run(test.mutant)
		var rights *RightsError
		if !errors.As(err, &rights) || rights.Subscribe != test.subscribe || report != nil {
			t.Errorf("%s: %v, %v", test.mutant.name, report, err)
		}
	}
	// Elsewhere it may have none.
	report, err := run(mutant{name: "loses messages elsewhere", in: func(_ *link, p proto.Packet) []proto.Packet {
		if m, ok := p.(*proto.Publish); ok && !strings.HasPrefix(string(m.Topic), "mqtt-check/") {
			return nil
		}
		return []proto.Packet{p}
	}}, "leading-slash", "dollar-hash", "pingresp")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range report.Cases {
		if want := map[bool]Verdict{true: OK, false: Unsure}[strings.HasSuffix(k.ID, "/pingresp")]; k.Verdict != want {
			t.Errorf("%s: %s, expected %s: %s", k.ID, k.Verdict, want, k.Got)
		}
	}
	if report.NoDelivery() {
		t.Error("the first message came")
	}
}
