package bench

import (
	"context"
	"math"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/conn"
	"mqtt/internal/proto"
)

// TestRunsLastTheirDuration checks that a run lasts what its duration says, and that the times
// and rates of the result are those that passed.
func TestRunsLastTheirDuration(t *testing.T) {
	const second = time.Second
	for _, c := range []struct {
		name       string
		change     func(*Plan, *relay)
		sent       uint64
		sending    float64 // seconds
		took, rate float64
	}{
		{"slow", func(p *Plan, _ *relay) { p.Rate, p.Duration = 0.5, 5*second }, 3, 5, 5, 0.6},
		{"slow, two publishers", func(p *Plan, _ *relay) { p.Rate, p.Duration, p.Publishers = 0.5, 5*second, 2 }, 3, 5, 5, 0.6},
		{"slower than the duration", func(p *Plan, _ *relay) { p.Rate, p.Duration = 0.1, 5*second }, 1, 5, 5, 0.2},
		{"even", func(p *Plan, _ *relay) { p.Rate, p.Duration = 100, 5*second }, 500, 5, 5, 100},
		{"bursts", func(p *Plan, _ *relay) { p.Rate, p.Duration, p.Burst = 10, 5*second, 20 }, 60, 5, 5, 12},
		{"messages", func(p *Plan, _ *relay) { p.Rate, p.Messages = 10, 20 }, 20, 2, 2, 10},
		{"messages before the duration", func(p *Plan, _ *relay) { p.Rate, p.Messages, p.Duration = 10, 20, 9*second }, 20, 2, 2, 10},
		{"duration before the messages", func(p *Plan, _ *relay) { p.Rate, p.Messages, p.Duration = 10, 20, second }, 10, 1, 1, 10},
		{"slow messages", func(p *Plan, _ *relay) { p.Rate, p.Messages = 0.5, 3 }, 3, 5, 5, 0.6},
		{"one slow message", func(p *Plan, _ *relay) { p.Rate, p.Messages = 0.001, 1 }, 1, 1, 1, 1},
		{"after a warm-up", func(p *Plan, _ *relay) { p.Rate, p.Duration, p.Warmup = 0.5, 5*second, 2*second }, 3, 5, 7, 0.6},
		{"the last delivery is late", func(p *Plan, r *relay) { p.Rate, p.Duration, r.slow = 100, 2*second, second }, 200, 2, 3, 100},
		{"a server that answers late", func(p *Plan, r *relay) { p.QoS, p.Rate, p.Duration, r.delay = 1, 0.5, 5*second, 10*time.Millisecond }, 3, 5, 5, 0.6},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRelay(t)
				p := r.plan(t)
				p.Messages = 0
				c.change(p, r)
				p.Filter = template(t, "b/+")
				from := time.Now()
				res := r.run(t, p)
				near := func(name string, got, want float64) {
					t.Helper()
					if math.Abs(got-want) > 0.02*want+0.01 {
						t.Errorf("%s is %g, not %g", name, got, want)
					}
				}
				near("time", time.Since(from).Seconds(), c.took)
				near("seconds", res.Seconds, c.took-p.Warmup.Seconds())
				near("send_seconds", res.SendSeconds, c.sending)
				near("send_rate", res.SendRate, c.rate)
				if res.Sent != c.sent || res.Lost != 0 || res.Unsent != 0 {
					t.Errorf("sent %d, lost %d, never sent %d, want %d", res.Sent, res.Lost, res.Unsent, c.sent)
				}
			})
		})
	}
}

// TestStallCounts checks that the rate of a closed loop is over all of its duration, also if
// the server took nothing in the second half of it.
func TestStallCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		r.delay = 10 * time.Millisecond
		start := time.Now()
		r.stop = func() time.Time {
			if since := time.Since(start); since > 2*time.Second && since < 4*time.Second {
				return start.Add(4 * time.Second)
			}
			return time.Time{}
		}
		p := r.plan(t)
		p.QoS, p.Messages, p.Duration = 1, 0, 4*time.Second
		res := r.run(t, p)
		if res.SendSeconds < 3.99 || res.SendSeconds > 4.1 || math.Abs(res.SendRate*res.SendSeconds-float64(res.Sent)) > 1 {
			t.Errorf("%d sent in %g s, %g a second", res.Sent, res.SendSeconds, res.SendRate)
		}
	})
}

// TestRampSpacesAll checks that a ramp spaces all connections: the first two, and those of
// different groups.
func TestRampSpacesAll(t *testing.T) {
	for name, change := range map[string]func(*Plan){
		"connections":                 func(p *Plan) { p.Clients, p.Hold = 4, time.Second },
		"publishers and subscribers":  func(p *Plan) { p.Publishers, p.Subscribers = 2, 2 },
		"one of each":                 func(p *Plan) { p.Publishers, p.Subscribers = 1, 1 },
		"subscribers that come back":  func(p *Plan) { p.Publishers, p.Subscribers, p.Order, p.QoS = 1, 3, Offline, 1 },
		"two connections":             func(p *Plan) { p.Clients, p.Hold = 2, time.Second },
		"more a second than it takes": func(p *Plan) { p.Clients, p.Hold, p.Ramp = 4, time.Second, 10 },
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRelay(t)
			p := r.plan(t)
			p.Publishers, p.Subscribers, p.Messages, p.Ramp, p.Drain = 0, 0, 5, 0.5, 100*time.Millisecond
			change(p)
			if p.Clients > 0 {
				p.Topic, p.Messages = nil, 0
			}
			var mu sync.Mutex
			var times []time.Time
			p.Configure = func(role Role, number int, phases *Phases) (*conn.Config, error) {
				cfg, err := r.configure(role, number, phases)
				dial := cfg.Dial
				cfg.Dial = func(ctx context.Context, v proto.Version) (net.Conn, error) {
					mu.Lock()
					times = append(times, time.Now())
					mu.Unlock()
					return dial(ctx, v)
				}
				return cfg, err
			}
			Run(t.Context(), p) // the relay keeps no sessions, so subscribers that come back miss messages
			r.working.Wait()
			step := time.Duration(1e9 / p.Ramp)
			for i := 1; i < len(times); i++ {
				if d := times[i].Sub(times[i-1]); d < step-time.Millisecond {
					t.Errorf("%s: connection %d of %d came %s after the one before", name, i+1, len(times), d)
				}
			}
			if len(times) < p.Publishers+p.Subscribers+p.Clients {
				t.Errorf("%s: %d connections", name, len(times))
			}
		})
	}
}
