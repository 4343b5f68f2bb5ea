package format

import (
	"strconv"
	"time"

	"github.com/itchyny/timefmt-go"
)

// localTime is the second of a message in the zone that is printed. It is formatted
// once a second, because most messages arrive in the second of the one before.
type localTime struct {
	time time.Time // zero before the first message
	unix int64     // time in seconds
	iso  []byte    // 2026-11-20T15:04:05+0100
}

// isoOffset is the length of the offset at the end of localTime.iso.
const isoOffset = len("+0100")

// setTime makes t the time of f.local, and of the fields that print a time.
func (f *Format) setTime(t time.Time) {
	if t.Unix() != f.local.unix || f.local.time.IsZero() {
		f.nextSecond(t)
	}
}

func (f *Format) nextSecond(t time.Time) {
	zone := f.Zone
	if zone == nil {
		zone = time.Local
	}
	f.local.unix, f.local.time = t.Unix(), t.In(zone)
	f.local.iso = timefmt.AppendFormat(f.local.iso[:0], f.local.time, "%FT%T%z")
	for i := range f.parts {
		if p := &f.parts[i]; p.layout != "" {
			p.text = timefmt.AppendFormat(p.text[:0], f.local.time, p.layout)
		}
	}
}

// timeEscape reports whether C's strftime knows the conversion c, or c is one of the
// additions of GNU (k, l, P, s) and mosquitto (N, nanoseconds).
func timeEscape(c byte) bool {
	switch c {
	case 'a', 'A', 'b', 'B', 'c', 'C', 'd', 'D', 'e', 'F', 'g', 'G', 'h', 'H', 'I', 'j', 'k', 'l', 'm', 'M', 'N',
		'p', 'P', 'r', 'R', 's', 'S', 'T', 'u', 'U', 'V', 'w', 'W', 'x', 'X', 'y', 'Y', 'z', 'Z':
		return true
	}
	return false
}

// appendFraction appends a point and n as the digits of a fraction of unit, a power of ten.
func appendFraction(dst []byte, n, unit int) []byte {
	point := len(dst)
	dst = strconv.AppendInt(dst, int64(unit+n), 10) // a 1, which the point replaces, and the digits
	dst[point] = '.'
	return dst
}

// appendNanos appends ns, which is below a second, in nine digits.
func appendNanos(dst []byte, ns int) []byte {
	start := len(dst)
	dst = strconv.AppendInt(dst, int64(time.Second)+int64(ns), 10) // a 1 and the digits
	return append(dst[:start], dst[start+1:]...)
}
