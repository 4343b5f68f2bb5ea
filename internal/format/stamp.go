package format

import "time"

// stamp appends times in UTC with the text around them. What changes once a second is
// kept: formatting a whole time costs more than the rest of a line.
type stamp struct {
	sec  int64
	n    int // length of text, 0 before the first time
	at   int // where in text the nanoseconds stand
	text [72]byte
}

// append appends before, t as RFC 3339 has it with nine digits of a second and Z, and
// after. before and after are the same at each call, 30 bytes together at most.
func (s *stamp) append(dst []byte, before string, t time.Time, after string) []byte {
	if sec := t.Unix(); sec != s.sec || s.n == 0 {
		s.sec = sec
		b := t.UTC().AppendFormat(append(s.text[:0], before...), "2006-01-02T15:04:05.")
		s.at = len(b)
		s.n = len(append(append(b, "000000000Z"...), after...))
	}
	putFraction((*[9]byte)(s.text[s.at:]), t.Nanosecond())
	return append(dst, s.text[:s.n]...)
}

// appendFraction appends ns, below a second, in nine digits.
func appendFraction(dst []byte, ns int) []byte {
	dst = append(dst, "000000000"...)
	putFraction((*[9]byte)(dst[len(dst)-9:]), ns)
	return dst
}

func putFraction(b *[9]byte, ns int) {
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
