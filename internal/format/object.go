package format

import (
	"encoding/base64"
	"unicode/utf8"
)

// object reads an object member by member.
type object struct {
	b   []byte
	i   int    // where the next token is
	at  int    // where the value last read began
	key []byte // of the member whose value is next
	why string // what ended next, "" for the closing bracket
	one bool   // no member came yet
}

func (l *object) fail(key, what string) error {
	at := l.i
	if l.at > 0 && key != "" {
		at = l.at
	}
	return &RecordError{Key: key, Offset: at, What: what}
}

// open steps over the bracket.
func (l *object) open() { l.i, l.one = l.i+1, true }

// next goes to the value of the next member and reads its key. It returns false
// behind the closing bracket and where why says what is wrong.
func (l *object) next(r *Record) bool {
	b := l.b
	l.i = space(b, l.i)
	if l.i < len(b) && b[l.i] == '}' {
		l.i++
		return false
	}
	if !l.one {
		if l.i < len(b) && b[l.i] != ',' {
			l.why = string(faultComma)
			return false
		}
		l.i = space(b, min(l.i+1, len(b)))
	}
	l.one = false
	start := l.i
	i, why := r.check.key(b, l.i)
	if why != "" {
		l.i, l.why = i, string(why)
		return false
	}
	l.i, l.at = i, i
	end := toRead(b, start+1)
	if b[end] == '"' {
		l.key = b[start+1 : end]
		return true
	}
	r.key, l.i, _ = unquote(r.key[:0], b, start)
	l.key, l.i = r.key, i
	return true
}

func (l *object) peek() byte {
	if l.i < len(l.b) {
		return l.b[l.i]
	}
	return 0
}

// skip steps over a value of any kind.
func (l *object) skip(r *Record) error {
	l.at = l.i
	end, why := r.check.one(l.b, l.i)
	if why != "" {
		l.i, l.at = end, 0
		return l.fail("", string(why))
	}
	l.i = end
	return nil
}

// wrong is the error of a value that is not what was wanted, or is none.
func (l *object) wrong(key, want string, r *Record) error {
	from := l.i
	if err := l.skip(r); err != nil {
		return err
	}
	l.at = from
	return l.fail(key, "want "+want)
}

// string appends a string's text.
func (l *object) string(dst []byte, key string, r *Record) ([]byte, error) {
	if l.peek() != '"' {
		return dst, l.wrong(key, "a string", r)
	}
	l.at = l.i
	end := toRead(l.b, l.i+1)
	if end < len(l.b) && l.b[end] == '"' {
		dst = append(dst, l.b[l.i+1:end]...)
		l.i = end + 1
		return dst, nil
	}
	var why fault
	if dst, l.i, why = unquote(dst, l.b, l.i); why != "" {
		l.at = l.i
		return dst, l.fail(key, string(why))
	}
	return dst, nil
}

func (l *object) base64(dst []byte, key string, r *Record) (_ []byte, err error) {
	if r.escaped, err = l.string(r.escaped[:0], key, r); err != nil {
		return dst, err
	}
	n := len(dst)
	if dst, err = base64.StdEncoding.AppendDecode(dst, r.escaped); err != nil {
		return dst[:n], l.fail(key, "malformed base64")
	}
	return dst, nil
}

func (l *object) bool(key string, r *Record) (bool, error) {
	for i, word := range [...]string{"false", "true", "0", "1"} { // mosquitto's are 0 and 1
		if end, why := literal(l.b, l.i, word); why == "" {
			l.at, l.i = l.i, end
			return i%2 == 1, nil
		}
	}
	return false, l.wrong(key, "true or false", r)
}

// number reads an integer from low to high.
func (l *object) number(key string, low, high uint32, r *Record) (uint32, error) {
	end := digits(l.b, l.i)
	n := uint64(0)
	for _, c := range l.b[l.i:end] {
		if n = 10*n + uint64(c-'0'); n > uint64(high) {
			break
		}
	}
	more := end < len(l.b) && (l.b[end] == '.' || l.b[end]|0x20 == 'e') // 1.0 is written by none that counts in integers
	if end == l.i || more || end > l.i+1 && l.b[l.i] == '0' || n > uint64(high) || n < uint64(low) {
		return 0, l.wrong(key, "an integer from "+decimal(low)+" to "+decimal(high), r)
	}
	l.at, l.i = l.i, end
	return uint32(n), nil
}

// unquote appends the text of the string whose opening quote is b[i].
func unquote(dst, b []byte, i int) (_ []byte, end int, why fault) {
	for i++; ; {
		run := toRead(b, i)
		dst = append(dst, b[i:run]...)
		if i = run; i == len(b) {
			return dst, i, faultEnd
		}
		if b[i] == '"' {
			return dst, i + 1, ""
		}
		if b[i] != '\\' {
			return dst, i, faultString
		}
		if i+1 == len(b) {
			return dst, i, faultEnd
		}
		switch c := b[i+1]; c {
		case '"', '\\', '/':
			dst = append(dst, c)
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, n := escapedRune(b, i)
			if n == 0 {
				return dst, i, faultString
			}
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		default:
			return dst, i, faultString
		}
		i += 2
	}
}

// escapedRune reads the \u escape at b[i], or the two of a surrogate pair. n is 0 if
// it is malformed or half a pair, which no UTF-8 can say.
func escapedRune(b []byte, i int) (r rune, n int) {
	r, ok := hex4(b, i+2)
	if !ok || r >= 0xDC00 && r < 0xE000 {
		return 0, 0
	}
	if r < 0xD800 || r >= 0xE000 {
		return r, 6
	}
	if len(b)-i < 12 || b[i+6] != '\\' || b[i+7] != 'u' {
		return 0, 0
	}
	low, ok := hex4(b, i+8)
	if !ok || low < 0xDC00 || low >= 0xE000 {
		return 0, 0
	}
	return 0x10000 + (r-0xD800)<<10 + (low - 0xDC00), 12
}
