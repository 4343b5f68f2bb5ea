package format

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"
)

// appendEscaped appends s as the inside of a JSON string. Control characters, C1 and
// DEL among them, and marks that turn the direction of writing are escaped, so that
// the line is safe to show on a terminal. ok is false if s is not UTF-8; what was
// appended is of no use then.
func appendEscaped(dst, s []byte) (_ []byte, ok bool) {
	from := 0
	for i := 0; ; {
		if i = toWrite(s, i); i == len(s) {
			return append(dst, s[from:]...), true
		}
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(s[i:])
			if r == utf8.RuneError && n == 1 {
				return dst, false
			}
			if drives(r) {
				dst = appendEscapedRune(append(dst, s[from:i]...), r)
				from = i + n
			}
			i += n
			continue
		}
		dst = append(dst, s[from:i]...)
		i++
		from = i
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
}

// appendString appends s as a JSON string. What a packet cannot carry, text that is
// not UTF-8, has U+FFFD in its place, so that the line is JSON whatever comes.
func appendString(dst, s []byte) []byte {
	dst = append(dst, '"')
	n := len(dst)
	dst, ok := appendEscaped(dst, s)
	if !ok {
		dst, _ = appendEscaped(dst[:n], bytes.ToValidUTF8(s, []byte("\uFFFD")))
	}
	return append(dst, '"')
}

// appendBase64 appends b as a JSON string of base64.
func appendBase64(dst, b []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(append(dst, '"'), b), '"')
}
