package bench

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestLossOverTime lets the relay drop messages of one second, in an open and in a closed loop, for
// subscribers of their own and for members of a shared subscription.
func TestLossOverTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		rate   float64
		shared bool
		subs   int
		filter string
		copies uint64 // of each message
	}{
		{"open", 1000, false, 2, "b/+", 2}, {"closed", 0, false, 2, "b/+", 2}, {"shared", 1000, true, 3, "b/+", 1},
		{"own topic", 1000, false, 4, "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRelay(t)
				r.delay = 2 * time.Millisecond
				r.share = c.shared
				var dropped uint64
				began := time.Now()
				r.fault = func(topic string, n int) fault {
					if s := time.Since(began); s >= 2100*time.Millisecond && s < 2900*time.Millisecond && n%10 == 0 {
						dropped++
						return drop
					}
					return pass
				}
				p := r.plan(t)
				p.Publishers, p.Subscribers, p.QoS, p.Messages, p.Duration, p.Rate, p.Drain = 4, c.subs, 1, 0, 5*time.Second, c.rate, time.Second
				if c.filter != "" {
					p.Filter, _ = Compile(c.filter, "i")
				}
				if c.shared {
					p.Shared = "g"
				}
				res := r.run(t, p)
				var lost []uint64
				for _, q := range res.Series.Points {
					lost = append(lost, q.Lost)
				}
				want := make([]uint64, len(lost))
				want[2] = dropped * c.copies
				if dropped == 0 || res.Lost != dropped*c.copies || !slices.Equal(lost, want) {
					t.Errorf("%d lost, %v over time, want %v", res.Lost, lost, want)
				}
			})
		})
	}
}

// TestLossOverTimeOfAll checks the time of messages after the last one that was received.
func TestLossOverTimeOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		r.fault = func(_ string, n int) fault {
			if n >= 150 {
				return drop
			}
			return pass
		}
		p := r.plan(t)
		p.Messages, p.Rate, p.Drain = 300, 100, time.Second
		res := r.run(t, p)
		if n := res.Series.Points; len(n) < 3 || n[0].Lost != 0 || n[1].Lost != 50 || n[2].Lost != 100 || res.Lost != 150 {
			t.Errorf("%d lost: %d, %d, %d", res.Lost, n[0].Lost, n[1].Lost, n[2].Lost)
		}
		if most, known := res.lossOverTime(); most != 100 || !known {
			t.Errorf("at most %d, known: %v", most, known)
		}
	})
}

// TestLossOverTimeUnknown checks that a merged result has no loss over time if the parts do not have
// all of it.
func TestLossOverTimeUnknown(t *testing.T) {
	a := sample(10, 100)
	a.Lost, a.Series.Points[3].Lost = 5, 5
	m, err := Merge([]*Result{a})
	if err != nil || m.Series.Points[3].Lost != 5 {
		t.Fatalf("%v: %d lost in the fourth second", err, m.Series.Points[3].Lost)
	}
	a.Lost = 7
	if m, err = Merge([]*Result{a}); err != nil || m.Series.Points[3].Lost != 0 {
		t.Fatalf("%v: %d lost in the fourth second, of which it is not known", err, m.Series.Points[3].Lost)
	}
	var b bytes.Buffer
	if err := CSV(&b, a); err != nil || !strings.HasSuffix(strings.SplitN(b.String(), "\n", 6)[4], ",5") {
		t.Errorf("%v: the CSV has no loss:\n%s", err, b.String())
	}
}

// TestStepsDouble checks that the steps of a long run are as wide as its points.
func TestStepsDouble(t *testing.T) {
	var s steps
	var n uint64
	for i := range int64(maxPoints + 500) {
		s.add(i*sampleInterval, 3)
		n += 3
	}
	var got uint64
	for _, x := range s.counts {
		got += uint64(x)
	}
	if got != n || s.width != 2*sampleInterval || len(s.counts) != (maxPoints+500)/2 {
		t.Errorf("%d of %d in %d steps of %d", got, n, len(s.counts), s.width)
	}
}
