package bench

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/conn"
	"mqtt/internal/format"
)

// said returns the text report.
func said(t *testing.T, r *Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := Text(100, format.NewPalette(false))(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestShortDrain checks that a drain that is too short leaves a shortfall if the QoS forbids loss,
// and that the report says so at each QoS.
func TestShortDrain(t *testing.T) {
	for qos := range byte(3) {
		synctest.Test(t, func(t *testing.T) {
			r := newRelay(t)
			r.fault = func(_ string, n int) fault {
				if n%100 == 7 {
					return drop
				}
				return pass
			}
			p := r.plan(t)
			p.QoS, p.Drain = qos, 100*time.Millisecond
			res := r.run(t, p)
			short := res.Shortfall()
			switch {
			case qos == 0 && short != nil:
				t.Errorf("QoS 0: %v", short)
			case qos > 0 && (short == nil || short.Missing != 10 || short.Expected != 1000 || !short.LossOnly()):
				t.Errorf("QoS %d: %+v", qos, short)
			case qos == 1 && short.Error() != "10 of 1,000 expected deliveries did not come, which QoS 1 forbids":
				t.Error(short)
			}
			if text := said(t, res); !strings.Contains(text, "10 of 1,000 expected deliveries were missing when nothing more arrived for 100ms: lost, or late") {
				t.Error(text)
			}
		})
	}
}

// TestSilentServer checks that a silent server leaves messages unsent and unacknowledged, without
// an error, if the run ends before the keep alive.
func TestSilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		r.mute = true
		p := r.plan(t)
		p.QoS, p.Drain = 1, 100*time.Millisecond
		res := r.run(t, p)
		short := res.Shortfall()
		if short == nil || short.Unsent != 980 || short.Unacknowledged != 20 || short.LossOnly() ||
			short.Error() != "980 messages were never sent; 20 of 20 messages sent were not acknowledged" {
			t.Errorf("%+v", short)
		}
		if text := said(t, res); !strings.Contains(text, "980 messages were never sent") || !strings.Contains(text, "20 of 20 messages sent were not acknowledged") {
			t.Error(text)
		}
	})
}

// TestAllowedLoss checks that loss is not a shortfall if a lower QoS was granted or the plan causes
// it.
func TestAllowedLoss(t *testing.T) {
	each, _ := Compile("a/%i", "inr")
	many, _ := Compile("a/%i/%n", "inr")
	for _, c := range []struct {
		plan    Plan
		granted byte
		want    Legal
	}{
		{Plan{QoS: 2}, 2, Legal{}},
		{Plan{QoS: 2}, 1, Legal{Duplicate: true}},
		{Plan{QoS: 2}, 0, Legal{Loss: true}},
		{Plan{QoS: 1}, 0, Legal{Loss: true, Duplicate: true}},
		{Plan{QoS: 1, Churn: 5, Subscribers: 1}, 1, Legal{Loss: true, Duplicate: true}},
		{Plan{QoS: 1, Churn: 5, Subscribers: 1, Config: Config{Persistent: true}}, 1, Legal{Duplicate: true}},
		{Plan{Shared: "g"}, 0, Legal{Loss: true, Reorder: true}},
		{Plan{QoS: 2, Topic: each}, 2, Legal{}},
		{Plan{QoS: 2, Topic: many}, 2, Legal{Reorder: true}},
	} {
		r := &run{plan: &c.plan}
		r.recordGrant(c.granted)
		r.recordGrant(c.plan.QoS)
		if got := r.legal(); got != c.want {
			t.Errorf("QoS %d, granted %d: %+v, want %+v", c.plan.QoS, c.granted, got, c.want)
		}
	}
}

// TestUnsentAfterConnectionLoss checks that the messages after the loss of a connection are unsent.
func TestUnsentAfterConnectionLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		r.cut = func(_ string, n int) bool { return n == 150 }
		p := r.plan(t)
		p.Messages, p.Duration, p.Rate, p.Drain = 0, 4*time.Second, 100, 100*time.Millisecond
		res, err := Run(t.Context(), p)
		r.working.Wait()
		if err == nil || res.Sent+res.Unsent != 400 || res.Unsent < 248 {
			t.Errorf("error %v, sent %d, unsent %d", err, res.Sent, res.Unsent)
		}
	})
}

