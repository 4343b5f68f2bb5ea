package config

import (
	"strings"
	"unicode/utf8"
)

// blanks are the bytes that are removed from the ends of a value that is not quoted.
const blanks = " \t\r"

// quote returns a value as it is written in a profile: without change if it reads back the
// same, else in double quotes, with \" \\ \n \r \t, and \xHH for other control bytes and
// bytes that are not UTF-8.
func quote(s string) string {
	plain := s != "" && s[0] != '"' && strings.Trim(s, blanks) == s && utf8.ValidString(s)
	for i := 0; plain && i < len(s); i++ {
		plain = s[i] >= ' ' && s[i] != 0x7f
	}
	if plain {
		return s
	}
	const hex = "0123456789abcdef"
	b := []byte{'"'}
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		case c < ' ' || c == 0x7f || r == utf8.RuneError && size == 1:
			b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
		default:
			b = append(b, s[i:i+size]...)
		}
		i += size
	}
	return string(append(b, '"'))
}

// unquote returns the value that s, without blanks at its ends, is in a profile. ok is
// false if s is a malformed quoted value.
func unquote(s string) (_ string, ok bool) {
	if s == "" || s[0] != '"' {
		return s, true
	}
	var b []byte
	for i := 1; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"':
			return string(b), i == len(s)-1
		case c != '\\':
		case i+1 == len(s):
			return "", false
		default:
			i++
			switch s[i] {
			case '"', '\\':
				c = s[i]
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			case 't':
				c = '\t'
			case 'x':
				if i+2 >= len(s) {
					return "", false
				}
				high, low := nibble(s[i+1]), nibble(s[i+2])
				if high < 0 || low < 0 || high|low == 0 {
					return "", false
				}
				c = byte(high<<4 | low)
				i += 2
			default:
				return "", false
			}
		}
		b = append(b, c)
	}
	return "", false
}

// nibble returns the value of a hexadecimal digit, or -1.
func nibble(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
