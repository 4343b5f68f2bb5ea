package bench

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestMergeEqualsOneRun checks that the merged results of two processes equal the result of one
// process that does all of the work.
func TestMergeEqualsOneRun(t *testing.T) {
	faults := func(_ string, n int) fault {
		switch n % 40 {
		case 3:
			return drop
		case 9:
			return repeat
		case 20:
			return swap
		}
		return pass
	}
	measure := func(t *testing.T, parts int) *Result {
		r := newRelay(t)
		r.fault, r.delay = faults, 10*time.Millisecond
		all := make([]*Result, parts)
		var over sync.WaitGroup
		start := time.Now().Add(time.Second)
		for i := range parts {
			p := r.plan(t)
			p.Publishers, p.Subscribers = 4/parts, 4/parts
			p.Offset, p.StartAt = i*p.Publishers, start
			p.Messages, p.Rate, p.QoS = uint64(2000/parts), 1000/float64(parts), 1
			p.RunName = "x"
			over.Go(func() {
				var err error
				if all[i], err = Run(t.Context(), p); err != nil {
					t.Error(err)
				}
			})
		}
		over.Wait()
		r.working.Wait()
		for i := range all { // through the form that files have
			var b bytes.Buffer
			if err := JSON(&b, all[i]); err != nil {
				t.Fatal(err)
			}
			var err error
			if all[i], err = Read(&b); err != nil {
				t.Fatal(err)
			}
		}
		m, err := Merge(all)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	var once, merged *Result
	synctest.Test(t, func(t *testing.T) { once = measure(t, 1) })
	synctest.Test(t, func(t *testing.T) { merged = measure(t, 2) })
	if once.Lost != 4*13 || once.Duplicated != 4*13 || once.Reordered != 4*12 {
		t.Errorf("at once: lost %d duplicated %d reordered %d, want 52, 52, 48", once.Lost, once.Duplicated, once.Reordered)
	}
	type numbers struct {
		sent, acknowledged, expected, received, lost, duplicated, reordered uint64
		latencies                                                           int64
		p50, p99                                                            time.Duration
		publishers, subscribers                                             int
		rate                                                                float64
		accounted                                                           bool
	}
	of := func(r *Result) numbers {
		return numbers{r.Sent, r.Acknowledged, r.Expected, r.Received, r.Lost, r.Duplicated, r.Reordered, r.Latency.Count(),
			r.Latency.At(50).Round(time.Millisecond), r.Latency.At(99).Round(time.Millisecond), r.Config.Publishers, r.Config.Subscribers,
			r.Config.Rate, r.Accounted}
	}
	if of(once) != of(merged) {
		t.Errorf("at once %+v\nmerged  %+v", of(once), of(merged))
	}
}

// TestClocksAreCompared checks that messages between two processes are timed correctly although one
// clock is wrong. Trap 51.
func TestClocksAreCompared(t *testing.T) {
	for _, name := range []string{"x", ""} {
		synctest.Test(t, func(t *testing.T) {
			r := newRelay(t)
			r.delay = 2 * time.Millisecond
			start := time.Now().Add(3 * time.Second)
			plan := func(pubs, subs int, name string) *Plan {
				p := r.plan(t)
				p.Publishers, p.Subscribers, p.RunName, p.StartAt = pubs, subs, name, start
				p.Messages, p.Rate, p.Duration = 100, 50, 3*time.Second
				return p
			}
			send, recv := newRun(plan(1, 0, name)), newRun(plan(0, 1, "x"))
			recv.id = send.id              // where name is empty, nobody answers
			send.epoch += int64(time.Hour) // that clock is an hour ahead
			var over sync.WaitGroup
			var sent, came *Result
			over.Go(func() { sent, _ = send.do(t.Context()) })
			over.Go(func() { came, _ = recv.do(t.Context()) })
			over.Wait()
			r.working.Wait()
			if sent.Sent != 100 || came.Received != 100 {
				t.Fatalf("sent %d, received %d", sent.Sent, came.Received)
			}
			if name == "" {
				if came.Latency.Count() != 0 || came.Clock.Mode != Refused || !strings.Contains(noted(came), "could not be compared") {
					t.Errorf("%d messages were timed by two clocks that were not compared: %+v", came.Latency.Count(), came.Clock)
				}
				return
			}
			if came.Clock.Mode != Estimated || came.Clock.Error > 6000 || came.Clock.Error < 1000 {
				t.Errorf("clock %+v", came.Clock)
			}
			if d := came.Latency.At(50); d < time.Millisecond || d > 3*time.Millisecond || came.Latency.Count() != 100 {
				t.Errorf("%d timed, p50 %s", came.Latency.Count(), d)
			}
			m, err := Merge([]*Result{sent, came})
			if err != nil || m.Expected != 100 || m.Lost != 0 || !m.Accounted || m.Sent != 100 || m.Received != 100 {
				t.Errorf("merged: %+v, %v", m, err)
			}
		})
	}
}

// measureTogether runs plans at the same time against r and returns their results.
func (r *relay) measureTogether(t *testing.T, plans ...*Plan) []*Result {
	t.Helper()
	parts := make([]*Result, len(plans))
	var over sync.WaitGroup
	for i, p := range plans {
		over.Go(func() {
			var err error
			if parts[i], err = Run(t.Context(), p); err != nil {
				t.Error(err)
			}
		})
	}
	over.Wait()
	r.working.Wait()
	return parts
}

// TestMergeOfOneRun merges a process that receives with one that sends.
func TestMergeOfOneRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		var plans []*Plan
		for i, n := range [][2]int{{0, 2}, {2, 0}} {
			p := r.plan(t)
			p.Publishers, p.Subscribers, p.RunName, p.QoS = n[0], n[1], "x", 1
			p.Filter, _ = Compile("b/+", "i")
			p.Messages, p.Rate, p.Duration = 100, 100, time.Duration(3-i)*time.Second
			if i == 0 {
				p.Messages = 0
			}
			p.StartAt = time.Now().Add(time.Duration(1+i) * time.Second)
			plans = append(plans, p)
		}
		m, err := Merge(r.measureTogether(t, plans...))
		if err != nil || m.Sent != 100 || m.Lost != 0 || !m.Accounted {
			t.Fatalf("%+v, %v", m, err)
		}
		loss, _ := ParseThreshold("loss")
		if m.Judge([]*Threshold{loss}) {
			t.Errorf("%+v", m.Verdicts)
		}
		if strings.Contains(noted(m), elsewhereText) {
			t.Error(noted(m))
		}
		if m.SendRate < 99 || m.SendRate > 102 { // the receivers were there a second before
			t.Errorf("sent at %v a second", m.SendRate)
		}
		if m.ReceiveRate < 198 || m.ReceiveRate > 204 {
			t.Errorf("received at %v a second", m.ReceiveRate)
		}
		if m.Expected != 200 || m.Received != 200 || m.Config.Run != "x" {
			t.Errorf("expected %d, received %d", m.Expected, m.Received)
		}
	})
}

