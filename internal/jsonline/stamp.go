package jsonline

import "time"

// stamp appends times in UTC with the text around them. It keeps the text of the last
// second, because formatting a whole time costs more than the rest of a line.
type stamp struct {
	second int64 // Unix time of text
	size   int   // length of text, 0 before the first time
	nanos  int   // index in text of the nanoseconds
	text   [72]byte
}

// append appends before, then t in RFC 3339 with nine digits of the second and Z, then
// after. before and after are the same at each call and have at most 30 bytes together.
func (s *stamp) append(dst []byte, before string, t time.Time, after string) []byte {
	if second := t.Unix(); second != s.second || s.size == 0 {
		s.second = second
		b := t.UTC().AppendFormat(append(s.text[:0], before...), "2006-01-02T15:04:05.")
		s.nanos = len(b)
		s.size = len(append(append(b, "000000000Z"...), after...))
	}
	putNanos((*[9]byte)(s.text[s.nanos:]), t.Nanosecond())
	return append(dst, s.text[:s.size]...)
}

// putNanos writes ns, which is below a second, in nine digits.
func putNanos(b *[9]byte, ns int) {
	n := uint32(ns)
	for i := 8; i > 0; i -= 2 {
		q := n / 100
		r := n - q*100
		b[i] = byte('0' + r%10)
		b[i-1] = byte('0' + r/10)
		n = q
	}
	b[0] = byte('0' + n)
}

// AppendTime appends t as a line has it, without quotes.
func AppendTime(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000000Z")
}
