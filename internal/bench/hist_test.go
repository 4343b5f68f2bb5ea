package bench

import (
	"bytes"
	"html"
	"strings"
	"testing"
	"time"

	"mqtt/internal/format"
)

func TestHistogramGolden(t *testing.T) {
	b := AppendHistogram(nil, small().Latency, 0, 80, format.Palette{})
	even := NewHistogram()
	for i := range 10000 {
		even.Record(50*time.Millisecond + time.Duration(i)*100*time.Nanosecond)
	}
	b = AppendHistogram(b, even, 0, 80, format.Palette{})
	golden(t, "histogram.txt", b)
}

func TestHistogramFits(t *testing.T) {
	one, wide := NewHistogram(), NewHistogram()
	one.Record(50 * time.Millisecond)
	wide.RecordMany(1, 1<<40)
	wide.Record(time.Hour)
	for name, h := range map[string]*Histogram{"one": one, "wide": wide, "small": small().Latency, "full": sample(20, 5000).Latency} {
		for _, width := range []int{60, 80, 100, 200} {
			text := string(AppendHistogram(nil, h, 0, width, marks{}))
			lines := strings.Split(strings.TrimSuffix(bare(text), "\n"), "\n")
			if histRows != 10 || len(lines) > histRows+3 {
				t.Errorf("%s: %d lines", name, len(lines))
			}
			for _, line := range lines {
				if n := format.Columns([]byte(line)); n > width || line != strings.TrimRight(line, " ") {
					t.Errorf("%s at %d: %q takes %d", name, width, line, n)
				}
			}
		}
	}
	if b := AppendHistogram(nil, NewHistogram(), 0, 80, marks{}); len(b) != 0 {
		t.Errorf("of nothing: %q", b)
	}
}

// The error of a clock may be larger than each latency: all of them share one row.
func TestHistogramBelowFloor(t *testing.T) {
	h := NewHistogram()
	for i := range 400 {
		h.Record(70*time.Microsecond + time.Duration(i)*10*time.Microsecond)
	}
	for _, floor := range []time.Duration{h.Max() + 1, 14256649, time.Hour} {
		text := string(AppendHistogram(nil, h, floor, 80, format.Palette{}))
		if n := strings.Count(text, "┤"); n != 1 || !strings.Contains(text, "400  100.") {
			t.Errorf("floor %v: %d rows\n%s", floor, n, text)
		}
	}
}

func TestHistogramBounds(t *testing.T) {
	for _, c := range []struct {
		lo, hi time.Duration
		rows   int // at least
	}{{1, 1, 1}, {1, time.Hour, 7}, {50 * time.Millisecond, 51 * time.Millisecond, 6}, {time.Microsecond, time.Second, 7}, {99, 101, 3},
		{80 * time.Microsecond, 2 * time.Second, 9}} {
		b := histBounds(c.lo, c.hi)
		if len(b) < c.rows || len(b) > histRows || b[0] > c.lo || b[len(b)-1] > c.hi {
			t.Errorf("%v to %v: %v", c.lo, c.hi, b)
		}
		for i := 1; i < len(b); i++ {
			if b[i] <= b[i-1] {
				t.Errorf("%v to %v: %v", c.lo, c.hi, b)
			}
		}
	}
}

func TestBar(t *testing.T) {
	for _, c := range []struct {
		n, most uint64
		want    string
	}{{0, 9, ""}, {1, 1 << 60, "▏"}, {1, 1, "████"}, {1, 2, "██"}, {3, 32, "▍"}, {5, 8, "██▌"}, {0, 0, ""}} {
		if got := bar(c.n, c.most, 4); got != c.want {
			t.Errorf("%d of %d: %s, want %s", c.n, c.most, got, c.want)
		}
	}
}

// TestBelowTheClocksError checks that a latency below the error of estimated clocks is printed
// as that in each report, and other times as they are.
func TestBelowTheClocksError(t *testing.T) {
	r := small()
	r.Latency, r.Service, r.Ack = NewHistogram(), NewHistogram(), NewHistogram()
	r.Clock = Clock{Mode: Estimated, Offset: 3e9, Error: 250}
	for i := range 200 {
		d := time.Duration(i-100) * 10 * time.Microsecond // half of them are negative
		r.Latency.Record(d)
		r.Service.Record(d - 5*time.Microsecond)
		r.Ack.Record(time.Nanosecond)
	}
	for i := range r.Series.Points {
		r.Series.Points[i].Latency = r.Latency
	}
	for name, report := range map[string]Report{"text": Text(100, nothing{}), "html": HTML, "junit": JUnit} {
		var b bytes.Buffer
		if err := report(&b, r); err != nil {
			t.Fatal(err)
		}
		text := html.UnescapeString(b.String())
		if n := strings.Count(text, "<250µs"); n < 2 {
			t.Errorf("%s has <250µs %d times", name, n)
		}
		for line := range strings.Lines(text) {
			if strings.Contains(line, "1ns") && !strings.Contains(line, "ack") && !strings.Contains(line, "percentile") {
				t.Errorf("%s: %s", name, line)
			}
		}
		if name != "junit" && !strings.Contains(text, "1ns") {
			t.Errorf("%s has no ack of 1ns", name)
		}
	}
	r.Clock = Clock{Mode: OneProcess}
	var b bytes.Buffer
	if Text(100, nothing{})(&b, r); strings.Contains(b.String(), "<250µs") || !strings.Contains(b.String(), "1ns") {
		t.Errorf("with one clock: %s", b.String())
	}
}
