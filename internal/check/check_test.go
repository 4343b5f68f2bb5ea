package check

import (
	"testing"
	"testing/synctest"

	"mqtt/internal/broker"
)

// TestOurBroker runs all cases against our broker. Warnings count as failures.
func TestOurBroker(t *testing.T) { synctest.Test(t, ourBroker) }

func ourBroker(t *testing.T) {
	report, err := Run(t.Context(), Options{Dial: startBroker(t, broker.Options{}).dial})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range report.Cases {
		switch k.Verdict {
		case OK, Choice, Skip:
		default:
			t.Errorf("%s %v: %s\nexpected: %s\ngot: %s\n%v", k.ID, k.Rules, k.Verdict, k.Expected, k.Got, k.Packets)
		}
	}
	t.Log(report.Summary, report.Seconds)
}
