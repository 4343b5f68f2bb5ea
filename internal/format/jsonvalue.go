package format

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// maxDepth is how deep arrays and objects may stand in one another.
const maxDepth = 4096

// values checks JSON text as RFC 8259 has it. It holds what it needs to know of
// the arrays and objects that it is inside of, a bit each, so that deep nesting
// costs neither stack nor allocation.
type values struct {
	object [maxDepth / 64]uint64
	blank  bool   // white space stood between tokens
	seen   uint64 // of strings, eight bytes at a time: without a high bit all of them are ASCII

	compact bool   // collect the text without blanks:
	out     []byte // what stood before the last blanks
	from    int    // and where the rest begins
}

// fault is what is wrong with JSON text, "" where nothing is.
type fault string

const (
	faultEnd    fault = "cut short"
	faultValue  fault = "not a value"
	faultNumber fault = "malformed number"
	faultString fault = "malformed string"
	faultKey    fault = "want a key"
	faultColon  fault = "want a colon"
	faultComma  fault = "want a comma or the end"
	faultDeep   fault = "nested too deep"
)

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// space is the function, with a note of what it met.
func (v *values) space(b []byte, i int) int {
	if i == len(b) || b[i] > ' ' {
		return i
	}
	return v.blanks(b, i)
}

// blanks is apart, so that a look where there are none is in line.
//
//go:noinline
func (v *values) blanks(b []byte, i int) int {
	end := space(b, i)
	v.blank = true
	if v.compact {
		v.out = append(v.out, b[v.from:i]...)
		v.from = end
	}
	return end
}

// whole tells whether b is one JSON value in UTF-8 and nothing else. blank is then set if
// there is white space to take out.
func (v *values) whole(b []byte) bool {
	v.blank, v.seen = false, 0
	v.out, v.from = v.out[:0], 0
	end, why := v.one(b, v.space(b, 0))
	return why == "" && v.space(b, end) == len(b) && (v.seen&highs == 0 || utf8.Valid(b))
}

// one checks the value that begins at b[i] and returns where it ends, or where it is
// wrong and why. It does not check that strings are UTF-8.
func (v *values) one(b []byte, i int) (end int, why fault) {
	object := false // is what we are inside of an object
	for depth := 0; ; {
		if i == len(b) {
			return i, faultEnd
		}
		switch c := b[i]; {
		case c == '"':
			i, why = v.text(b, i)
		case c == '-' || c >= '0' && c <= '9':
			i, why = number(b, i)
		case c == '{' || c == '[':
			if depth == maxDepth {
				return i, faultDeep
			}
			word, bit := depth/64, uint64(1)<<(depth%64)
			depth++
			i = v.space(b, i+1)
			if object = c == '{'; object {
				v.object[word] |= bit
			} else {
				v.object[word] &^= bit
			}
			if i < len(b) && b[i] == c+2 { // the brackets that close are two behind those that open
				i, depth = i+1, depth-1
				object = v.inObject(depth)
				break
			}
			if object {
				i, why = v.key(b, i)
			}
			if why == "" {
				continue
			}
		case c == 't':
			i, why = literal(b, i, "true")
		case c == 'f':
			i, why = literal(b, i, "false")
		case c == 'n':
			i, why = literal(b, i, "null")
		default:
			return i, faultValue
		}
		for why == "" {
			if depth == 0 {
				return i, ""
			}
			if i = v.space(b, i); i == len(b) {
				return i, faultEnd
			}
			if b[i] == ',' {
				i = v.space(b, i+1)
				if object {
					i, why = v.key(b, i)
				}
				break
			}
			if object && b[i] != '}' || !object && b[i] != ']' {
				return i, faultComma
			}
			i, depth = i+1, depth-1
			object = v.inObject(depth)
		}
		if why != "" {
			return i, why
		}
	}
}

// inObject tells whether it is an object that the value at that depth is inside of.
func (v *values) inObject(depth int) bool {
	return depth > 0 && v.object[(depth-1)/64]&(1<<((depth-1)%64)) != 0
}

// key checks a key with its colon and returns where the value begins.
func (v *values) key(b []byte, i int) (int, fault) {
	if i == len(b) {
		return i, faultEnd
	}
	if b[i] != '"' {
		return i, faultKey
	}
	i, why := v.text(b, i)
	if why != "" {
		return i, why
	}
	if i = v.space(b, i); i == len(b) {
		return i, faultEnd
	}
	if b[i] != ':' {
		return i, faultColon
	}
	return v.space(b, i+1), ""
}

func literal(b []byte, i int, want string) (int, fault) {
	if len(b)-i < len(want) || string(b[i:i+len(want)]) != want {
		return i, faultValue
	}
	return i + len(want), ""
}

// text is the function, with a note of what it saw. Most strings end within a few steps
// and have no escapes.
func (v *values) text(b []byte, i int) (int, fault) {
	i++
	seen := v.seen
	for ; len(b)-i >= 8; i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		seen |= x
		if w := stopsReading(x); w != 0 {
			if i += bits.TrailingZeros64(w) / 8; b[i] != '"' {
				break
			}
			v.seen = seen
			return i + 1, ""
		}
	}
	for ; i < len(b) && b[i] >= ' ' && b[i] < 0x80 && b[i] != '\\'; i++ {
		if b[i] == '"' {
			v.seen = seen
			return i + 1, ""
		}
	}
	v.seen = highs // not looked at any further
	return text(b, i-1)
}

// text checks the string whose opening quote is b[i].
func text(b []byte, i int) (int, fault) {
	for i++; ; {
		if i = toRead(b, i); i == len(b) {
			return i, faultEnd
		}
		switch b[i] {
		case '"':
			return i + 1, ""
		case '\\':
			if len(b)-i < 2 {
				return i, faultEnd
			}
			switch b[i+1] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				i += 2
			case 'u':
				if _, ok := hex4(b, i+2); !ok {
					return i, faultString
				}
				i += 6
			default:
				return i, faultString
			}
		default:
			return i, faultString
		}
	}
}

// hex4 reads the four digits of a \u escape.
func hex4(b []byte, i int) (r rune, ok bool) {
	if len(b)-i < 4 {
		return 0, false
	}
	for _, c := range b[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func digits(b []byte, i int) int {
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return i
}

// number checks the number that begins at b[i].
func number(b []byte, i int) (int, fault) {
	if b[i] == '-' {
		i++
	}
	at := i
	if i = digits(b, i); i == at || i > at+1 && b[at] == '0' {
		return at, faultNumber
	}
	if i < len(b) && b[i] == '.' {
		if at = i + 1; digits(b, at) == at {
			return at, faultNumber
		}
		i = digits(b, at)
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		if at = i + 1; at < len(b) && (b[at] == '+' || b[at] == '-') {
			at++
		}
		if i = digits(b, at); i == at {
			return at, faultNumber
		}
	}
	return i, ""
}
