package format

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseDuration parses a duration that is not negative: seconds (5, 0.5), or numbers with
// units from ns to h (250ms, 1m30s).
func ParseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("duration %q: want seconds, or units as in 250ms, 5s, 1m30s, 2h", s)
	if s == "" || s[0] == '-' || s[0] == '+' {
		return 0, bad
	}
	t := s
	if c := t[len(t)-1]; c >= '0' && c <= '9' || c == '.' {
		if strings.ContainsAny(t, "hmsnuµμ") {
			return 0, bad // such as 1m30
		}
		t += "s"
	}
	d, err := time.ParseDuration(t)
	if err != nil {
		if plainNumber(s) {
			return 0, fmt.Errorf("duration %q: more than 290 years", s)
		}
		return 0, bad
	}
	return d, nil
}

// plainNumber reports whether s consists of digits and at most one point.
func plainNumber(s string) bool {
	digits, points := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '.':
			points++
		default:
			return false
		}
	}
	return digits > 0 && points <= 1
}

// splitUnit divides s into a number and the text after it, without spaces between them.
func splitUnit(s string) (x float64, unit string, ok bool) {
	i := 0
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.') {
		i++
	}
	if !plainNumber(s[:i]) {
		return 0, "", false
	}
	x, err := strconv.ParseFloat(s[:i], 64)
	return x, strings.TrimLeft(s[i:], " "), err == nil
}

// ParseSize parses a number of bytes: 64, 1KiB, 1.5MB. The units K, M and G, with or
// without B, are powers of 1000; Ki, Mi and Gi are powers of 1024. Case is ignored.
func ParseSize(s string) (int64, error) {
	x, unit, ok := splitUnit(s)
	if ok {
		switch strings.TrimSuffix(strings.ToLower(unit), "b") {
		case "":
		case "k":
			x *= 1e3
		case "m":
			x *= 1e6
		case "g":
			x *= 1e9
		case "ki":
			x *= 1 << 10
		case "mi":
			x *= 1 << 20
		case "gi":
			x *= 1 << 30
		default:
			ok = false
		}
	}
	switch {
	case !ok:
		return 0, fmt.Errorf("size %q: want bytes, or units as in 64, 1KiB, 1.5MB", s)
	case x != math.Trunc(x):
		return 0, fmt.Errorf("size %q: not a whole number of bytes", s)
	case x > 1<<53:
		return 0, fmt.Errorf("size %q: too large", s)
	}
	return int64(x), nil
}

// ParseRate parses a rate, per second unless the text says otherwise: 1000, 1000/s,
// 2.5k/s, 600/m, 90/h. It returns the rate per second. k and M are thousands and millions.
func ParseRate(s string) (float64, error) {
	x, unit, ok := splitUnit(s)
	unit, per, given := strings.Cut(unit, "/")
	switch unit {
	case "":
	case "k", "K":
		x *= 1e3
	case "M":
		x *= 1e6
	default:
		ok = false
	}
	switch per {
	case "s":
	case "m", "min":
		x /= 60
	case "h":
		x /= 3600
	default:
		ok = ok && !given
	}
	if !ok {
		return 0, fmt.Errorf("rate %q: want a number a second, as in 1000, 1000/s, 2.5k/s or 600/m", s)
	}
	return x, nil
}
