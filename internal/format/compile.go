package format

import (
	"fmt"

	"mqtt/internal/jsonline"
)

// Limits of a format's fields, in characters.
const maxField = 10000

// piece is a literal or one field of a format.
type piece struct {
	verb    byte // the letter behind % or @; 0 for a literal
	strf    bool // it was @
	left    bool
	zero    bool
	bare    bool // it is the bytes as they came: neither cut nor padded, nor written otherwise
	width   int
	max     int // -1 is none
	sep     byte
	literal string
}

// SyntaxError says what is wrong with a format.
type SyntaxError struct {
	Escape string // as it stands in the format
	Offset int    // in bytes, of its first
	What   string
}

// Error names the escape, its place counted from 1, and the fault.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("format: %s %q at character %d", e.What, e.Escape, e.Offset+1)
}

// Format prints messages by a format string as mosquitto_sub -F has it.
//
//	%%  a percent sign          %l  payload length          %S  subscription identifier
//	%A  topic alias             %m  packet identifier       %t  topic
//	%C  content type            %P  user properties, k:v    %U  Unix time, nine digits
//	%D  correlation data        %p  payload                 %x  payload in hex
//	%E  message expiry          %q  QoS                     %X  payload in HEX
//	%F  payload format          %R  response topic          %f  payload, float of 4 bytes
//	%I  ISO 8601 date and time  %r  RETAIN, 0 or 1          %d  payload, double of 8 bytes
//	%j  JSON, payload a string  %J  JSON, payload as it is
//	@@  an at sign              @N  nanoseconds             @c  as strftime's %c, and so on
//	\\ \0 \a \e \n \r \t \v
//
// Between % and its letter may stand - (left), 0 (zeros before numbers), a width, and
// .max: characters for C, I, R and t; for x and X nibbles to a group and behind them a
// separator, a space if none is named; for f and d digits behind the point. A width
// cuts a payload that is longer, p to as many characters, x and X to as many bytes.
type Format struct {
	Options
	pieces  []piece
	warning error
	local   civil
	check   jsonline.Checker
	scratch []byte
}

// Compile reads a format string. An error is a *SyntaxError.
func Compile(format string, o Options) (*Format, error) {
	f := &Format{Options: o}
	var text []byte
	flush := func() {
		if len(text) > 0 {
			f.pieces = append(f.pieces, piece{literal: string(text)})
			text = text[:0]
		}
	}
	for i := 0; i < len(format); {
		c := format[i]
		bad := func(end int, what string) error {
			return &SyntaxError{Escape: format[i:min(end, len(format))], Offset: i, What: what}
		}
		if c != '%' && c != '@' && c != '\\' {
			text = append(text, c)
			i++
			continue
		}
		if i+1 == len(format) {
			return nil, bad(i+1, "unfinished escape")
		}
		next := format[i+1]
		switch c {
		case '\\':
			b, ok := backslash(next)
			if !ok {
				return nil, bad(i+2, "unknown escape")
			}
			text = append(text, b)
			i += 2
		case '@':
			switch {
			case next == '@' || next == '%':
				text = append(text, next)
			case next == 'n':
				text = append(text, '\n')
			case next == 't':
				text = append(text, '\t')
			case !converts(next):
				return nil, bad(i+1+runeLen(format[i+1:]), "unknown time escape")
			default:
				flush()
				f.pieces = append(f.pieces, piece{verb: next, strf: true, max: -1})
			}
			i += 2
		default:
			p, end, what := field(format, i+1)
			if what != "" {
				return nil, bad(end, what)
			}
			if p.verb == '%' {
				text = append(text, '%')
			} else {
				flush()
				p.bare = p.width == 0 && p.max < 0 && !o.Visible && o.Payload == Text
				f.pieces = append(f.pieces, p)
			}
			i = end
		}
	}
	flush()
	return f, nil
}

// field reads what stands behind a % at s[i:]. end is where it ends, also of what is
// wrong.
func field(s string, i int) (p piece, end int, what string) {
	p.max, p.sep = -1, ' '
	if i < len(s) && s[i] == '-' {
		p.left = true
		i++
	}
	if i < len(s) && s[i] == '0' {
		p.zero = !p.left
		i++
	}
	if p.width, i = count(s, i); p.width > maxField {
		return p, i, "width of more than 10000 in"
	}
	if i < len(s) && s[i] == '.' {
		if p.max, i = count(s, i+1); p.max > maxField {
			return p, i, "width of more than 10000 in"
		}
		if i+1 < len(s) && s[i+1]|0x20 == 'x' && s[i] >= ' ' && s[i] < 0x7F && s[i]|0x20 != 'x' && !letter(s[i]) {
			p.sep = s[i]
			i++
		}
	}
	if i == len(s) {
		return p, i, "unfinished escape"
	}
	switch p.verb = s[i]; p.verb {
	case '%', 'A', 'C', 'D', 'E', 'F', 'I', 'J', 'P', 'R', 'S', 'U', 'X', 'd', 'f', 'j', 'l', 'm', 'p', 'q', 'r', 't', 'x':
		return p, i + 1, ""
	}
	return p, i + runeLen(s[i:]), "unknown escape"
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// runeLen is how many bytes the first character of s takes, for error texts.
func runeLen(s string) int {
	for i := range s {
		if i > 0 {
			return i
		}
	}
	return len(s)
}

func count(s string, i int) (n, end int) {
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		if n <= maxField {
			n = 10*n + int(s[i]-'0')
		}
	}
	return n, i
}

func backslash(c byte) (byte, bool) {
	switch c {
	case '\\':
		return '\\', true
	case '0':
		return 0, true
	case 'a':
		return '\a', true
	case 'e':
		return 0x1B, true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 'v':
		return '\v', true
	}
	return 0, false
}
