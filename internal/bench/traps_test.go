package bench

import (
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/conn"
	"mqtt/internal/proto"
)

// TestTimesBeginWithTheFirstMessage checks that both times begin with the first message although
// subscribers wait until long after the last one, and that rates are of all clients. Trap 53.
func TestTimesBeginWithTheFirstMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		r.slow = time.Second
		p := r.plan(t)
		p.Publishers, p.Subscribers, p.Messages, p.Rate = 4, 2, 1000, 100
		p.Filter, _ = Compile("b/+", "i")
		res := r.run(t, p)
		near := func(name string, got, want float64) {
			t.Helper()
			if got < 0.99*want || got > 1.01*want {
				t.Errorf("%s is %g, not %g", name, got, want)
			}
		}
		near("send_seconds", res.SendSeconds, 10)
		near("receive_seconds", res.ReceiveSeconds, 11)
		near("seconds", res.Seconds, 11)
		near("send_rate", res.SendRate, 100)
		near("receive_rate", res.ReceiveRate, 2000/11.0)
	})
}

// TestNothingIsMeasuredByMistake checks that a random payload does not compress, and that a run
// without any answer ends. TestBenchDefaults checks the default flags. Trap 54.
func TestNothingIsMeasuredByMistake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		p := r.plan(t)
		p.Size = 4096
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, flate.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(newPublisher(newRun(p), 0).msg.Payload)
		w.Close()
		if b.Len() < p.Size {
			t.Errorf("%d bytes of payload are %d compressed", p.Size, b.Len())
		}

		configure := p.Configure
		p.Configure = func(role Role, n int, took *Phases) (*conn.Config, error) {
			cfg, err := configure(role, n, took)
			cfg.Dial = func(context.Context, proto.Version) (net.Conn, error) { return nil, errors.New("nobody is there") }
			return cfg, err
		}
		began := time.Now()
		res, err := Run(t.Context(), p)
		if err == nil || !strings.Contains(err.Error(), "nobody is there") || res != nil || time.Since(began) > 0 {
			t.Errorf("error %v after %s, result %v", err, time.Since(began), res)
		}
	})
}

// TestLimitIsExact checks that a closed loop sends exactly the number of messages, without timers
// between them and without a wait at the end, and that all clients disconnect. Trap 57.
func TestLimitIsExact(t *testing.T) {
	for _, n := range []uint64{1, 2, 999, 10000} {
		synctest.Test(t, func(t *testing.T) {
			r := newRelay(t)
			p := r.plan(t)
			p.Publishers, p.Messages, p.QoS = 3, n, 1
			began := time.Now()
			res := r.run(t, p)
			if r.taken != int(n) || res.Sent != n || res.Unsent != 0 {
				t.Errorf("the server took %d, %d were sent, %d were not, of %d", r.taken, res.Sent, res.Unsent, n)
			}
			if r.left != 4 {
				t.Errorf("%d of 4 clients disconnected", r.left)
			}
			// The clock of this test is advanced only by timers: those of the start and of the
			// drain.
			if res.SendSeconds > 0 || time.Since(began) > startDelay+4*pollInterval {
				t.Errorf("sent in %g s, ended after %s", res.SendSeconds, time.Since(began))
			}
		})
	}
}

// TestScheduleIsSmooth checks that no two messages are sent at the same time, whatever the number
// of publishers. Trap 59.
func TestScheduleIsSmooth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		p := r.plan(t)
		p.Publishers, p.Messages, p.Rate = 7, 3000, 3000
		res := r.run(t, p)
		for i := 1; i < len(r.times); i++ {
			if d := r.times[i].Sub(r.times[i-1]) - time.Second/3000; d < -time.Microsecond || d > time.Microsecond {
				t.Fatalf("message %d is off by %s", i, d)
			}
		}
		if strings.Contains(noted(res), "bottleneck") || res.Lag.Max() > time.Microsecond {
			t.Errorf("lag of %s, notes: %s", res.Lag.Max(), noted(res))
		}
	})
}

// TestGeneratorChecksItself checks that a note says whether the generator or the server was the
// bottleneck, and why. Trap 59.
func TestGeneratorChecksItself(t *testing.T) {
	for _, c := range []struct {
		name            string
		rate            float64
		lag             time.Duration
		behind, blocked uint64
		cpu, gc         float64 // cores of 2; microseconds
		about, want     string  // nothing is said where want is empty
	}{
		{"in time", 1000, 100 * time.Microsecond, 0, 0, 0.5, 0, "", ""},
		{"too little processor", 1000, 20 * time.Millisecond, 900, 0, 1.9, 0, "generator", "because of the processor"},
		{"a long collection", 1000, 20 * time.Millisecond, 900, 0, 0.5, 30e3, "generator", "because of the garbage collector"},
		{"something else", 1000, 20 * time.Millisecond, 900, 0, 0.5, 0, "generator", "because of other programs"},
		{"the server holds it up", 1000, 20 * time.Millisecond, 900, 800, 0.5, 0, "server", "the window was full"},
		{"no schedule, all cores", 0, 0, 0, 0, 1.9, 0, "generator", "the numbers may show its limits"},
		{"no schedule", 0, 0, 0, 0, 1, 0, "", ""},
	} {
		r := &run{registry: newRegistry(), plan: &Plan{Rate: c.rate, Subscribers: 1, Publishers: 1}}
		res := &Result{Lag: NewHistogram(), Accounted: true, Drained: Drain{Complete: true}, Machines: []Machine{{CPUs: 2, CPU: c.cpu, GC: c.gc}}}
		res.Lag.RecordMany(c.lag, 1000)
		notes := r.notes(res, &counts{lateSends: c.behind, lateBlocked: c.blocked})
		if c.want == "" && len(notes) > 0 || c.want != "" && (len(notes) != 1 || notes[0].About != c.about || !strings.Contains(notes[0].Text, c.want)) {
			t.Errorf("%s: %+v", c.name, notes)
		}
	}
}

// TestOutageIsNotABottleneck checks that messages that were due during an outage are attributed to
// it and neither to the generator nor to a full window.
func TestOutageIsNotABottleneck(t *testing.T) {
	for qos := range byte(2) {
		synctest.Test(t, func(t *testing.T) {
			r := newRelay(t)
			var back time.Time
			r.cut = func(id string, n int) bool {
				if id[0] != 'p' || n != 150 || !back.IsZero() {
					return false
				}
				back = time.Now().Add(700 * time.Millisecond)
				return true
			}
			r.shut = func(id string) bool { return id[0] == 'p' && time.Now().Before(back) }
			p := r.plan(t)
			p.Messages, p.Duration, p.Rate, p.QoS = 0, 4*time.Second, 100, qos
			p.Backoff = conn.Backoff{Min: 10 * time.Millisecond, Max: 20 * time.Millisecond, Tries: -1, First: true}
			res, err := Run(t.Context(), p)
			r.working.Wait()
			if err != nil && qos > 0 {
				t.Error(err)
			}
			text := noted(res)
			if res.Sent != 400 || !strings.Contains(text, "messages were due while their publishers had no connection, and were sent late") ||
				strings.Contains(text, "bottleneck") || strings.Contains(text, "window") {
				t.Errorf("QoS %d: sent %d: %s", qos, res.Sent, text)
			}
		})
	}
}
