package format

import "time"

// clock reads times of RFC 3339. The seconds of the last one are kept: recorded
// messages come many to a second.
type clock struct {
	text [19]byte // 2026-11-20T15:04:05
	sec  int64
}

// parse reads s into t, in UTC.
func (c *clock) parse(s []byte, t *time.Time) bool {
	if ns, ok := fraction(s); ok {
		if string(s[:19]) == string(c.text[:]) {
			*t = time.Unix(c.sec, ns).UTC()
			return true
		}
	}
	got, err := time.Parse(time.RFC3339Nano, string(s))
	if err != nil {
		return false
	}
	*t = got.UTC()
	if _, ok := fraction(s); ok {
		c.sec = got.Unix()
		copy(c.text[:], s)
	}
	return true
}

// fraction reads the nanoseconds of a time in the form that JSON writes: nine digits
// and Z.
func fraction(s []byte) (ns int64, ok bool) {
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
