package check

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"mqtt/internal/broker"
)

// stateMutants are faults in what a server keeps: of sessions, subscriptions, messages and wills. Each passed all cases
// once. The cases in also are those that must fail; those of a version fail if there are rules for it.
var stateMutants = slices.Concat(sessionStateMutants, messageStateMutants, subscriptionStateMutants)

// isState reports whether m is one of stateMutants or reconnectMutants.
func isState(m mutant) bool {
	return slices.ContainsFunc(slices.Concat(stateMutants, reconnectMutants), func(s mutant) bool { return s.name == m.name })
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
