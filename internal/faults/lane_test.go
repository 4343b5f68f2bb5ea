package faults

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// A Lane forwards what the actions of its packets tell, and a plan decides the same as often as it is
// asked. Each word occurs exactly as often as the packets that arrive show.
func TestLaneCounts(t *testing.T) {
	const packets = 10_000
	for _, words := range []string{"drop=1%", "duplicate=3%", "reorder=5%", "corrupt=2%", "drop=10% duplicate=10% reorder=10% corrupt=10%"} {
		decided := make(map[string]int)
		var out []byte
		var lane Lane
		f := parse(t, words).Connection()
		for i := range packets {
			b := fmt.Appendf([]byte{0x30, 8}, "%08d", i)
			a := f.Packet(Packet{In: true, Type: proto.PUBLISH, Size: len(b)})
			decided[a.Word()]++
			out = lane.Packet(out, a, b, len(b))
		}
		out = lane.Flush(out)

		seen := make(map[string]int)
		arrived := make(map[int]int)
		highest := -1
		for b := range chunks(out, 10) {
			var n int
			if b[0] != 0x30 || b[1] != 8 || len(b) != 10 {
				seen["corrupt"]++
				continue
			}
			if _, err := fmt.Sscanf(string(b[2:]), "%d", &n); err != nil || string(b[2:]) != fmt.Sprintf("%08d", n) || n >= packets {
				seen["corrupt"]++
				continue
			}
			if arrived[n]++; arrived[n] == 2 {
				seen["duplicate"]++
			}
			if n < highest {
				seen["before"]++
			}
			highest = max(highest, n)
		}
		// A flipped bit of a digit may give another digit: then the number is there twice or out of order.
		if total := len(out) / 10; total != packets-decided["drop"]+decided["duplicate"] {
			t.Errorf("%s: %d packets arrived, decided %v", words, total, decided)
		}
		if decided["corrupt"] == 0 && (seen["duplicate"] != decided["duplicate"] || len(arrived) != packets-decided["drop"]) {
			t.Errorf("%s: seen %v, decided %v", words, seen, decided)
		}
		if decided["corrupt"] == 0 && seen["before"] != decided["reorder"] {
			t.Errorf("%s: %d out of order, decided %v", words, seen["before"], decided)
		}
		for word, n := range decided {
			if word != "" && (n < 50 || n > 1300) {
				t.Errorf("%s: %s occurs %d times", words, word, n)
			}
		}
	}
}

// chunks yields b in parts of n bytes.
func chunks(b []byte, n int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for ; len(b) > 0; b = b[min(n, len(b)):] {
			if !yield(b[:min(n, len(b))]) {
				return
			}
		}
	}
}

// A packet that comes in parts is treated as one.
func TestLaneParts(t *testing.T) {
	packet := bytes.Repeat([]byte{0}, 100)
	for _, row := range []struct {
		a    Action
		want func(b []byte) bool
	}{
		{Action{}, func(b []byte) bool { return bytes.Equal(b, packet) }},
		{Action{Drop: true}, func(b []byte) bool { return len(b) == 0 }},
		{Action{Corrupt: true, Bit: 50*8 + 1}, func(b []byte) bool { return len(b) == 100 && b[50] == 0x40 && bytes.Count(b, []byte{0}) == 99 }},
	} {
		var l Lane
		var out []byte
		out = l.Packet(out, row.a, packet[:30], 100)
		out = l.More(out, packet[30:51])
		out = l.More(out, packet[51:])
		if l.Left() != 0 || !row.want(out) {
			t.Errorf("%+v: %d bytes left, %x", row.a, l.Left(), out)
		}
	}
}

// Delays move everything behind a packet, and a limited speed is a queue.
func TestLaneDue(t *testing.T) {
	var l Lane
	start := time.Now()
	for i, row := range []struct {
		a    Action
		n    int
		came time.Duration
		want time.Duration
	}{
		{Action{Delay: 50 * time.Millisecond}, 10, 0, 50 * time.Millisecond},
		{Action{}, 10, time.Millisecond, 50 * time.Millisecond},
		{Action{Delay: 50 * time.Millisecond}, 10, 2 * time.Millisecond, 52 * time.Millisecond},
		{Action{Speed: 1000}, 100, 100 * time.Millisecond, 200 * time.Millisecond},
		{Action{Speed: 1000}, 100, 100 * time.Millisecond, 300 * time.Millisecond},
		{Action{}, 100, time.Second, time.Second},
	} {
		if got := l.Due(row.a, row.n, start.Add(row.came)).Sub(start); got != row.want {
			t.Errorf("packet %d is due after %v, want %v", i+1, got, row.want)
		}
	}
}
