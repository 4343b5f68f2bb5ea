package format

import (
	"strconv"
	"time"
)

// civil is a second of local time taken apart. It is kept from message to message,
// since most come within the second of the one before.
type civil struct {
	t                                time.Time // the second, in the zone; zero before the first
	sec                              int64
	year, day, hour, minute, second  int
	month                            time.Month
	weekday, yearDay                 int
	isoYear, isoWeek, offset, hour12 int
	zone                             string
	iso                              []byte // 2026-11-20T15:04:05+0100
}

// isoOffset is the length of the offset at the end of iso.
const isoOffset = len("+0100")

// set makes c the second of t in zone, nil being local time.
func (c *civil) set(t time.Time, zone *time.Location) {
	sec := t.Unix()
	if sec == c.sec && !c.t.IsZero() {
		return
	}
	if zone == nil {
		zone = time.Local
	}
	c.sec, c.t = sec, t.In(zone)
	c.year, c.month, c.day = c.t.Date()
	c.hour, c.minute, c.second = c.t.Clock()
	c.weekday, c.yearDay = int(c.t.Weekday()), c.t.YearDay()
	c.isoYear, c.isoWeek = c.t.ISOWeek()
	c.zone, c.offset = c.t.Zone()
	c.hour12 = (c.hour+11)%12 + 1
	c.iso = append(c.convert(c.iso[:0], 'F', c.t), 'T')
	c.iso = c.appendOffset(c.convert(c.iso, 'T', c.t))
}

// converts tells whether convert knows the conversion.
func converts(c byte) bool {
	switch c {
	case 'a', 'A', 'b', 'B', 'c', 'C', 'd', 'D', 'e', 'F', 'g', 'G', 'h', 'H', 'I', 'j', 'k', 'l', 'm', 'M', 'N',
		'p', 'P', 'r', 'R', 's', 'S', 'T', 'u', 'U', 'V', 'w', 'W', 'x', 'X', 'y', 'Y', 'z', 'Z':
		return true
	}
	return false
}

// convert appends what C's strftime makes of the conversion in the C locale, with the
// GNU additions k, l, P and s; N is nine digits of nanoseconds, of t.
func (c *civil) convert(dst []byte, conversion byte, t time.Time) []byte {
	switch conversion {
	case 'a':
		return append(dst, c.t.Weekday().String()[:3]...)
	case 'A':
		return append(dst, c.t.Weekday().String()...)
	case 'b', 'h':
		return append(dst, c.month.String()[:3]...)
	case 'B':
		return append(dst, c.month.String()...)
	case 'c':
		return c.each(dst, "a b e T Y", t)
	case 'C':
		return digits2(dst, max(c.year, 0)/100%100, '0')
	case 'd':
		return digits2(dst, c.day, '0')
	case 'D', 'x':
		return c.each(dst, "m/d/y", t)
	case 'e':
		return digits2(dst, c.day, ' ')
	case 'F':
		return c.each(dst, "Y-m-d", t)
	case 'g':
		return digits2(dst, max(c.isoYear, 0)%100, '0')
	case 'G':
		return strconv.AppendInt(dst, int64(c.isoYear), 10)
	case 'H':
		return digits2(dst, c.hour, '0')
	case 'I':
		return digits2(dst, c.hour12, '0')
	case 'j':
		return digits2(append(dst, byte('0'+c.yearDay/100)), c.yearDay%100, '0')
	case 'k':
		return digits2(dst, c.hour, ' ')
	case 'l':
		return digits2(dst, c.hour12, ' ')
	case 'm':
		return digits2(dst, int(c.month), '0')
	case 'M':
		return digits2(dst, c.minute, '0')
	case 'N':
		return appendNanos(dst, t.Nanosecond())
	case 'p':
		return append(dst, "AMPM"[c.hour/12*2:][:2]...)
	case 'P':
		return append(dst, "ampm"[c.hour/12*2:][:2]...)
	case 'r':
		return c.each(dst, "I:M:S p", t)
	case 'R':
		return c.each(dst, "H:M", t)
	case 's':
		return strconv.AppendInt(dst, c.sec, 10)
	case 'S':
		return digits2(dst, c.second, '0')
	case 'T', 'X':
		return c.each(dst, "H:M:S", t)
	case 'u':
		return append(dst, byte('0'+(c.weekday+6)%7+1))
	case 'U': // weeks begin on Sunday, days before the first are week 0
		return digits2(dst, (c.yearDay-1+7-c.weekday)/7, '0')
	case 'V':
		return digits2(dst, c.isoWeek, '0')
	case 'w':
		return append(dst, byte('0'+c.weekday))
	case 'W': // weeks begin on Monday
		return digits2(dst, (c.yearDay-1+7-(c.weekday+6)%7)/7, '0')
	case 'y':
		return digits2(dst, max(c.year, 0)%100, '0')
	case 'Y':
		return strconv.AppendInt(dst, int64(c.year), 10)
	case 'z':
		return c.appendOffset(dst)
	}
	return append(dst, c.zone...)
}

// each appends each letter of layout converted, and all else as it is.
func (c *civil) each(dst []byte, layout string, t time.Time) []byte {
	for i := range len(layout) {
		if letter(layout[i]) {
			dst = c.convert(dst, layout[i], t)
		} else {
			dst = append(dst, layout[i])
		}
	}
	return dst
}

func (c *civil) appendOffset(dst []byte) []byte {
	sign, n := byte('+'), c.offset/60
	if n < 0 {
		sign, n = '-', -n
	}
	return digits2(digits2(append(dst, sign), n/60, '0'), n%60, '0')
}

// digits2 appends n, below 100, in two characters.
func digits2(dst []byte, n int, fill byte) []byte {
	if n < 10 {
		return append(dst, fill, byte('0'+n))
	}
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}

// appendNanos appends ns, which is below a second, in nine digits.
func appendNanos(dst []byte, ns int) []byte {
	start := len(dst)
	dst = strconv.AppendInt(dst, int64(time.Second)+int64(ns), 10) // one digit more
	return append(dst[:start], dst[start+1:]...)
}
