package watch

import (
	"slices"
	"strings"
	"testing"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		payload, field string
		want           float64
		ok             bool
	}{
		{"21.5", "", 21.5, true},
		{" -3e2\n", "", -300, true},
		{"", "", 0, false},
		{"NaN", "", 0, false},
		{"0x10", "", 0, false},
		{"1_0", "", 0, false},
		{"1e999", "", 0, false},
		{"on", "", 0, false},
		{strings.Repeat("1", 65), "", 0, false},
		{`{"temp": 1.5}`, "", 0, false},
		{`{"temp": 1.5}`, ".temp", 1.5, true},
		{`{"rooms": [{"t": 1}, {"t": 2}]}`, ".rooms[1].t", 2, true},
		{`{"temp": "1.5"}`, ".temp", 0, false},
		{`{"temp": 1.5`, ".temp", 0, false},
	} {
		if got, ok := Number([]byte(c.payload), c.field); got != c.want || ok != c.ok {
			t.Errorf("%q of %q: %v, %v", c.field, c.payload, got, ok)
		}
	}
	if got := Fields([]byte(`{"n10": 1, "n9": [2, {"x": 3}], "s": "4", "z": null}`)); !slices.Equal(got, []string{".n9[0]", ".n9[1].x", ".n10"}) {
		t.Errorf("%q", got)
	}
	for _, c := range []struct {
		numbers []float64
		width   int
		want    string
	}{
		{nil, 5, ""},
		{[]float64{5}, 5, "▄"},
		{[]float64{0, 7}, 5, "▁█"},
		{[]float64{100, 0, 1, 2, 3, 4, 5, 6, 7}, 8, "▁▂▃▄▅▆▇█"},
		{[]float64{-1.7e308, 0, 1.7e308}, 3, "▁▅█"},
	} {
		if got, _, _ := Sparkline(c.numbers, c.width); got != c.want {
			t.Errorf("%v: %s, want %s", c.numbers, got, c.want)
		}
	}
}

func TestPayloadForms(t *testing.T) {
	for _, c := range []struct {
		form    Form
		payload string
		want    string
		used    Form
	}{
		{Auto, `{"a":1, "b":[]}`, "{\n  \"a\": 1,\n  \"b\": []\n}", JSON},
		{Auto, "21.5", "21.5", Text},
		{Auto, "two\r\nlines\n", "two\nlines", Text},
		{Auto, "\x1b[2J", "0000  1b 5b 32 4a              .[2J", Hex},
		{Text, "\x1b[2J\xff", `\x1b[2J\xff`, Text},
		{JSON, "not", "not", Text},
		{Hex, "0123456789", "0000  30 31 32 33 34 35 36 37  01234567\n0008  38 39                    89", Hex},
		{Decoded, "x", "x", Text},
		{Auto, "", "", Text},
	} {
		lines, used := Lines(c.form, []byte(c.payload), "", false, 45)
		if got := strings.Join(lines, "\n"); got != c.want || used != c.used {
			t.Errorf("%v of %q: %v\n%s\nwant %v\n%s", c.form, c.payload, used, got, c.used, c.want)
		}
	}
	if lines, used := Lines(Auto, []byte{1}, "{decoded}", true, 45); lines[0] != "{decoded}" || used != Decoded {
		t.Errorf("%q, %v", lines, used)
	}
}
