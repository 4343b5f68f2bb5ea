package terminal

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// names returns the events of b as text.
func names(events []Event) string {
	var list []string
	for _, e := range events {
		switch {
		case e.Paste:
			list = append(list, fmt.Sprintf("paste %q", e.Text))
		case e.Text != "" && e.Text != e.Name:
			list = append(list, fmt.Sprintf("%s %q", e.Name, e.Text))
		case e.Text == "":
			list = append(list, "<"+e.Name+">")
		default:
			list = append(list, e.Name)
		}
	}
	return strings.Join(list, " ")
}

func TestKeys(t *testing.T) {
	for _, c := range []struct{ in, want, then string }{
		{"aA日é/", "a A 日 é /", ""},
		{" \t\r\x7f\b\n\x00", `space " " <tab> <enter> <backspace> <ctrl+h> <ctrl+j> <ctrl+space>`, ""},
		{"\x01\x03\x12\x1a\x0c\x1f", "<ctrl+a> <ctrl+c> <ctrl+r> <ctrl+z> <ctrl+l> <ctrl+_>", ""},
		{"\x1b[A\x1b[B\x1b[C\x1b[D\x1b[H\x1b[F\x1b[Z", "<up> <down> <right> <left> <home> <end> <shift+tab>", ""},
		{"\x1bOA\x1bOB\x1bOC\x1bOD\x1bOH\x1bOF\x1bOM", "<up> <down> <right> <left> <home> <end> <enter>", ""},
		{"\x1b[1~\x1b[2~\x1b[3~\x1b[4~\x1b[5~\x1b[6~\x1b[7~\x1b[8~", "<home> <insert> <delete> <end> <pgup> <pgdown> <home> <end>", ""},
		{"\x1b[1;5C\x1b[1;2A\x1b[1;8D\x1b[5;3~", "<ctrl+right> <shift+up> <ctrl+alt+shift+left> <alt+pgup>", ""},
		{"\x1bx\x1b\r\x1bé", "<alt+x> <alt+enter> <alt+é>", ""},

		// What is no key is nothing, and types nothing.
		{"\x1b[[Aa\x1b[15~b\x1bOPc\x1b[?1;2cd\x1b[I\x1b[5;10Re", "a b c d e", ""},
		{"\x9b\xffa\xe6\x97b\u009b", "a b", ""},
		{"\x1b[1;\x1b[A", "<up>", ""},
		{"\x1b[" + strings.Repeat("1;", 100) + "Ax", "x", ""},

		// Escape is known after a time in which nothing else came.
		{"\x1b", "", "<esc>"},
		{"\x1b\x1b", "<esc>", "<esc>"},
		{"\x1b\x1b[A", "<esc> <up>", ""},
		{"\x1b[", "", "<esc> ["},
		{"\x1bO", "", "<esc> O"},
		{"\x1b[1;5", "", "<esc> [ 1 ; 5"},
		{"a\xe6\x97", "a", ""},

		{"a\x1b[200~x\r\ny\rz\x1b[31m\x1b[201~b", `a paste "x\ny\nz\x1b[31m" b`, ""},
		{"\x1b[200~\x1b[201~", `paste ""`, ""},
		{"\x1b[200~never ends\x1b[20", "", ""},
		{"\x1b[201~a", "a", ""},
	} {
		d := decoder{}
		if got := names(d.decode([]byte(c.in))); got != c.want {
			t.Errorf("%q: %s, want %s", c.in, got, c.want)
		}
		if d.open() != (c.then != "" || strings.HasSuffix(c.in, "\xe6\x97")) {
			t.Errorf("%q: open %v", c.in, d.open())
		}
		if got := names(d.flush()); !d.pasting && got != c.then {
			t.Errorf("%q: %s after the time, want %s", c.in, got, c.then)
		}
	}
}

func TestLongPaste(t *testing.T) {
	d := decoder{}
	d.decode([]byte("\x1b[200~"))
	for range 3 {
		if events := d.decode([]byte(strings.Repeat("x", longestPaste/2))); events != nil {
			t.Fatal(names(events))
		}
	}
	events := d.decode([]byte("\x1b[201~a"))
	if len(events) != 2 || len(events[0].Text) != longestPaste || events[1].Name != "a" {
		t.Errorf("%d events", len(events))
	}
}

// FuzzKeys checks that it does not matter how the bytes are divided into reads, and that what is kept is
// bounded.
func FuzzKeys(f *testing.F) {
	f.Add([]byte("a\x1b[1;5C\x1bOA\x1b[200~x\x1b[201~\x1b[3~日\x1b"), byte(3))
	f.Add([]byte("\x1b\x1b[[A\x1b[200~\x1b[20\x1b[201~\xe6"), byte(1))
	f.Add([]byte("\x1b["+strings.Repeat("0", 2*longestSequence)+"Ax\x1b[A"), byte(4))
	f.Fuzz(func(t *testing.T, in []byte, size byte) {
		var whole, parts decoder
		want := whole.decode(in)
		var got []Event
		for part := range slices.Chunk(in, int(size)+1) {
			got = append(got, parts.decode(part)...)
			if len(parts.rest) > longestSequence+2 {
				t.Fatalf("%d bytes are kept: %q", len(parts.rest), parts.rest)
			}
		}
		want, got = append(want, whole.flush()...), append(got, parts.flush()...)
		if names(got) != names(want) {
			t.Errorf("%q in parts of %d: %s, want %s", in, int(size)+1, names(got), names(want))
		}
	})
}
