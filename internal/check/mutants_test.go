package check

import (
	"errors"
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

// onlyChoices are cases that find out what a server does where the standard leaves it open.
var onlyChoices = map[string]bool{"protocol-name-311": true, "client-id-long": true, "nothing-after-disconnect": true, "will-delay-and-clean-start": true}

// allMutants returns all planted faults, with the rules that they break.
func allMutants() []mutant {
	all := slices.Concat(deliveryMutants, answerMutants, topicMutants, subscriptionMutants, retainMutants, sessionMutants, propertyMutants,
		formMutants, acceptMutants, stateMutants, reconnectMutants)
	for i := range all {
		if rules, ok := broken[all[i].name]; ok {
			all[i].v5, all[i].v311 = rules[0], rules[1]
		}
	}
	return all
}

// runMutant checks a server with a planted fault. Limits are short: an answer that comes at all comes without delay
// in a synctest bubble.
func runMutant(t *testing.T, m mutant, l *pipes, found func() []*Found, selectors ...string) *Report {
	t.Helper()
	r := newRunner(Options{
		Dial: dialMutant(m, l), Limit: 400 * time.Millisecond, User: &User{Name: "someone", Password: "secret", HasPassword: true}, Selectors: selectors,
	})
	r.slack, r.resend, r.repeats, r.found = 500*time.Millisecond, r.opt.Limit, 0, found
	report, err := r.run(t.Context())
	if err != nil && !errors.Is(err, ErrGone) {
		t.Errorf("%s: %v", m.name, err)
		return &Report{}
	}
	return report
}

// parallel calls all functions, several at a time.
func parallel(n int, all []func()) {
	jobs := make(chan func())
	var wait sync.WaitGroup
	for range n {
		wait.Go(func() { // ends when jobs is closed
			for f := range jobs {
				f()
			}
		})
	}
	for _, f := range all {
		jobs <- f
	}
	close(jobs)
	wait.Wait()
}

// failing returns the rules of the failures of r in a version.
func failing(r *Report, version string) (rules, cases []string) {
	for i := range r.Cases {
		if k := &r.Cases[i]; k.Verdict == Fail && k.Version == version {
			rules, cases = append(rules, k.Rules...), append(cases, k.ID)
		}
	}
	return rules, cases
}

// TestFaultsAreNamed checks that the failures that a planted fault causes name the rules that it breaks. The server's
// capabilities are found as always: a fault must not hide behind them.
func TestFaultsAreNamed(t *testing.T) { synctest.Test(t, faultsAreNamed) }

func faultsAreNamed(t *testing.T) {
	l := startBroker(t, broker.Options{})
	shown := map[string]bool{}
	for _, k := range Cases() {
		for _, s := range []string{k.V5, k.V311} {
			for _, word := range strings.Fields(s) {
				shown[word] = true
			}
		}
	}
	var all []func()
	for _, m := range allMutants() {
		if m.v5 == "" && m.v311 == "" || isState(m) {
			continue // TestStatesAreJudged has those of states
		}
		selectors := strings.Fields(m.also + " " + noticed)
		for _, rule := range strings.Fields(m.v5 + " " + m.v311) {
			if shown[rule] {
				selectors = append(selectors, rule)
			}
		}
		if m.open {
			selectors = append(selectors, "3.1")
		}
		all = append(all, func() {
			for _, text := range unnamed(runMutant(t, m, l, nil, selectors...), m) {
				t.Errorf("%s: %s", m.name, text)
			}
		})
	}
	parallel(10, all)
}

// unnamed returns a text for each rule that m breaks and that no failure names.
func unnamed(r *Report, m mutant) (missing []string) {
	for version, want := range map[string]string{"5.0": m.v5, "3.1.1": m.v311} {
		rules, cases := failing(r, version)
		for _, rule := range strings.Fields(want) {
			if !slices.Contains(rules, rule) {
				missing = append(missing, fmt.Sprintf("%s: no failure names %s; failures: %q of %q", version, rule, rules, cases))
			}
		}
	}
	return missing
}

// TestMutants runs all cases against our broker with one planted fault after the other. Each case that shows a
// MUST must fail for at least one of them, or it could not find anything. With the race detector it takes
// minutes: scripts/check.sh runs it without.
func TestMutants(t *testing.T) {
	synctest.Test(t, runMutants)
}

func runMutants(t *testing.T) {
	l := startBroker(t, broker.Options{})
	var mu sync.Mutex
	caught := map[string]bool{} // by the ID of a case
	check := func(m mutant, found func() []*Found, selectors ...string) {
		report := runMutant(t, m, l, found, selectors...)
		mu.Lock()
		defer mu.Unlock()
		n := 0
		for _, k := range report.Cases {
			if k.Verdict == Fail {
				caught[k.ID] = true
				n++
			}
		}
		if n == 0 && m.v5+m.v311 != "" {
			t.Errorf("%s: no case fails", m.name)
		}
	}
	var all []func()
	for _, m := range allMutants() {
		var selectors []string // all
		if isState(m) {
			selectors = strings.Fields(m.also)
		}
		all = append(all, func() { check(m, everything, selectors...) })
	}
	// A server that says it lacks something, and yet does it.
	all = append(all, func() { check(mutant{name: "does what it says it cannot"}, nothing) },
		func() { check(mutant{name: "loses SUBACK and lacks QoS 2", out: drop(proto.SUBACK)}, nothing) },
		func() { check(mutant{name: "takes packets above the Maximum Packet Size that it said"}, small) })
	parallel(8, all)
	for _, k := range Cases() {
		if k.Should || k.Harsh || onlyChoices[k.Name] || k.Needs&(NeedRestart|NeedSecondUser|NeedDeniedTopic) != 0 {
			continue
		}
		for _, id := range k.ids() {
			if !caught[id] {
				t.Errorf("%s fails for no planted fault: %s", id, k.Title)
			}
		}
	}
}

// small is a server that says that it takes small packets only.
func small() []*Found {
	all := everything()
	for _, f := range all {
		f.MaximumPacketSize = 1000
	}
	return all
}

// nothing is a server that lacks all that it may lack.
func nothing() []*Found {
	all := everything()
	for _, f := range all {
		f.MaximumQoS, f.Retain, f.Wildcard, f.Shared, f.SubscriptionID, f.TopicAliasMaximum = 0, false, false, false, false, 0
		f.MaximumPacketSize = 4096
	}
	return all
}

// everything is what our broker is capable of, so that a planted fault does not make cases skip.
func everything() []*Found {
	var all []*Found
	for _, v := range versions {
		all = append(all, &Found{Version: v, MaximumQoS: 2, ReceiveMaximum: 65535, TopicAliasMaximum: 16, ServerKeepAlive: -1, Retain: true,
			Wildcard: true, SubscriptionID: v == proto.V5, Shared: v == proto.V5, Sessions: true, why: map[Needs]string{}})
	}
	return all
}

// noticed are cases in which all kinds of packets are exchanged.
const noticed = "qos-0-delivery puback pubrec-pubcomp first-delivery-dup-0 suback-repeats-identifier unsuback-repeats-identifier pingresp connack-first takeover session-present-1"
