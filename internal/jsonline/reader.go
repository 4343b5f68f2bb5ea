package jsonline

import (
	"encoding/base64"
	"strconv"
	"unicode/utf8"
)

// reader reads a line member by member. It owns the buffers that this needs, so it is
// used for line after line.
type reader struct {
	line  []byte
	i     int    // index of the next token
	start int    // index of the value read last
	key   []byte // of the current member; good until the next one
	first bool   // the current object has had no member yet
	why   fault  // why next returned false, "" for the closing bracket

	check       Checker
	unescaped   []byte // key, where it has escapes
	base64Input []byte
}

// reset starts with a new line.
func (r *reader) reset(line []byte) {
	r.line, r.i, r.start, r.key, r.why = line, skipSpace(line, 0), 0, nil, ""
}

// fail returns the error what: about the value read last if key is given, else about
// the next token.
func (r *reader) fail(key, what string) error {
	offset := r.i
	if r.start > 0 && key != "" {
		offset = r.start
	}
	return &Error{Key: key, Offset: offset, What: what}
}

// syntax returns the error why about the next token.
func (r *reader) syntax(why fault) error { return r.fail("", string(why)) }

// open passes the opening bracket of an object.
func (r *reader) open() { r.i, r.first = r.i+1, true }

// next reads the key of the next member and goes to its value. It returns false after
// the closing bracket, and at a fault, which r.why then is.
func (r *reader) next() bool {
	b := r.line
	r.i = skipSpace(b, r.i)
	if r.i < len(b) && b[r.i] == '}' {
		r.i++
		return false
	}
	if !r.first {
		if r.i < len(b) && b[r.i] != ',' {
			r.why = faultComma
			return false
		}
		r.i = skipSpace(b, min(r.i+1, len(b)))
	}
	r.first = false
	quote := r.i
	i, why := r.check.key(b, r.i)
	if why != "" {
		r.i, r.why = i, why
		return false
	}
	r.i, r.start = i, i
	if end := nextSpecial(b, quote+1); b[end] == '"' {
		r.key = b[quote+1 : end]
		return true
	}
	if r.unescaped, i, why = unquote(r.unescaped[:0], b, quote); why != "" {
		r.i, r.why = i, why
		return false
	}
	r.key = r.unescaped
	return true
}

// peek returns the first byte of the next token, 0 at the end of the line.
func (r *reader) peek() byte {
	if r.i < len(r.line) {
		return r.line[r.i]
	}
	return 0
}

// skip passes a value of any kind.
func (r *reader) skip() error {
	start := r.i
	end, why := r.check.value(r.line, r.i)
	r.i = end
	if why != "" {
		return r.syntax(why)
	}
	r.start = start
	return nil
}

// unexpected returns the error about the value of key, which is valid JSON but not what
// is wanted, or is not valid JSON.
func (r *reader) unexpected(key, want string) error {
	start := r.i
	if err := r.skip(); err != nil {
		return err
	}
	r.start = start
	return r.fail(key, "want "+want)
}

// string appends the text of a string.
func (r *reader) string(dst []byte, key string) ([]byte, error) {
	if r.peek() != '"' {
		return dst, r.unexpected(key, "a string")
	}
	r.start = r.i
	if end := nextSpecial(r.line, r.i+1); end < len(r.line) && r.line[end] == '"' {
		dst = append(dst, r.line[r.i+1:end]...)
		r.i = end + 1
		return dst, nil
	}
	var why fault
	if dst, r.i, why = unquote(dst, r.line, r.i); why != "" {
		r.start = r.i
		return dst, r.fail(key, string(why))
	}
	return dst, nil
}

// base64 appends the bytes that a string encodes.
func (r *reader) base64(dst []byte, key string) (_ []byte, err error) {
	if r.base64Input, err = r.string(r.base64Input[:0], key); err != nil {
		return dst, err
	}
	n := len(dst)
	if dst, err = base64.StdEncoding.AppendDecode(dst, r.base64Input); err != nil {
		return dst[:n], r.fail(key, "malformed base64")
	}
	return dst, nil
}

// bool reads true, false, or mosquitto's 1 and 0.
func (r *reader) bool(key string) (bool, error) {
	for i, word := range [...]string{"false", "true", "0", "1"} {
		if end, why := scanWord(r.line, r.i, word); why == "" {
			r.start, r.i = r.i, end
			return i%2 == 1, nil
		}
	}
	return false, r.unexpected(key, "true or false")
}

// integer reads a number from low to high. It rejects 1.0 and 1e0, which no program
// writes for an integer.
func (r *reader) integer(key string, low, high uint32) (uint32, error) {
	b := r.line
	end := skipDigits(b, r.i)
	n := uint64(0)
	for _, c := range b[r.i:end] {
		if n = 10*n + uint64(c-'0'); n > uint64(high) {
			break
		}
	}
	fraction := end < len(b) && (b[end] == '.' || b[end]|0x20 == 'e')
	leadingZero := end > r.i+1 && b[r.i] == '0'
	if end == r.i || fraction || leadingZero || n > uint64(high) || n < uint64(low) {
		return 0, r.unexpected(key, "an integer from "+decimal(low)+" to "+decimal(high))
	}
	r.start, r.i = r.i, end
	return uint32(n), nil
}

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// array reads an array, each element with the function element.
func (r *reader) array(key, want string, element func() error) error {
	if r.peek() != '[' {
		return r.unexpected(key, want)
	}
	r.start = r.i
	if r.i = skipSpace(r.line, r.i+1); r.peek() == ']' {
		r.i++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		switch r.i = skipSpace(r.line, r.i); r.peek() {
		case ']':
			r.i++
			return nil
		case ',':
			r.i = skipSpace(r.line, r.i+1)
		default:
			return r.syntax(faultComma)
		}
	}
}

// unquote appends the text of the string whose opening quote is b[i].
func unquote(dst, b []byte, i int) (_ []byte, end int, why fault) {
	for i++; ; {
		special := nextSpecial(b, i)
		dst = append(dst, b[i:special]...)
		if i = special; i == len(b) {
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
			r, n := unescape(b, i)
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

// AppendUnquoted appends the text of the string whose opening quote is b[i], and returns the index after
// its closing quote. b is Valid. Half a surrogate pair becomes U+FFFD, as in encoding/json.
func AppendUnquoted(dst, b []byte, i int) (_ []byte, end int) {
	for {
		var why fault
		if dst, i, why = unquote(dst, b, i); why == "" {
			return dst, i
		}
		dst = utf8.AppendRune(dst, utf8.RuneError)
		i += len(`\ud800`) - 1 // unquote continues after b[i]
	}
}

// unescape reads the \u escape at b[i], or the two escapes of a surrogate pair, in n
// bytes. n is 0 if it is malformed or half a pair, which has no encoding in UTF-8.
func unescape(b []byte, i int) (r rune, n int) {
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
