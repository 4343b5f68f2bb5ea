package check

import (
	"context"
	"net"
	"testing"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
)

// startBroker runs a broker until the test ends, and returns its address.
func startBroker(t testing.TB, opt broker.Options) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := broker.New(opt)
	done := make(chan error, 1)
	go func() { done <- b.Serve(context.Background(), l) }() // ends with Close
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Error(err)
		}
		<-done
	})
	return l.Addr().String()
}

// dialer returns a function that connects to addr.
func dialer(addr string) func(context.Context, proto.Version) (net.Conn, error) {
	return func(ctx context.Context, _ proto.Version) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", addr)
	}
}

// TestOurBroker runs all cases against our broker. Warnings count as failures.
func TestOurBroker(t *testing.T) {
	report, err := Run(t.Context(), Options{Dial: dialer(startBroker(t, broker.Options{}))})
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