// TestRecovered checks that a lost connection is counted but is not an error of the run if the
// client connected again and all work was done.
func TestRecovered(t *testing.T) {
	for _, tries := range []int{0, -1} {
		synctest.Test(t, func(t *testing.T) {
			r := newRelay(t)
			r.cut = func(_ string, n int) bool { return n == 200 }
			p := r.plan(t)
			p.QoS, p.Backoff = 1, conn.Backoff{Min: time.Millisecond, Max: time.Millisecond, Tries: tries}
			res, err := Run(t.Context(), p)
			r.working.Wait()
			if tries == 0 {
				var broken *conn.Broken
				if !errors.As(err, &broken) || res.Errors != 1 || res.Connections.Reconnected != 0 {
					t.Errorf("error %v, %d counted", err, res.Errors)
				}
				return
			}
			if err != nil || res.Shortfall() != nil {
				t.Errorf("error %v, shortfall %+v", err, res.Shortfall())
			}
			n := res.Connections.Reconnected
			if res.Errors != n || res.Connections.Lost != n || n < 4 || res.Lost != 0 || res.Acknowledged != 1000 {
				t.Errorf("errors %d, lost %d, regained %d; %d messages lost, %d acknowledged", res.Errors, res.Connections.Lost, n, res.Lost, res.Acknowledged)
			}
			if text := said(t, res); !strings.Contains(text, "connections  5 lost, 5 regained\n") {
				t.Error(text)
			}
		})
	}
}

// TestNotRecovered checks that a lost connection is an error if work was left to do on it.
func TestNotRecovered(t *testing.T) {
	for _, c := range []struct {
		name string
		at   time.Duration // of the break; all is acknowledged after 1 s, and delivered after 2
		held bool
		back bool // it does come back
		fine bool
	}{
		{"a publisher in its work", 500 * time.Millisecond, false, false, false},
		{"a publisher behind its work", 1500 * time.Millisecond, false, false, true},
		{"a connection that is held", 500 * time.Millisecond, true, false, false},
		{"one that is held, and comes back", 500 * time.Millisecond, true, true, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRelay(t)
			r.slow = time.Second
			p := r.plan(t)
			p.Messages, p.Rate, p.QoS = 100, 100, 1
			if c.held {
				p = &Plan{Clients: 2, Hold: time.Second, Configure: r.configure}
			}
			p.Backoff = conn.Backoff{Min: 50 * time.Millisecond, Max: 50 * time.Millisecond, Tries: -1}
			var over atomic.Bool // once a connection broke, no other opens
			r.shut = func(string) bool { return over.Load() }
			time.AfterFunc(c.at, func() {
				over.Store(!c.back)
				r.mu.Lock()
				defer r.mu.Unlock()
				for _, peer := range r.peers {
					if peer.name[0] != 's' {
						peer.nc.Close()
						break
					}
				}
			})
			res, err := Run(t.Context(), p)
			r.working.Wait()
			if c.fine != (err == nil) || res.Connections.Lost != 1 || (res.Connections.Reconnected > 0) != c.back {
				t.Errorf("%s: error %v, result %+v", c.name, err, res.Connections)
			}
		})
	}
}

// TestInterruptOfAStuckRun checks that an interrupt ends a run within a second, and a second one at
// once, even if the server does not read, and that there is a result.
func TestInterruptOfAStuckRun(t *testing.T) {
	for _, c := range []struct {
		qos   byte
		twice bool
		most  time.Duration
	}{{0, false, time.Second}, {1, false, time.Second}, {0, true, 10 * time.Millisecond}, {1, true, 10 * time.Millisecond}} {
		synctest.Test(t, func(t *testing.T) {
			r := newRelay(t)
			began := time.Now()
			r.stop = func() time.Time { // behind the first second, for a minute
				if d := time.Since(began); d < time.Second || d > time.Minute {
					return time.Time{}
				}
				return began.Add(time.Minute)
			}
			p := r.plan(t)
			p.Messages, p.Duration, p.Rate, p.QoS = 0, time.Hour, 100, c.qos
			ctx, cancel := context.WithCancel(t.Context())
			var at time.Time
			again := make(chan struct{})
			p.Hurry = again
			time.AfterFunc(3*time.Second, func() {
				at = time.Now()
				cancel()
				if c.twice {
					close(again)
				}
			})
			res, err := Run(ctx, p)
			if took := time.Since(at); !errors.Is(err, context.Canceled) || took > c.most {
				t.Errorf("QoS %d: error %v after %s", c.qos, err, took)
			}
			if res == nil || res.Received < 95 || res.Received > 101 || !strings.Contains(noted(res), "when the run was interrupted") {
				t.Errorf("QoS %d: %+v", c.qos, res)
			}
			r.working.Wait()
		})
	}
}
