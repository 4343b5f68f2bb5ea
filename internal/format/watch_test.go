package format

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func watched() []Row {
	return []Row{
		{[]byte("home/kitchen/temperature"), 12345, 2.5, 3 * time.Second, []byte("21.5")},
		{[]byte("日本/東京"), 1, 0, 90 * time.Minute, []byte("広い文字 is wide text that does not fit into the column at all, whatever one does")},
		{[]byte("bad\x1b[2J"), 2, 1234.5, 0, []byte("\x1b]0;title\x07 \xff\nsecond")},
		{[]byte(strings.Repeat("long/", 20)), 1_234_567_890, 3.5e6, 25 * time.Hour, nil},
	}
}

func TestTableGolden(t *testing.T) {
	var out []byte
	for _, v := range []View{
		{Width: 80, Height: 24},
		{Width: 80, Height: 24, Above: 5, Palette: NewPalette(true)},
		{Width: 60, Height: 5, Above: 3},
		{Width: 10, Height: 1},
	} {
		var lines int
		out, lines = AppendTable(out, watched(), v)
		if n := bytes.Count(out, []byte("\r\n")); lines == 0 || lines > n {
			t.Errorf("%d lines of %d", lines, n)
		}
		out = append(out, "\n--\n"...)
	}
	golden(t, "watch.golden", Visible(nil, out)) // escape sequences are visible
}

func TestTableFitsTheTerminal(t *testing.T) {
	escapes := regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]|\r`)
	for width := 35; width < 200; width += 3 {
		for height := range 8 {
			out, lines := AppendTable(nil, watched(), View{Width: width, Height: height, Palette: NewPalette(true)})
			if height >= 4 && lines > height-1 {
				t.Errorf("%d lines on a terminal of %d", lines, height)
			}
			rows := strings.Split(string(escapes.ReplaceAll(out, nil)), "\n")
			if len(rows) != lines+1 || rows[lines] != "" {
				t.Errorf("%d lines returned, %d drawn", lines, len(rows)-1)
			}
			for _, r := range rows {
				if n := Columns([]byte(r)); n >= width {
					t.Errorf("a line of %d columns on a terminal of %d: %q", n, width, r)
				}
				if !utf8.ValidString(r) || strings.ContainsAny(r, "\x1b\x07") {
					t.Errorf("unsafe: %q", r)
				}
			}
		}
	}
}

func TestColumnsAndShorten(t *testing.T) {
	for _, c := range []struct {
		in      string
		columns int
		n       int
		want    string
		used    int
	}{
		{"", 0, 5, "", 0},
		{"abc", 3, 3, "abc", 3},
		{"abcd", 4, 3, "ab…", 3},
		{"abc", 3, 1, "…", 1},
		{"abc", 3, 0, "", 0},
		{"日本語", 6, 6, "日本語", 6},
		{"日本語", 6, 5, "日本…", 5},
		{"日本語", 6, 4, "日…", 3}, // a character of two columns is not cut
		{"e\u0301te\u0301", 3, 3, "e\u0301te\u0301", 3},
		{"e\u0301te\u0301x", 4, 3, "e\u0301t…", 3},
		{"🎉🎉", 4, 3, "🎉…", 3},
		{"naïve", 5, 4, "naï…", 4},
	} {
		if got := Columns([]byte(c.in)); got != c.columns {
			t.Errorf("%q occupies %d columns, want %d", c.in, got, c.columns)
		}
		if got, used := Shorten(nil, []byte(c.in), c.n); string(got) != c.want || used != c.used {
			t.Errorf("%q in %d: %q of %d, want %q of %d", c.in, c.n, got, used, c.want, c.used)
		}
	}
	for i := 1; i < len(wide); i++ {
		if wide[i][0] <= wide[i-1][1] || wide[i][1] < wide[i][0] {
			t.Errorf("range %x is not in order", wide[i])
		}
	}
}