// TestMergeRefusesSeparateRuns merges results that are not parts of one run.
func TestMergeRefusesSeparateRuns(t *testing.T) {
	part := func(run string, begins time.Duration) *Result {
		r := sample(3, 100)
		r.Config.Run, r.Config.Offset, r.Started = run, int(begins/time.Millisecond)*100, r.Started.Add(begins)
		r.Seconds, r.SendSeconds, r.Drained.Seconds = 10, 9, 2
		return r
	}
	const second = time.Second
	for _, c := range []struct {
		name  string
		parts []*Result
		want  string // empty: they merge
	}{
		{"one without a name", []*Result{part("", 0)}, ""},
		{"no names", []*Result{part("", 0), part("", second)}, "not all of them have a --run NAME"},
		{"one name", []*Result{part("x", 0), part("x", second), part("", 2*second)}, "not all of them have a --run NAME"},
		{"two names", []*Result{part("x", 0), part("y", second)}, `one is of --run "x", another of --run "y"`},
		{"together", []*Result{part("x", 5*second), part("x", 0), part("x", 10*second)}, ""},
		{"while the first drains", []*Result{part("x", 0), part("x", 11*second)}, ""},
		{"a chain", []*Result{part("x", 20*second), part("x", 0), part("x", 10*second)}, ""},
		{"one after the other", []*Result{part("x", 0), part("x", 12*second)}, "after the others of --run \"x\" had ended at 2026-11-20T15:04:16Z"},
		{"a gap", []*Result{part("x", 30*second), part("x", 0), part("x", 10*second)}, "one began at 2026-11-20T15:04:35Z, after the others"},
	} {
		_, err := Merge(c.parts)
		var separate *SeparateError
		if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &separate) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	skewed := []*Result{part("x", 0), part("x", 13*second)}
	skewed[1].Clock = Clock{Mode: Estimated, Offset: 2e6}
	if _, err := Merge(skewed); err != nil {
		t.Errorf("the clocks differ by more than the gap: %v", err)
	}
	same := []*Result{part("x", 0), part("x", second)}
	same[1].Config.Offset = 0
	if _, err := Merge(same); err == nil || !strings.Contains(err.Error(), "two results have publisher 0,") {
		t.Errorf("the same publishers: %v", err)
	}
}

