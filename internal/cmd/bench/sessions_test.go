package bench

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"mqtt/internal/bench"
	"mqtt/internal/broker"
	"mqtt/internal/cli"
	"mqtt/internal/cmd/cmdtest"
)

// Sessions last for the whole run and its drain, and -x counts as given.
func TestExpiryCoversTheRun(t *testing.T) {
	t.Parallel()
	const minute = time.Minute
	for _, row := range []struct {
		plan bench.Plan
		want time.Duration
	}{
		{bench.Plan{Duration: 10 * time.Second, Drain: 10 * time.Second}, 5 * minute},
		{bench.Plan{Duration: 315 * time.Second, Drain: 10 * time.Second, Rate: 2}, 315*time.Second + 20*time.Second + minute},
		{bench.Plan{Messages: 3600, Rate: 1, Drain: 30 * minute}, 2*time.Hour + minute},
		{bench.Plan{Messages: 3600, Rate: 1, Duration: 10 * minute}, 11 * minute},
		{bench.Plan{Duration: 10 * minute, Ramp: 0.5, Publishers: 60, Subscribers: 60}, 17 * minute},
		{bench.Plan{Messages: 100}, 24 * time.Hour},
		{bench.Plan{Messages: 1 << 53, Rate: 0.001}, 1e9*time.Second + minute},
		{bench.Plan{Duration: 10 * minute, StartAt: time.Now().Add(time.Hour)}, 71 * minute},
	} {
		got := time.Duration(expiryFor(&row.plan)) * time.Second
		if got < row.want-2*time.Second || got > row.want {
			t.Errorf("%+v: %s, want %s", row.plan, got, row.want)
		}
	}
	b := cmdtest.StartBroker(t, broker.Options{})
	for args, want := range map[string]string{
		"--offline -x 1000": "session-expiry-interval=1000", "--offline -x -1": "session-expiry-interval=4294967295",
		"--offline -x 7": "session-expiry-interval=7", "--offline --drain 10m": "session-expiry-interval=1260", "--churn 1": "session-expiry-interval=300",
	} {
		r := run(t, b.Args(append(strings.Fields(args), "-d", "-q", "1", "--rate", "100", "--messages", "10")...)...)
		if r.Status != 0 || !strings.Contains(r.Err, want) {
			t.Errorf("%s: status %d, no %s in %.1000s", args, r.Status, want, r.Err)
		}
	}
	if r := run(t, b.Args("--offline", "-x", "0")...); r.Status != cli.ExitUsage {
		t.Errorf("%+v", r)
	}
}

// A session that the server did not keep is named in place of a loss that the QoS forbids.
func TestSessionsThatExpire(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{SessionExpiryMaximum: 1})
	r := run(t, b.Args("--offline", "-q", "1", "--rate", "10", "--duration", "3s", "--drain", "100ms")...)
	want := "1 session expired before their clients came back: the server granted 1.00s of the 5m00s requested, and a client was away for "
	if r.Status != cli.ExitExpected || !strings.Contains(r.Out, want) || strings.Contains(r.Out+r.Err, "forbids") || strings.Contains(r.Out+r.Err, "--drain") ||
		!strings.Contains(r.Err, "30 of 30 expected deliveries did not come, after 1 session that the server had not kept") {
		t.Errorf("%+v", r)
	}
}

// The same for sessions that the server kept for as long as was requested.
func TestSessionsThatExpireAsRequested(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	r := run(t, b.Args("--offline", "-x", "1", "-q", "2", "--subs", "2", "--rate", "10", "--duration", "3s", "--drain", "100ms")...)
	want := "2 sessions expired before their clients came back: they lasted 1.00s, and a client was away for "
	if r.Status != cli.ExitExpected || !strings.Contains(r.Out, want) || strings.Contains(r.Out+r.Err, "forbids") || strings.Contains(r.Out+r.Err, "--drain") {
		t.Errorf("%+v", r)
	}
}

// A session that is granted for a shorter time than requested, and lasts all the same.
func TestShorterSessionThatLasts(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{SessionExpiryMaximum: 60})
	r := run(t, b.Args("--offline", "-q", "1", "--rate", "100", "--messages", "20")...)
	if r.Status != 0 || !strings.Contains(r.Out, "the server granted a session expiry of 1m00s, and 5m00s were requested") {
		t.Errorf("%+v", r)
	}
}

// An interrupted run leaves no session at the server, wherever it is interrupted.
func TestInterruptEndsSessions(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"offline":   {"--offline", "-q", "1", "--rate", "10", "--duration", "1h", "--subs", "3"},
		"-x":        {"--offline", "-x", "1000", "-q", "1", "--rate", "10", "--duration", "1h", "--subs", "3"},
		"churn":     {"--churn", "200", "-q", "1", "--rate", "10", "--duration", "1h", "--subs", "3"},
		"reconnect": {"--reconnect", "always", "-q", "1", "--rate", "10", "--duration", "1h", "--subs", "3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := cmdtest.StartBroker(t, broker.Options{SysInterval: 20 * time.Millisecond})
			c := command.Start(t, b.Args(args...)...)
			c.Err.Await(t, "] sent ")
			c.Signal(syscall.SIGINT)
			if r := c.Wait(t); r.Status != 130 {
				t.Errorf("%+v", r)
			}
			watch := b.Connect(t, "$SYS/broker/clients/total")
			for deadline := time.Now().Add(cmdtest.Patience); ; {
				p := watch.Next()
				if p == nil {
					return
				}
				if string(p.Payload) == "1" { // the watch alone
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("%s sessions remain", p.Payload)
				}
			}
		})
	}
}
