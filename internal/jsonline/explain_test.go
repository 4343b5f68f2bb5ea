package jsonline

import (
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	for _, test := range []struct {
		text   string
		offset int
		what   string
	}{
		{"", 0, "an empty payload is not JSON"},
		{"hello", 0, "not JSON: invalid character 'h' looking for beginning of value"},
		{`{"a":}`, 5, "not JSON: invalid character '}' looking for beginning of value"},
		{"1 2", 2, "not JSON: invalid character '2' after top-level value"},
		{"\xa2aA", 0, "not JSON: text that is not UTF-8"}, // which is not the character ¢
		{"\"ä\xff\"", 3, "not JSON: text that is not UTF-8"},
		{"[x\xff", 1, "not JSON: invalid character 'x' looking for beginning of value"},
		{`["\"[", ` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "]", 7 + MaxDepth, "nested more than 4096 levels deep"},
		{strings.Repeat(`{"a":`, 20_000), 5 * MaxDepth, "nested more than 4096 levels deep"},
	} {
		if offset, what := Explain([]byte(test.text)); offset != test.offset || what != test.what {
			t.Errorf("%.40q: %q at %d, want %q at %d", test.text, what, offset, test.what, test.offset)
		}
	}
}
