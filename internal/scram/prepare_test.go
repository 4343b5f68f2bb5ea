package scram

import "testing"

// TestPrepare checks the examples of RFC 4013, and one character of each table.
func TestPrepare(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"I\u00ADX", "IX"}, {"user", "user"}, {"USER", "USER"}, {"\u00AA", "a"}, {"\u2168", "IX"}, {"", ""},
		{"a\u00A0b\u3000c", "a b c"}, {"e\u0301", "é"}, {"ﬁ", "fi"}, {"a\u200Bb\uFE0F", "ab"}, {"pässwörd", "pässwörd"},
		{"\u0627\u0031\u0628", "\u0627\u0031\u0628"}, {"日本", "日本"},
	} {
		if got, err := Prepare(c.in); got != c.want || err != nil {
			t.Errorf("%+q: %+q, %v, want %+q", c.in, got, err, c.want)
		}
	}
	for _, in := range []string{"\u0007", "\u0627\u0031", "a\u0627", "\u0627a\u0627", "\xff", "\u0085", "\u06DD", "\u202E", "\u2FF0", "\uE000", "\uFDD0", "\uFFFD", "\U0001FFFE", "\U000E0001", "\u0000"} {
		if got, err := Prepare(in); err == nil {
			t.Errorf("%+q became %+q", in, got)
		}
	}
}
