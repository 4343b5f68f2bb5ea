package format

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"mqtt/internal/jsonline"
)

func TestVisible(t *testing.T) {
	for _, c := range []struct{ in, body, line string }{
		{"", "", ""},
		{"plain text, longer than eight bytes", "plain text, longer than eight bytes", "plain text, longer than eight bytes"},
		{"naïve 日本語 🎉 \u2028\u2029", "naïve 日本語 🎉 \u2028\u2029", `naïve 日本語 🎉 \u2028\u2029`},
		{"two\nlines\tand\r\n", "two\nlines\tand\\r\n", `two\nlines\tand\r\n`},
		{"\x1b[2J\x07\x00", `\x1b[2J\x07\x00`, `\x1b[2J\x07\x00`},
		{"\x7f", `\x7f`, `\x7f`},
		{"\u009b31m\u0085", `\x9b31m\x85`, `\x9b31m\x85`}, // C1 in UTF-8
		{"\x9b31m", `\x9b31m`, `\x9b31m`},                 // C1 as a byte
		{"\xff\xc3", `\xff\xc3`, `\xff\xc3`},
		{"a\u202eb\u2066c\u200f\u061c", `a\u202eb\u2066c\u200f\u061c`, `a\u202eb\u2066c\u200f\u061c`},
		{"\uFFFD", "\uFFFD", "\uFFFD"}, // the character itself is text
		{`back\slash`, `back\slash`, `back\slash`},
	} {
		if got := string(Visible([]byte("<"), []byte(c.in))); got != "<"+c.body {
			t.Errorf("Visible(%q) = %q, want %q", c.in, got, c.body)
		}
		if got := string(VisibleLine([]byte("<"), []byte(c.in))); got != "<"+c.line {
			t.Errorf("VisibleLine(%q) = %q, want %q", c.in, got, c.line)
		}
	}
}

// TestVisibleEveryByte puts each byte at each place of a word of eight, and after it.
func TestVisibleEveryByte(t *testing.T) {
	for c := range 256 {
		for at := range 18 {
			s := []byte(strings.Repeat("x", 18))
			s[at] = byte(c)
			checkVisible(t, s)
		}
	}
}

// checkVisible checks that b is escaped where necessary and only there.
func checkVisible(t *testing.T, b []byte) {
	t.Helper()
	for _, show := range []func(dst, b []byte) []byte{Visible, VisibleLine} {
		out := show(nil, b)
		if !utf8.Valid(out) {
			t.Fatalf("%q is shown as %q, which is not UTF-8", b, out)
		}
		for _, r := range string(out) {
			if unicode.IsControl(r) && r != '\n' && r != '\t' || isDirectionMark(r) {
				t.Fatalf("%q is shown as %q", b, out)
			}
		}
	}
	if strings.ContainsAny(string(VisibleLine(nil, b)), "\n\t\u2028\u2029") {
		t.Fatalf("%q has more than one line", b)
	}
	clean := utf8.Valid(b) && strings.IndexFunc(string(b), func(r rune) bool {
		return unicode.IsControl(r) || isDirectionMark(r) || r == '\u2028' || r == '\u2029'
	}) < 0
	if clean && string(VisibleLine(nil, b)) != string(b) {
		t.Fatalf("%q needs no change", b)
	}
}

// isDirectionMark reports whether r is a direction mark.
func isDirectionMark(r rune) bool { return r >= 0xA0 && jsonline.Unsafe(r) }

func FuzzVisible(f *testing.F) {
	for _, m := range samples() {
		f.Add(m.Publish.Payload)
	}
	f.Add([]byte("\x9b\xc2\x9b\xe2\x80\xae\xe2\x80"))
	f.Fuzz(checkVisible)
}