// TestMergeOfASharedSubscription merges two processes that have members of one shared
// subscription. What one does not receive, the other does. A message that comes to both is a
// duplicate, and one that comes to none is lost.
func TestMergeOfASharedSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		r.share = true
		r.fault = func(_ string, n int) fault {
			switch {
			case n%100 == 30:
				return drop
			case n%100 == 40:
				return repeat // to another member
			}
			return pass
		}
		var plans []*Plan
		for i := range 2 {
			p := r.plan(t)
			p.Publishers, p.Subscribers, p.Offset, p.RunName, p.QoS, p.Shared = 1, 2, 2*i, "x", 1, "g"
			p.Topic, _ = Compile("b/%i", "i")
			p.Filter, _ = Compile("b/+", "i")
			p.Messages, p.Rate, p.StartAt = 1000, 500, time.Now().Add(time.Second)
			plans = append(plans, p)
		}
		parts := r.measureTogether(t, plans...)
		for _, p := range parts {
			if p.Lost != 0 || p.Accounted || !strings.Contains(noted(p), sharedText) {
				t.Errorf("a part: lost %d, accounted %v, %s", p.Lost, p.Accounted, noted(p))
			}
		}
		m, err := Merge(parts)
		if err != nil || !m.Accounted || m.Expected != 2000 || m.Lost != 20 || m.Duplicated != 20 || m.Reordered != 0 {
			t.Errorf("expected %d, lost %d, duplicated %d, reordered %d, accounted %v, %v", m.Expected, m.Lost, m.Duplicated, m.Reordered, m.Accounted, err)
		}
		if strings.Contains(noted(m), sharedText) {
			t.Error(noted(m))
		}
		parts[0].Filters[0].Receipts = nil // as an older version wrote it
		if m, err = Merge(parts); err != nil || m.Accounted || m.Lost != 0 || !strings.Contains(noted(m), "lost and duplicated are unknown") {
			t.Errorf("without receipts: lost %d, accounted %v, %v, %s", m.Lost, m.Accounted, err, noted(m))
		}
	})
}

// TestMergeOfLateSubscribers merges subscribers that came after the first message of another
// process. What was sent before is not lost.
func TestMergeOfLateSubscribers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		send, receive := r.plan(t), r.plan(t)
		for _, p := range []*Plan{send, receive} {
			p.RunName, p.QoS, p.Topic = "x", 1, template(t, "b")
			p.Rate, p.Duration, p.Messages = 100, 4*time.Second, 0
		}
		send.Subscribers, send.StartAt = 0, time.Now().Add(time.Second)
		receive.Publishers, receive.Rate, receive.Ramp = 0, 0, 0.5 // the subscriber comes later
		receive.Subscribers = 2
		m, err := Merge(r.measureTogether(t, send, receive))
		if err != nil || m.Accounted || m.Received >= 800 || !strings.Contains(noted(m), "after the first message of another, so what was lost is unknown") {
			t.Errorf("received %d, accounted %v, %v, %s", m.Received, m.Accounted, err, noted(m))
		}
	})
}

// TestMergeRefusesTheSameResult merges a result with itself.
func TestMergeRefusesTheSameResult(t *testing.T) {
	one, other := sample(3, 100), sample(3, 100)
	one.Config.Run, other.Config.Run = "x", "x"
	if _, err := Merge([]*Result{one, other}); err == nil || !strings.Contains(err.Error(), "2026-11-20T15:04:05Z is there twice") {
		t.Errorf("error %v", err)
	}
	other.Started, other.Config.Offset = other.Started.Add(1), 1000
	if _, err := Merge([]*Result{one, other}); err != nil {
		t.Error(err)
	}
}

// TestReadErrors reads texts that are not results.
func TestReadErrors(t *testing.T) {
	for text, want := range map[string]string{
		"": "it is empty", `{"schema": "mqtt-`: "it is truncated", "[1]": "it has a JSON array at byte 1", `{"sent":-1}`: "it has a JSON number -1",
		"sent 5": "invalid character", "{}": `its schema is "", not "mqtt-bench/1"`, `{"schema":"mqtt-bench/1","kind":"x"}`: `unknown kind "x"`,
	} {
		if _, err := Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "Go") {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}
