package jsonline

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// MaxDepth is how deep arrays and objects may be nested.
const MaxDepth = 4096

// fault says what is wrong with a JSON text, "" if nothing is.
type fault string

const (
	faultEnd    fault = "cut short"
	faultValue  fault = "not a value"
	faultNumber fault = "malformed number"
	faultString fault = "malformed string"
	faultKey    fault = "want a key"
	faultColon  fault = "want a colon"
	faultComma  fault = "want a comma or the end"
	faultDepth  fault = "nested too deep"
)

// Checker checks JSON texts of RFC 8259. Nesting uses one bit a level, so that deep
// nesting needs neither stack nor allocations. The zero value is ready.
type Checker struct {
	objects [MaxDepth / 64]uint64 // by depth: set if it is an object, clear if an array
	blank   bool                  // there is white space between tokens
	seen    uint64                // all strings, eight bytes or'ed together: no high bit is set if all are ASCII

	compact bool   // out and copied are in use
	out     []byte // the text without white space, up to copied
	copied  int
}

// Valid reports whether b is exactly one JSON value in UTF-8, nested at most MaxDepth deep.
func (c *Checker) Valid(b []byte) bool {
	c.compact = false
	return c.check(b)
}

// Compact returns b without the white space between its tokens. Nothing else changes,
// and b itself is returned if there is no such white space. The result is good until
// the next call. ok is false if b is not Valid.
func (c *Checker) Compact(b []byte) (compact []byte, ok bool) {
	c.compact = true
	c.out, c.copied = c.out[:0], 0
	if !c.check(b) {
		return nil, false
	}
	if !c.blank {
		return b, true
	}
	c.out = append(c.out, b[c.copied:]...)
	return c.out, true
}

func (c *Checker) check(b []byte) bool {
	c.blank, c.seen = false, 0
	end, why := c.value(b, c.space(b, 0))
	return why == "" && c.space(b, end) == len(b) && (c.seen&highs == 0 || utf8.Valid(b))
}

// value checks the value at b[i] and returns the index after it, or the index of what
// is wrong and the reason. It does not check that strings are UTF-8.
func (c *Checker) value(b []byte, i int) (end int, why fault) {
	object := false // the value is a member of an object
	for depth := 0; ; {
		if i == len(b) {
			return i, faultEnd
		}
		switch first := b[i]; {
		case first == '"':
			i, why = c.string(b, i)
		case first == '{' || first == '[':
			if depth == MaxDepth {
				return i, faultDepth
			}
			object = first == '{'
			c.enter(depth, object)
			depth++
			if i = c.space(b, i+1); i < len(b) && b[i] == closing(first) {
				break
			}
			if object {
				if i, why = c.key(b, i); why != "" {
					return i, why
				}
			}
			continue
		case first == '-' || first >= '0' && first <= '9':
			i, why = scanNumber(b, i)
		default:
			i, why = scanLiteral(b, i)
		}
		if why != "" {
			return i, why
		}

		// The value is complete. Close what ends here and go to the next value.
		for {
			if depth == 0 {
				return i, ""
			}
			if i = c.space(b, i); i == len(b) {
				return i, faultEnd
			}
			if b[i] == ',' {
				i = c.space(b, i+1)
				break
			}
			if object && b[i] != '}' || !object && b[i] != ']' {
				return i, faultComma
			}
			i++
			depth--
			object = c.inObject(depth)
		}
		if object {
			if i, why = c.key(b, i); why != "" {
				return i, why
			}
		}
	}
}

// enter notes that the container at that depth is an object, or an array.
func (c *Checker) enter(depth int, object bool) {
	word, bit := depth/64, uint64(1)<<(depth%64)
	if object {
		c.objects[word] |= bit
	} else {
		c.objects[word] &^= bit
	}
}

// inObject reports whether a value at that depth is a member of an object.
func (c *Checker) inObject(depth int) bool {
	return depth > 0 && c.objects[(depth-1)/64]&(1<<((depth-1)%64)) != 0
}

// closing returns the bracket that closes open.
func closing(open byte) byte { return open + 2 }

// key checks a key with its colon and returns the index of the value.
func (c *Checker) key(b []byte, i int) (int, fault) {
	if i == len(b) {
		return i, faultEnd
	}
	if b[i] != '"' {
		return i, faultKey
	}
	i, why := c.string(b, i)
	if why != "" {
		return i, why
	}
	if i = c.space(b, i); i == len(b) {
		return i, faultEnd
	}
	if b[i] != ':' {
		return i, faultColon
	}
	return c.space(b, i+1), ""
}

// space returns the index of the first byte at or after i that is not white space.
func (c *Checker) space(b []byte, i int) int {
	if i == len(b) || b[i] > ' ' {
		return i
	}
	return c.skipBlanks(b, i)
}

// skipBlanks is the slow part of space, so that the fast part can be inlined.
//
//go:noinline
func (c *Checker) skipBlanks(b []byte, i int) int {
	end := skipSpace(b, i)
	c.blank = true
	if c.compact {
		c.out = append(c.out, b[c.copied:i]...)
		c.copied = end
	}
	return end
}

// string is scanString, and adds the bytes to c.seen. Most strings are short and have
// no escapes, so this loop handles them and leaves all others to scanString.
func (c *Checker) string(b []byte, i int) (int, fault) {
	i++
	seen := c.seen
	for ; len(b)-i >= 8; i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		seen |= x
		if w := specialMask(x); w != 0 {
			if i += bits.TrailingZeros64(w) / 8; b[i] != '"' {
				break
			}
			c.seen = seen
			return i + 1, ""
		}
	}
	for ; i < len(b) && b[i] >= ' ' && b[i] < 0x80 && b[i] != '\\'; i++ {
		if b[i] == '"' {
			c.seen = seen
			return i + 1, ""
		}
	}
	c.seen = highs // the rest of the string may be anything
	return scanString(b, i-1)
}
