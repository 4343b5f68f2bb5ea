package terminal

import (
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/x/vt"
)

// TestFrames shows frames on an emulated terminal: after each it shows exactly the frame.
func TestFrames(t *testing.T) {
	const columns, lines = 12, 4
	full := strings.Repeat("x", columns)
	v := vt.NewEmulator(columns, lines)
	v.WriteString("before")
	v.WriteString(enter)
	var p picture
	for i, f := range []Frame{
		{Lines: []string{"one", "two", "", "four"}},
		{Lines: []string{"one", full, "日本", "four"}},
		{Lines: []string{full, full, full, full}, Cursor: &Cursor{X: 3, Y: 2}},
		{Lines: []string{full, "\x1b[31mred\x1b[0m", full, full}, Cursor: &Cursor{X: 4, Y: 3}},
		{Lines: []string{"", "longer than the terminal", "", ""}},
		{Lines: []string{"short"}},
		{Lines: []string{"a", "b", "c", "d"}},
	} {
		v.Write(p.update(nil, f))
		var got []string
		for line := range strings.Lines(v.String()) {
			got = append(got, strings.TrimRight(line, " \n"))
		}
		for len(got) < lines {
			got = append(got, "")
		}
		want := make([]string, lines)
		for y, line := range f.Lines {
			line = strings.NewReplacer("\x1b[31m", "", "\x1b[0m", "", "longer than the terminal", "longer than l").Replace(line)
			want[y] = line
			if strings.HasPrefix(line, "longer") {
				want[y] = got[y] // where a long line is cut is the matter of the terminal
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("frame %d: %q, want %q", i, got, want)
		}
		if f.Cursor != nil {
			if at := v.CursorPosition(); at.X != f.Cursor.X || at.Y != f.Cursor.Y {
				t.Errorf("frame %d: cursor at %v, want %v", i, at, *f.Cursor)
			}
		}
	}
	v.WriteString(leave)
	if got := strings.TrimSpace(v.String()); got != "before" {
		t.Errorf("%q is left", got)
	}
}

// TestUpdate checks what is written: lines that have changed, and nothing if none has.
func TestUpdate(t *testing.T) {
	var p picture
	f := Frame{Lines: []string{"a", "b", "c"}, Cursor: &Cursor{X: 1}}
	for _, c := range []struct {
		change func()
		want   string
	}{
		{func() {}, "\x1b[2J\x1b[1;1H\x1b[2Ka\x1b[2;1H\x1b[2Kb\x1b[3;1H\x1b[2Kc\x1b[1;2H\x1b[?25h"},
		{func() { f.Lines = []string{"a", "B", "c"} }, "\x1b[2;1H\x1b[2KB\x1b[1;2H\x1b[?25h"},
		{func() { f.Lines = []string{"a", "B", "c"}; f.Cursor = &Cursor{X: 1} }, ""},
		{func() { f.Cursor = &Cursor{X: 2} }, "\x1b[1;3H\x1b[?25h"},
		{func() { f.Cursor = nil }, "\x1b[?25l"},
		{func() { p.valid = false }, "\x1b[2J\x1b[1;1H\x1b[2Ka\x1b[2;1H\x1b[2KB\x1b[3;1H\x1b[2Kc"},
	} {
		c.change()
		got := string(p.update(nil, f))
		switch c.want {
		case "":
		case "\x1b[?25l":
			c.want = begin + end
		default:
			c.want = begin + c.want + end
		}
		if got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
