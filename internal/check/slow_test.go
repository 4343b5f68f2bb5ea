package check

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
)

// silentConn is a connection on which nothing is received in time.
type silentConn struct{ net.Conn }

// Read reports that its deadline has passed.
func (silentConn) Read([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

// TestSlowServer checks that a server that answers nobody in time is not blamed, and that one that leaves out a single
// answer is.
func TestSlowServer(t *testing.T) { synctest.Test(t, slowServer) }

func slowServer(t *testing.T) {
	l := startBroker(t, broker.Options{})
	m := mutant{name: "loses PINGRESP", out: drop(proto.PINGRESP)}
	report := runMutant(t, m, l, everything, "pingresp")
	for _, k := range report.Cases {
		if k.Verdict != Fail {
			t.Errorf("without PINGRESP: %s is %s: %s", k.ID, k.Verdict, k.Got)
		}
	}
	r := newRunner(Options{Selectors: []string{"pingresp", "reserved-connect-flag"}, Dial: func(ctx context.Context, v proto.Version) (net.Conn, error) {
		conn, err := l.dial(ctx, v)
		return silentConn{conn}, err
	}})
	r.found = everything
	report, err := r.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range report.Cases {
		if k.Verdict != Unsure || !strings.Contains(k.Got, "too slow to judge") {
			t.Errorf("without any answer: %s is %s: %s", k.ID, k.Verdict, k.Got)
		}
	}
}
