package watch

import (
	"cmp"
	"strings"
)

// Natural compares a and b as people order names: runs of digits by their number, 9 before 10.
func Natural(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		if !isDigit(x[0]) || !isDigit(y[0]) {
			if x[0] != y[0] {
				return cmp.Compare(x[0], y[0])
			}
			x, y = x[1:], y[1:]
			continue
		}
		var m, n string
		m, x = digits(x)
		n, y = digits(y)
		m, n = strings.TrimLeft(m, "0"), strings.TrimLeft(n, "0")
		if len(m) != len(n) {
			return cmp.Compare(len(m), len(n))
		}
		if m != n {
			return cmp.Compare(m, n)
		}
	}
	if x != "" || y != "" {
		return cmp.Compare(len(x), len(y))
	}
	return cmp.Compare(a, b) // 01 and 1
}

// digits splits s after its leading digits.
func digits(s string) (number, rest string) {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return s[:n], s[n:]
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
