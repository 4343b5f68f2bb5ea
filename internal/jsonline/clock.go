package jsonline

import "time"

// clock parses times of RFC 3339. It keeps the last second that it parsed, because
// recorded messages come many to a second.
type clock struct {
	text   [19]byte // 2026-11-20T15:04:05
	second int64    // Unix time of text
}

// parse reads s into t, in UTC, and reports whether s is a time.
func (c *clock) parse(s []byte, t *time.Time) bool {
	ns, written := nanos(s)
	if written && string(s[:19]) == string(c.text[:]) {
		*t = time.Unix(c.second, ns).UTC()
		return true
	}
	parsed, err := time.Parse(time.RFC3339Nano, string(s))
	if err != nil {
		return false
	}
	*t = parsed.UTC()
	if written {
		c.second = parsed.Unix()
		copy(c.text[:], s)
	}
	return true
}

// nanos returns the nanoseconds of a time in the form that an Encoder writes, nine
// digits and Z. ok is false if s has another form.
func nanos(s []byte) (ns int64, ok bool) {
	if len(s) != 30 || s[19] != '.' || s[29] != 'Z' {
		return 0, false
	}
	for _, c := range s[20:29] {
		if c < '0' || c > '9' {
			return 0, false
		}
		ns = 10*ns + int64(c-'0')
	}
	return ns, true
}
