package schema

import (
	"errors"
	"regexp"
	"strings"
)

// What ECMAScript means by \s, as the content of a class, and by its complement.
const (
	spaces    = `\t\n\v\f\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`
	notSpaces = `\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}` +
		`\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}`
)

// compilePattern returns the regular expression for a pattern, which is one of ECMAScript. What package
// regexp lacks (lookahead, references to groups) is an error.
func compilePattern(pattern string) (*regexp.Regexp, error) {
	translated, err := translate(pattern)
	if err != nil {
		return nil, err
	}
	return regexp.Compile(translated)
}

// translate returns pattern in the syntax of package regexp.
func translate(pattern string) (string, error) {
	var b strings.Builder
	class := false // between [ and ]
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case c == '\\':
			if i++; i == len(pattern) {
				return "", errors.New("trailing backslash")
			}
			n, err := translateEscape(&b, pattern[i:], class)
			if err != nil {
				return "", err
			}
			i += n - 1
		case class && c == '[':
			b.WriteString(`\[`) // [: would begin a class by name
		case c == '[' && strings.HasPrefix(pattern[i:], "[]"): // nothing
			b.WriteString(`[^\x{0}-\x{10ffff}]`)
			i++
		case c == '[' && strings.HasPrefix(pattern[i:], "[^]"): // anything
			b.WriteString(`[\x{0}-\x{10ffff}]`)
			i += 2
		case c == '.' && !class:
			b.WriteString(`[^\n\r\x{2028}\x{2029}]`)
		default:
			class = c == '[' || class && c != ']'
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

// translateEscape writes the escape whose text after the backslash s begins with, and returns the size
// of that text.
func translateEscape(b *strings.Builder, s string, class bool) (n int, err error) {
	switch c := s[0]; c {
	case 's', 'S':
		content := spaces
		if c == 'S' {
			content = notSpaces
		}
		if !class {
			content = "[" + content + "]"
		}
		b.WriteString(content)
	case 'u':
		digits, size := "", 0
		if len(s) >= 5 && isHex(s[1:5]) {
			digits, size = s[1:5], 5
		}
		if rest, ok := strings.CutPrefix(s, "u{"); ok {
			if end := strings.IndexByte(rest, '}'); end > 0 && isHex(rest[:end]) {
				digits, size = rest[:end], end+3
			}
		}
		if size == 0 {
			return 0, errors.New(`\u without four hexadecimal digits`)
		}
		b.WriteString(`\x{` + digits + `}`)
		return size, nil
	case 'c':
		if len(s) < 2 || s[1]|0x20 < 'a' || s[1]|0x20 > 'z' {
			return 0, errors.New(`\c without a letter`)
		}
		b.WriteString(`\x{` + string("0123456789abcdef"[s[1]>>4&1]) + string("0123456789abcdef"[s[1]&15]) + `}`)
		return 2, nil
	case 'b':
		if class {
			b.WriteString(`\x08`)
			break
		}
		b.WriteString(`\b`)
	case '0':
		b.WriteString(`\x00`)
	case 'a', 'A', 'z', 'Z', 'C', 'Q', 'E', 'G', 'X': // escapes of package regexp that ECMAScript lacks
		return 0, errors.New(`\` + s[:1] + " is no escape of ECMAScript")
	default:
		b.WriteByte('\\')
		b.WriteByte(c)
	}
	return 1, nil
}

// isHex reports whether s has hexadecimal digits only.
func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdefABCDEF") == ""
}
