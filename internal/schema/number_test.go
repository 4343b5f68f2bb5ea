package schema

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestNumbers compares random decimals with package big.
func TestNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	digits := func(most int) string {
		var b strings.Builder
		for range 1 + r.IntN(most) {
			b.WriteByte("0012359"[r.IntN(7)])
		}
		return b.String()
	}
	number := func() string {
		s := digits(25)
		if s = strings.TrimLeft(s, "0"); s == "" {
			s = "0"
		}
		if r.IntN(2) == 0 {
			s += "." + digits(8)
		}
		if r.IntN(3) == 0 {
			s += fmt.Sprintf("%c%+d", "eE"[r.IntN(2)], r.IntN(40)-20)
		}
		if r.IntN(3) == 0 {
			s = "-" + s
		}
		return s
	}
	multiples := 0
	for range 50_000 {
		a, b := number(), number()
		if r.IntN(4) == 0 { // the same number in another form, or a multiple
			b = a
			if !strings.ContainsAny(a, "eE") {
				b += "e0"
			}
		}
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		d, e := parseDecimal([]byte(a)), parseDecimal([]byte(b))
		if got, want := d.compare(&e), x.Cmp(y); got != want {
			t.Fatalf("%s compared with %s: %d, want %d", a, b, got, want)
		}
		if got, want := d.integer(), x.IsInt(); got != want {
			t.Fatalf("%s is an integer: %t, want %t", a, got, want)
		}
		for _, m := range []string{b, "0.01", "3", "25e2", "1", "18446744073709551557", "99999999999999999999999"} {
			e := parseDecimal([]byte(m))
			if y, _ = new(big.Rat).SetString(m); y.Sign() <= 0 {
				continue
			}
			by := newDivisor(e)
			want := new(big.Rat).Quo(x, y).IsInt()
			if got := by.divides(&d); got != want {
				t.Fatalf("%s is a multiple of %s: %t, want %t", a, m, got, want)
			}
			if want {
				multiples++
			}
		}
	}
	if multiples < 10_000 {
		t.Errorf("only %d multiples: a poor sample", multiples)
	}
}

// TestPatterns checks what ECMAScript means by a pattern.
func TestPatterns(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		match         bool
	}{
		{`b`, "abc", true}, // patterns are not anchored
		{`^b`, "abc", false},
		{`a$`, "a\n", false},
		{`^[^]$`, "\n", true},
		{`[]`, "a", false},
		{`^\u{1F600}$`, "😀", true},
		{`^\u0041\x42\0$`, "AB\x00", true},
		{`^\cj\cJ$`, "\n\n", true},
		{`^[\b]$`, "\b", true},
		{`\bb\b`, "a b c", true},
		{`^\s$`, "\ufeff", true},
		{`^\S$`, "\ufeff", false},
		{`^[\S ]$`, "\u2003", false},
		{`^[^\s]$`, "\u2003", false},
		{`^\d$`, "\u0967", false},
		{`^\w$`, "ä", false},
		{`^(?<year>\d{4})-(?:0[1-9]|1[0-2])$`, "2026-11", true},
		{`^a\/b\-c$`, "a/b-c", true},
		{`^[a\]]+$`, "a]", true},
		{`^[[]$`, "[", true},
		{`^.{2}$`, "😀ä", true},
		{`^.$`, "\r", false},
	} {
		p, err := compilePattern(test.pattern)
		if err != nil {
			t.Errorf("%s: %v", test.pattern, err)
		} else if p.MatchString(test.text) != test.match {
			t.Errorf("%s matches %q: %t", test.pattern, test.text, !test.match)
		}
	}
	for _, wrong := range []string{`(?=a)`, `(?<!a)b`, `(a)\1`, `\`, `[`, `a{2,1}`, `\u{}`, `\u12`, `\c1`, `\Qa\E`, `\A`, `a**`, `a{1001}`} {
		if p, err := compilePattern(wrong); err == nil {
			t.Errorf("%s: no error, %v", wrong, p)
		}
	}
}
