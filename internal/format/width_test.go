package format

import "testing"

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

func TestShortenMiddle(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
		used int
	}{
		{"", 5, "", 0},
		{"abc", 3, "abc", 3},
		{"abcdef", 5, "ab…ef", 5},
		{"abcdef", 4, "a…ef", 4},
		{"abc", 1, "…", 1},
		{"abc", 2, "…c", 2},
		{"abc", 0, "", 0},
		{"日本語日本語", 7, "日…本語", 7},
		{"日本語日本語", 6, "日…語", 5},
		{"plant/line0/machine10/temperature", 16, "plant/l…perature", 16},
		{"xxe\u0301ye\u0301", 3, "x…e\u0301", 3},
	} {
		got, used := ShortenMiddle(nil, []byte(c.in), c.n)
		if string(got) != c.want || used != c.used || Columns(got) != used {
			t.Errorf("%q in %d: %q of %d, want %q of %d", c.in, c.n, got, used, c.want, c.used)
		}
	}
}
