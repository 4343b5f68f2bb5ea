package bench

import (
	"bytes"
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

// TestMergeOfDifferentRuns checks that loss between processes is unknown unless they have the same
// run name.
func TestMergeOfDifferentRuns(t *testing.T) {
	for _, name := range []string{"", "x"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRelay(t)
			parts := make([]*Result, 2)
			var over sync.WaitGroup
			for i, n := range [][2]int{{0, 2}, {2, 0}} {
				p := r.plan(t)
				p.Publishers, p.Subscribers, p.RunName, p.QoS = n[0], n[1], name, 1
				p.Filter, _ = Compile("b/+", "i")
				p.Messages, p.Rate, p.Duration = 100, 100, time.Duration(3-i)*time.Second
				if i == 0 {
					p.Messages = 0
				}
				p.StartAt = time.Now().Add(time.Duration(1+i) * time.Second)
				over.Go(func() { parts[i], _ = Run(t.Context(), p) })
			}
			over.Wait()
			r.working.Wait()
			m, err := Merge(parts)
			if err != nil || m.Sent != 100 || m.Lost != 0 || m.Accounted != (name != "") {
				t.Fatalf("%q: %+v, %v", name, m, err)
			}
			loss, _ := ParseThreshold("loss")
			if failed := m.Judge([]*Threshold{loss}); failed != (name == "") {
				t.Errorf("%q: %+v", name, m.Verdicts)
			}
			told := strings.Contains(said(t, m), "what one sent and another received cannot be compared, so loss is not known - give all processes the same --run NAME")
			if told != (name == "") || strings.Contains(noted(m), elsewhereText) {
				t.Errorf("%q: %s", name, noted(m))
			}
			if m.SendRate < 99 || m.SendRate > 102 { // the receivers were there a second before
				t.Errorf("%q: sent at %v a second", name, m.SendRate)
			}
			if name != "" && (m.ReceiveRate < 198 || m.ReceiveRate > 204) {
				t.Errorf("%q: received at %v a second", name, m.ReceiveRate)
			}
			if name != "" && (m.Expected != 200 || m.Received != 200 || m.Config.Run != name) {
				t.Errorf("%q: expected %d, received %d", name, m.Expected, m.Received)
			}
		})
	}
}

// TestMergeOfRunsOnOneTopic checks that each of two runs on one topic accounts for its own
// messages.
func TestMergeOfRunsOnOneTopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		parts := make([]*Result, 2)
		var over sync.WaitGroup
		for i := range parts {
			p := r.plan(t)
			p.QoS, p.Messages, p.Rate, p.StartAt = 1, 100, 100, time.Now().Add(time.Duration(1+i)*500*time.Millisecond)
			over.Go(func() { parts[i], _ = Run(t.Context(), p) })
		}
		over.Wait()
		r.working.Wait()
		m, err := Merge(parts)
		if err != nil || m.Expected != 200 || m.Received != 200 || m.Lost != 0 || !m.Accounted || m.Foreign == 0 || !strings.Contains(noted(m), "were not of this run") {
			t.Errorf("%+v, %v", m, err)
		}
	})
}

// TestMergeRefusesTheSameResult merges a result with itself.
func TestMergeRefusesTheSameResult(t *testing.T) {
	one, other := sample(3, 100), sample(3, 100)
	if _, err := Merge([]*Result{one, other}); err == nil || !strings.Contains(err.Error(), "2026-11-20T15:04:05Z is there twice") {
		t.Errorf("error %v", err)
	}
	other.Started = other.Started.Add(1)
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
