package bench

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestJoinTail checks that only the rest of the messages is added to the step before it: a full step
// in which the server stopped remains.
func TestJoinTail(t *testing.T) {
	times := func(n int64, d time.Duration) *Histogram {
		h := newHistogram(coarse)
		if n > 0 {
			h.RecordMany(d, n)
		}
		return h
	}
	for name, c := range map[string]struct {
		counts       []int64
		sending, end float64
		want         []int64
	}{
		"one message after the end":     {[]int64{100, 100, 1}, 2, 2.9, []int64{100, 101}},
		"a short step":                  {[]int64{100, 100, 40}, 2.4, 2.4, []int64{100, 140}},
		"a stop in the last second":     {[]int64{100, 100, 1}, 3, 3, []int64{100, 100, 1}},
		"many after the end":            {[]int64{100, 100, 90}, 2, 3, []int64{100, 100, 90}},
		"after a step without messages": {[]int64{100, 0, 1}, 2, 2.1, []int64{100, 0, 1}},
		"a single step":                 {[]int64{1}, 1, 1, []int64{1}},
		"nothing":                       {nil, 1, 1, nil},
	} {
		var all []slot
		for i, n := range c.counts {
			all = append(all, slot{Point: Point{Received: uint64(n), Latency: times(n, time.Duration(i+1)*time.Millisecond)}, from: float64(i), to: float64(i + 1)})
		}
		first := slices.Clone(all)
		var got []int64
		for _, s := range joinTail(all, c.sending, c.end) {
			got = append(got, s.Latency.Count())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		for i, s := range first {
			if s.Latency.Count() != c.counts[i] {
				t.Errorf("%s: the series has changed", name)
			}
		}
	}
}

// TestLimits checks which thresholds are lines in the drawing of the latency.
func TestLimits(t *testing.T) {
	r := sample(20, 1000)
	r.Verdicts = nil
	for _, e := range []string{"p99>20ms", "latency.p50>1ms", "max>20ms", "lag.p99>3ms", "connect.p99>1s", "loss", "rate<5", "p99<1h"} {
		th, err := ParseThreshold(e)
		if err != nil {
			t.Fatal(err)
		}
		r.Verdicts = append(r.Verdicts, th.judge(r))
	}
	var got []string
	for _, l := range limits(r) {
		got = append(got, l.at.String()+" "+l.text)
	}
	want := []string{"1ms p50 fails above 1 ms", "20ms p99 fails above 20 ms, max fails above 20 ms", "1h0m0s p99 fails below 3,600 s"}
	if !slices.Equal(got, want) {
		t.Errorf("lines %q, want %q", got, want)
	}
	page := htmlOf(t, r)
	if n := strings.Count(page, `<line class="limit `); n != 2 {
		t.Errorf("%d lines: one of an hour would flatten the curves", n)
	}
}

// TestTilesByVerdict checks that a verdict colors the tile of its metric.
func TestTilesByVerdict(t *testing.T) {
	r := sample(20, 1000)
	r.Lost, r.Legal.Loss, r.Errors = 110, true, 0
	r.Connections.Cut = 3
	classes := func(expressions ...string) string {
		r.Verdicts = nil
		for _, e := range expressions {
			th, err := ParseThreshold(e)
			if err != nil {
				t.Fatal(err)
			}
			r.Verdicts = append(r.Verdicts, th.judge(r))
		}
		var all []string
		for _, tile := range tiles(r) {
			all = append(all, tile.name+":"+tile.class)
		}
		return strings.Join(all, " ")
	}
	for _, c := range []struct {
		thresholds []string
		want       string
	}{
		{nil, "sent: received: latency p50: latency p99: lost:warn errors:"},
		{[]string{"loss>0.1%", "p99>1ns", "p50>1h", "rate<1", "errors"}, "sent: received:good latency p50:good latency p99:bad lost:bad errors:good"},
		{[]string{"loss>50%", "loss>60%", "max>1h", "max>1ns", "sent<1"}, "sent:good received: latency p50: latency p99:bad lost:good errors:"},
	} {
		if got := classes(c.thresholds...); got != c.want {
			t.Errorf("%q: %s, want %s", c.thresholds, got, c.want)
		}
	}
	if more := errorTile(r).more; more != "0 connections lost, 3 cut on purpose" {
		t.Errorf("the errors are %q", more)
	}
	r.Legal.Loss = false
	if got := classes("loss>50%"); !strings.Contains(got, "lost:bad") {
		t.Errorf("loss that the standard forbids is %s", got)
	}
}

// TestHTMLHasResult checks that the raw result can be taken out of the page, whatever its texts are.
func TestHTMLHasResult(t *testing.T) {
	bad := hostile()
	bad.Kind = KindMessages // Read refuses others
	for name, r := range map[string]*Result{"full": sample(60, 5000), "hostile": bad, "small": small()} {
		_, rest, _ := strings.Cut(htmlOf(t, r), `data-save="mqtt-bench.json"`)
		_, rest, _ = strings.Cut(rest, "<pre hidden>")
		raw, _, ok := strings.Cut(rest, "</pre>")
		if !ok || strings.ContainsAny(raw, "<>&") || strings.ContainsFunc(raw, func(c rune) bool { return c < ' ' || c > '~' }) {
			t.Errorf("%s: the page has no result, or one that is not ASCII: %.200s", name, raw)
		}
		back, err := Read(strings.NewReader(raw))
		if err != nil || back.Sent != r.Sent || len(back.Series.Points) != len(r.Series.Points) || back.Latency.At(99) != r.Latency.At(99) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
