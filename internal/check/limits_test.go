package check

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/proto"
)

// largeConnect reports whether f is a CONNECT whose client identifier has more than 4,000 bytes.
func largeConnect(f proto.Frame, _ proto.Version) bool {
	return f.Type() == proto.CONNECT && len(f.Body) > 12+4000
}

// TestLimitsEndWithTheServer checks that the measurement ends if the server goes away for good, with what has been
// measured.
func TestLimitsEndWithTheServer(t *testing.T) { synctest.Test(t, limitsEndWithTheServer) }

func limitsEndWithTheServer(t *testing.T) {
	s := &fragile{trigger: largeConnect}
	s.start(t)
	r := newRunner(Options{Dial: s.dial, Versions: []proto.Version{proto.V311}, Limit: 10 * time.Second})
	r.patience = 50 * time.Millisecond
	facts, err := r.limits(t.Context())
	const name = "client identifier"
	if !errors.Is(err, ErrGone) || !strings.Contains(err.Error(), name) {
		t.Errorf("error %v", err)
	}
	if len(facts) != 3 || facts[2].Name != name || facts[2].Value != "at least 20 bytes; the server goes away at 65,535 bytes" {
		t.Errorf("%v", facts)
	}
}

// TestLimitsFindTheCrash checks that a limit above which the server goes away, and comes back, is found exactly.
func TestLimitsFindTheCrash(t *testing.T) { synctest.Test(t, limitsFindTheCrash) }

func limitsFindTheCrash(t *testing.T) {
	s := &fragile{restart: 20 * time.Millisecond, trigger: largeConnect}
	s.start(t)
	r := newRunner(Options{Dial: s.dial, Versions: []proto.Version{proto.V311}, Limit: 10 * time.Second})
	r.patience = time.Minute
	facts, err := r.limits(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range facts {
		if f.Name == "client identifier" && f.Value != "4,000 bytes; the server goes away at 4,001 bytes" {
			t.Error(f.Value)
		}
	}
}
