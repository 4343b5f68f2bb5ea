package format

import (
	"fmt"

	"mqtt/internal/jsonline"
)

// maxCount is the largest width and the largest precision of a field.
const maxCount = 10000

// part is a literal, a time, or a field of a format.
type part struct {
	literal string

	layout string // of a time, for timefmt
	text   []byte // the time at f.local

	verb      byte // of a field: the letter after %, or N of @N
	leftAlign bool
	zeroFill  bool
	width     int
	precision int  // -1 if there is none
	separator byte // of %x and %X
	verbatim  bool // the field is printed without change
}

// SyntaxError says what is wrong with a format.
type SyntaxError struct {
	Escape string // as it is in the format
	Offset int    // of Escape, in bytes
	What   string
}

// Error returns the fault, the escape and its place, counted from 1.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("format: %s %q at character %d", e.What, e.Escape, e.Offset+1)
}

// Format prints messages by a format string of mosquitto_sub -F.
//
//	%%  a percent sign          %l  payload length          %S  subscription identifier
//	%A  topic alias             %m  packet identifier       %t  topic
//	%C  content type            %P  user properties, k:v    %U  Unix time, nine digits
//	%D  correlation data        %p  payload                 %x  payload in hex
//	%E  message expiry          %q  QoS                     %X  payload in HEX
//	%F  payload format          %R  response topic          %f  payload, float of 4 bytes
//	%I  ISO 8601 date and time  %r  RETAIN, 0 or 1          %d  payload, double of 8 bytes
//	%j  JSON, payload a string  %J  JSON, payload as it is
//	@@  an at sign              @N  nanoseconds             @c  %c of strftime, and so on
//	\\ \0 \a \e \n \r \t \v
//
// Between % and its letter may be, in this order: - (align left), 0 (fill numbers with
// zeros), a width, and a dot with a precision. The precision is the maximum of
// characters for C, I, R and t; the digits after the point for f and d; and for x and X
// the digits of a group, followed by the separator of groups, a space if none is given.
// A width also limits the payload: p to as many characters, x and X to as many bytes.
type Format struct {
	Options
	parts   []part
	warning error
	local   localTime
	check   jsonline.Checker

	compact, indented []byte // JSON before it is indented, and before it is colored
}

// Compile parses a format string. An error is a *SyntaxError.
func Compile(format string, o Options) (*Format, error) {
	c := compiler{format: format, out: &Format{Options: o}}
	for c.i < len(format) {
		var err error
		switch format[c.i] {
		case '\\':
			err = c.backslash()
		case '@':
			err = c.at()
		case '%':
			err = c.percent()
		default:
			c.literal = append(c.literal, format[c.i])
			c.i++
		}
		if err != nil {
			return nil, err
		}
	}
	c.flush()
	return c.out, nil
}

// compiler parses a format string from format[i] on.
type compiler struct {
	format  string
	i       int
	literal []byte // text that is not in out yet
	out     *Format
}

// flush makes the literal a part.
func (c *compiler) flush() {
	if len(c.literal) > 0 {
		c.out.parts = append(c.out.parts, part{literal: string(c.literal)})
		c.literal = c.literal[:0]
	}
}

// add appends p after the literal.
func (c *compiler) add(p part) {
	c.flush()
	c.out.parts = append(c.out.parts, p)
}

// fail returns the error about the escape that is from c.i to end.
func (c *compiler) fail(end int, what string) error {
	return &SyntaxError{Escape: c.format[c.i:min(end, len(c.format))], Offset: c.i, What: what}
}

// letter returns the character after the one at c.i. ok is false at the end.
func (c *compiler) letter() (b byte, ok bool) {
	if c.i+1 == len(c.format) {
		return 0, false
	}
	return c.format[c.i+1], true
}

const (
	unfinished = "unfinished escape"
	unknown    = "unknown escape"
)

func (c *compiler) backslash() error {
	letter, ok := c.letter()
	if !ok {
		return c.fail(c.i+1, unfinished)
	}
	switch letter {
	case '\\':
		c.literal = append(c.literal, '\\')
	case '0':
		c.literal = append(c.literal, 0)
	case 'a':
		c.literal = append(c.literal, '\a')
	case 'e':
		c.literal = append(c.literal, 0x1B)
	case 'n':
		c.literal = append(c.literal, '\n')
	case 'r':
		c.literal = append(c.literal, '\r')
	case 't':
		c.literal = append(c.literal, '\t')
	case 'v':
		c.literal = append(c.literal, '\v')
	default:
		return c.fail(c.i+2, unknown)
	}
	c.i += 2
	return nil
}

func (c *compiler) at() error {
	letter, ok := c.letter()
	if !ok {
		return c.fail(c.i+1, unfinished)
	}
	switch {
	case letter == '@' || letter == '%':
		c.literal = append(c.literal, letter)
	case letter == 'n':
		c.literal = append(c.literal, '\n')
	case letter == 't':
		c.literal = append(c.literal, '\t')
	case letter == 'N':
		c.add(part{verb: 'N', precision: -1})
	case timeEscape(letter):
		c.add(part{layout: "%" + string(rune(letter))})
	default:
		return c.fail(c.i+1+runeLen(c.format[c.i+1:]), "unknown time escape")
	}
	c.i += 2
	return nil
}

func (c *compiler) percent() error {
	p, end, what := parseField(c.format, c.i+1)
	if what != "" {
		return c.fail(end, what)
	}
	c.i = end
	if p.verb == '%' {
		c.literal = append(c.literal, '%')
		return nil
	}
	o := &c.out.Options
	p.verbatim = p.width == 0 && p.precision < 0 && !o.Visible && o.Payload == Text
	c.add(p)
	return nil
}

// parseField parses the field after the % at s[i-1]. end is the index after it, or
// after what is wrong.
func parseField(s string, i int) (p part, end int, what string) {
	const tooWide = "width of more than 10000 in"
	p.precision, p.separator = -1, ' '
	if i < len(s) && s[i] == '-' {
		p.leftAlign = true
		i++
	}
	if i < len(s) && s[i] == '0' {
		p.zeroFill = !p.leftAlign
		i++
	}
	if p.width, i = parseCount(s, i); p.width > maxCount {
		return p, i, tooWide
	}
	if i < len(s) && s[i] == '.' {
		if p.precision, i = parseCount(s, i+1); p.precision > maxCount {
			return p, i, tooWide
		}
		if i+1 < len(s) && s[i+1]|0x20 == 'x' && separates(s[i]) {
			p.separator = s[i]
			i++
		}
	}
	if i == len(s) {
		return p, i, unfinished
	}
	switch p.verb = s[i]; p.verb {
	case '%', 'A', 'C', 'D', 'E', 'F', 'I', 'J', 'P', 'R', 'S', 'U', 'X', 'd', 'f', 'j', 'l', 'm', 'p', 'q', 'r', 't', 'x':
		return p, i + 1, ""
	}
	return p, i + runeLen(s[i:]), unknown
}

// separates reports whether c, before x or X, can separate groups of digits: it is
// printable ASCII and not a letter.
func separates(c byte) bool {
	return c >= ' ' && c < 0x7F && (c|0x20 < 'a' || c|0x20 > 'z')
}

// runeLen returns the number of bytes of the first character of s, for error texts.
func runeLen(s string) int {
	for i := range s {
		if i > 0 {
			return i
		}
	}
	return len(s)
}

// parseCount parses the number at s[i]. Larger numbers than maxCount need not be exact.
func parseCount(s string, i int) (n, end int) {
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		if n <= maxCount {
			n = 10*n + int(s[i]-'0')
		}
	}
	return n, i
}
