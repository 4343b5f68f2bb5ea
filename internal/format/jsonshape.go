package format

import "unicode/utf8"

// Compactor checks JSON texts and takes the white space between their tokens out. The
// zero value is ready.
type Compactor struct{ check values }

// Compact returns b without that white space and otherwise byte for byte, good until the
// next call: b itself where there is none. ok is false if b is not one JSON value in
// UTF-8, or one nested too deep.
func (c *Compactor) Compact(b []byte) (compact []byte, ok bool) {
	v := &c.check
	v.compact = true
	if !v.whole(b) {
		return nil, false
	}
	if v.blank {
		v.out = append(v.out, b[v.from:]...)
		return v.out, true
	}
	return b, true
}

// appendCompact appends the JSON text b, which is good, without the white space
// between its tokens. With visible, what could drive a terminal is escaped inside
// strings, which changes how it is written and not what it says.
func appendCompact(dst, b []byte, visible bool) []byte {
	from := 0 // what begins here is to be copied
	for i := 0; i < len(b); {
		switch b[i] {
		case ' ', '\t', '\n', '\r':
			dst = append(dst, b[from:i]...)
			i = space(b, i)
			from = i
		case '"':
			end, _ := text(b, i)
			if visible {
				dst = appendTamed(append(dst, b[from:i]...), b[i:end])
				from = end
			}
			i = end
		default:
			i++
		}
	}
	return append(dst, b[from:]...)
}

// appendTamed appends a JSON string, quotes and escapes included, with DEL, C1 and
// marks of direction escaped. b is UTF-8.
func appendTamed(dst, b []byte) []byte {
	from := 0
	for i := 0; i < len(b); {
		r, n := rune(b[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(b[i:])
		}
		if r == 0x7F || r >= utf8.RuneSelf && drives(r) {
			dst = appendEscapedRune(append(dst, b[from:i]...), r)
			from = i + n
		}
		i += n
	}
	return append(dst, b[from:]...)
}

// maxIndent is as deep as lines are indented: what comes deeper must not make a small
// payload into a large text.
const maxIndent = 40

// appendIndented appends the compact JSON text b over several lines, two spaces a
// level. Empty arrays and objects stay on their line.
func appendIndented(dst, b []byte) []byte {
	depth := 0
	line := func() {
		dst = append(dst, '\n')
		for range min(depth, maxIndent) {
			dst = append(dst, ' ', ' ')
		}
	}
	for i := 0; i < len(b); i++ {
		switch c := b[i]; c {
		case '"':
			end, _ := text(b, i)
			dst = append(dst, b[i:end]...)
			i = end - 1
		case '{', '[':
			dst = append(dst, c)
			if b[i+1] == c+2 { // the brackets that close are two behind those that open
				dst = append(dst, c+2)
				i++
				break
			}
			depth++
			line()
		case '}', ']':
			depth--
			line()
			dst = append(dst, c)
		case ',':
			dst = append(dst, c)
			line()
		case ':':
			dst = append(dst, ':', ' ')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
