package bench

import (
	"strings"
	"testing"
	"time"

	"mqtt/internal/format"
)

// marks implements Colors with readable marks.
type marks struct{}

func (marks) Error(s string) string   { return "\x1b[1m" + s + "\x1b[0m" }
func (marks) Warning(s string) string { return "\x1b[2m" + s + "\x1b[0m" }
func (marks) Hint(s string) string    { return "\x1b[3m" + s + "\x1b[0m" }
func (marks) Topic(s string) string   { return "\x1b[4m" + s + "\x1b[0m" }
func (marks) Dim(s string) string     { return "\x1b[5m" + s + "\x1b[0m" }

// bare returns s without escape sequences.
func bare(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != 0x1B {
			b.WriteByte(s[i])
			continue
		}
		for i += 2; i < len(s) && (s[i] < 'A' || s[i] > 'Z' && s[i] < 'a'); i++ {
		}
	}
	return b.String()
}

func inTheMiddle() *Live {
	h := newHistogram(coarse)
	for i := range 1000 {
		h.Record(time.Duration(i+100) * time.Microsecond)
	}
	l := &Live{}
	l.Take(&Progress{Phase: "sending", Elapsed: 8 * time.Second, Remaining: 1500 * time.Millisecond, Done: 0.8, Step: time.Second, Wanted: 104,
		Connections: 104, Sent: 1234567, Received: 1234000, SendRate: 123456, ReceiveRate: 123400, Latency: h, LagP99: 72 * time.Microsecond})
	return l
}

func whileConnecting() *Live {
	l := &Live{}
	l.Take(&Progress{Phase: "connecting", Elapsed: 4 * time.Second, Remaining: -1, Done: 0.4, Wanted: 10000, Connections: 4000, OpenRate: 1000,
		Errors: 12, Latency: NewHistogram()})
	return l
}

func whileHolding() *Live {
	l := &Live{}
	l.Take(&Progress{Phase: "holding", Elapsed: 100 * time.Second, Remaining: -1, Done: -1, Wanted: 10000, Connections: 9990, LagP99: time.Second})
	return l
}

func TestLiveGolden(t *testing.T) {
	var b []byte
	for _, l := range []*Live{inTheMiddle(), whileConnecting(), whileHolding()} {
		for _, width := range []int{80, 60, 40} {
			b, _ = AppendLive(b, l, LiveView{Width: width, Colors: format.Palette{}})
		}
		b = AppendLiveLine(b, l)
	}
	text := strings.NewReplacer("\x1b", "^[", "\r", "^M").Replace(string(b))
	golden(t, "live.txt", []byte(text))
}

func TestLiveFitsTheTerminal(t *testing.T) {
	for _, l := range []*Live{inTheMiddle(), whileConnecting(), whileHolding(), {}} {
		for width := range 160 {
			b, lines := AppendLive(nil, l, LiveView{Width: width, Above: 3, Colors: marks{}})
			text := string(b)
			if !strings.HasPrefix(text, "\x1b[3A\r") || !strings.HasSuffix(text, "\r\n\x1b[J") || strings.Count(text, "\x1b[K\r\n") != lines {
				t.Fatalf("width %d: %d lines in %q", width, lines, text)
			}
			for line := range strings.Lines(bare(text)) {
				if n := format.Columns([]byte(strings.Trim(line, "\r\n"))); n > max(width-1, 8) {
					t.Fatalf("width %d: %q takes %d", width, line, n)
				}
			}
		}
	}
}

// TestLiveWithoutWarmup checks that the totals do not include the warm-up.
func TestLiveWithoutWarmup(t *testing.T) {
	h := newHistogram(coarse)
	h.Record(time.Second)
	var l Live
	l.Take(&Progress{Phase: "warming up", Latency: h})
	if l.Latency.Count() != 0 || l.Recent.Count() != 1 {
		t.Errorf("%d so far, %d of late", l.Latency.Count(), l.Recent.Count())
	}
	l.Take(&Progress{Phase: "sending", Latency: h})
	l.Take(&Progress{Phase: "draining", Latency: h})
	if l.Latency.Count() != 2 {
		t.Errorf("%d so far", l.Latency.Count())
	}
	l.Take(&Progress{Phase: "draining"})
	if l.Latency.Count() != 2 || l.Recent.Count() != 0 {
		t.Errorf("%d so far, %d of late", l.Latency.Count(), l.Recent.Count())
	}
}

// A line of a log is short, names its phase unless that is sending, and has a unit with each time and
// rate.
func TestLiveLine(t *testing.T) {
	receiving := &Live{Progress: Progress{Phase: "sending", Elapsed: 62 * time.Second, Remaining: -1, Done: -1, Received: 5, ReceiveRate: 2, Missing: 37,
		Errors: 1200, LagP99: 2 * time.Second}}
	for _, c := range []struct {
		l    *Live
		want string
	}{
		{inTheMiddle(), "[ 8s/10s] sent 1,234,567 (123k/s) p50 602µs p99 1.09ms lost 0"},
		{whileConnecting(), "[4s 40%] connecting: 4,000 of 10,000 connections (1.00k/s) errors 12"},
		{whileHolding(), "[1m40s] holding: 9,990 of 10,000 connections lag 1.00s"},
		{receiving, "[1m02s] received 5 (2/s) lost 37 lag 2.00s errors 1,200"},
		{&Live{Progress: Progress{Phase: "warming up", Elapsed: time.Minute, Remaining: 59 * time.Minute, Sent: 2, Missing: -1}}, "[1m00s/1h] warming up: sent 2"},
		{&Live{Progress: Progress{Phase: "closing", Done: -1, Remaining: -1, Sent: 10, Missing: -1}}, "[0s] closing: sent 10"},
	} {
		if got := string(AppendLiveLine(nil, c.l)); got != c.want+"\n" {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// A narrow terminal shows errors and the lag, and no percentile in part.
func TestLiveNarrow(t *testing.T) {
	for width := 40; width <= 160; width++ {
		l := inTheMiddle()
		l.Errors = 12345
		b, _ := AppendLive(nil, l, LiveView{Width: width, Colors: format.Palette{}})
		text := string(b)
		if strings.Contains(text, "…") || !strings.Contains(text, "errors 12,345") || !strings.Contains(text, "generator lag p99 72.0µs") ||
			!strings.Contains(text, "80%") || !strings.Contains(text, "p99") {
			t.Errorf("width %d: %s", width, text)
		}
	}
}
