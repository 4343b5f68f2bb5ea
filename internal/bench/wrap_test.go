package bench

import (
	"strings"
	"testing"
	"time"

	"mqtt/internal/format"
)

// On a terminal notes are broken at spaces, and nothing of them is lost; elsewhere a note is one line.
func TestNotesAreWrapped(t *testing.T) {
	const note = "as fast as it goes: latency is time in the queues on the way, since messages leave as fast as the server takes them"
	for _, width := range []int{10, 40, 80, 120, 300} {
		lines := (&text{width: width, wrapped: true}).wrap(note)
		if got := strings.Join(lines, " "); got != note {
			t.Errorf("%d columns: %q", width, got)
		}
		for _, line := range lines {
			if len(line) > max(width-textIndent, 20) {
				t.Errorf("%d columns: %q is wider", width, line)
			}
		}
	}
	if lines := (&text{width: 40}).wrap(note); len(lines) != 1 {
		t.Errorf("in a pipe: %d lines", len(lines))
	}
	if got := (&text{width: 30, wrapped: true}).wrap("a " + strings.Repeat("x", 50)); len(got) != 2 || got[0] != "a" {
		t.Errorf("a word wider than the terminal: %q", got)
	}
}

// At 40 columns the shares of the histogram are whole.
func TestHistogramAt40(t *testing.T) {
	h := NewHistogram()
	for i := range 100000 {
		h.Record(time.Duration(i) * time.Microsecond)
	}
	text := string(AppendHistogram(nil, h, 0, 40, format.Palette{}))
	if strings.Contains(text, "…") {
		t.Errorf("cut:\n%s", text)
	}
	for line := range strings.Lines(text) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 40 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}
