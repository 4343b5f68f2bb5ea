package jsonline

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// Unsafe reports whether r, which is not ASCII, could control a terminal: a C1 control
// character, or a mark that changes the direction of writing, with which a text can be
// displayed as a different one. Strings written by this package have it escaped.
func Unsafe(r rune) bool {
	return r < 0xA0 || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 || r == 0x200E || r == 0x200F || r == 0x061C
}

// AppendRuneEscape appends r, which is below 0x10000, as \uXXXX.
func AppendRuneEscape(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// AppendText appends s as the text of a JSON string, without quotes. Control characters
// including DEL and C1, and direction marks, are escaped, so that the text is safe on a
// terminal. ok is false if s is not UTF-8; the bytes appended are then meaningless.
func AppendText(dst, s []byte) (_ []byte, ok bool) {
	start := 0 // of the bytes that are not copied yet
	for i := 0; ; {
		if i = nextToEscape(s, i); i == len(s) {
			return append(dst, s[start:]...), true
		}
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(s[i:])
			if r == utf8.RuneError && n == 1 {
				return dst, false
			}
			if Unsafe(r) {
				dst = AppendRuneEscape(append(dst, s[start:i]...), r)
				start = i + n
			}
			i += n
			continue
		}
		dst = append(dst, s[start:i]...)
		i++
		start = i
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

// AppendString appends s as a JSON string. Bytes that are not UTF-8, which no packet
// can carry in a text, are replaced by U+FFFD, so that the result is always JSON.
func AppendString(dst, s []byte) []byte {
	dst = append(dst, '"')
	start := len(dst)
	dst, ok := AppendText(dst, s)
	if !ok {
		dst, _ = AppendText(dst[:start], bytes.ToValidUTF8(s, []byte("\uFFFD")))
	}
	return append(dst, '"')
}

// AppendBase64 appends b in base64 as a JSON string.
func AppendBase64(dst, b []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(append(dst, '"'), b), '"')
}
