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
	for depth := 0; ; {
		if i == len(b) {
			return i, faultEnd
		}
		if open := b[i]; open == '{' || open == '[' {
			if depth == MaxDepth {
				return i, faultDepth
			}
			c.enter(depth, open == '{')
			depth++
			i = c.space(b, i+1)
			if i == len(b) || b[i] != closing(open) {
				if open == '{' {
					if i, why = c.key(b, i); why != "" {
						return i, why
					}
				}
				continue
			}
		} else if i, why = c.scalar(b, i); why != "" {
			return i, why
		}
		if i, depth, why = c.next(b, i, depth); why != "" || depth == 0 {
			return i, why
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

// next steps from the end of a value to the next one: it closes arrays and objects, and
// passes a comma and a key. The outermost value is complete when depth is 0.
func (c *Checker) next(b []byte, i, depth int) (_, newDepth int, why fault) {
	for depth > 0 {
		if i = c.space(b, i); i == len(b) {
			return i, depth, faultEnd
		}
		object := c.inObject(depth)
		switch {
		case b[i] == ',':
			i = c.space(b, i+1)
			if object {
				i, why = c.key(b, i)
			}
			return i, depth, why
		case object && b[i] == '}' || !object && b[i] == ']':
			i++
			depth--
		default:
			return i, depth, faultComma
		}
	}
	return i, 0, ""
}

// scalar checks the value at b[i], which is neither an array nor an object.
func (c *Checker) scalar(b []byte, i int) (end int, why fault) {
	switch b[i] {
	case '"':
		return c.string(b, i)
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return scanNumber(b, i)
	case 't':
		return scanWord(b, i, "true")
	case 'f':
		return scanWord(b, i, "false")
	case 'n':
		return scanWord(b, i, "null")
	}
	return i, faultValue
}

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
