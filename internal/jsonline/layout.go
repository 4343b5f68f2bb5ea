package jsonline

import "unicode/utf8"

// AppendCompact appends the valid JSON text b without the white space between its
// tokens. If visible is set, characters that could control a terminal are escaped
// inside strings; the values of the strings stay the same.
func AppendCompact(dst, b []byte, visible bool) []byte {
	start := 0 // of the bytes that are not copied yet
	for i := 0; i < len(b); {
		switch b[i] {
		case ' ', '\t', '\n', '\r':
			dst = append(dst, b[start:i]...)
			i = skipSpace(b, i)
			start = i
		case '"':
			end, _ := scanString(b, i)
			if visible {
				dst = appendVisible(append(dst, b[start:i]...), b[i:end])
				start = end
			}
			i = end
		default:
			i++
		}
	}
	return append(dst, b[start:]...)
}

// appendVisible appends b, a JSON string in UTF-8 with its quotes, and escapes DEL, C1
// control characters and direction marks.
func appendVisible(dst, b []byte) []byte {
	start := 0
	for i := 0; i < len(b); {
		r, n := rune(b[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(b[i:])
		}
		if r == 0x7F || r >= utf8.RuneSelf && Unsafe(r) {
			dst = AppendRuneEscape(append(dst, b[start:i]...), r)
			start = i + n
		}
		i += n
	}
	return append(dst, b[start:]...)
}

// maxIndent is the deepest level that is indented. Without a limit, a small payload
// with deep nesting would become a very large text.
const maxIndent = 40

// AppendIndented appends the valid, compact JSON text b over several lines, indented by
// two spaces a level. Empty arrays and objects stay on their line.
func AppendIndented(dst, b []byte) []byte {
	depth := 0
	newline := func() {
		dst = append(dst, '\n')
		for range min(depth, maxIndent) {
			dst = append(dst, ' ', ' ')
		}
	}
	for i := 0; i < len(b); i++ {
		switch c := b[i]; c {
		case '"':
			end, _ := scanString(b, i)
			dst = append(dst, b[i:end]...)
			i = end - 1
		case '{', '[':
			dst = append(dst, c)
			if b[i+1] == closing(c) {
				dst = append(dst, b[i+1])
				i++
				break
			}
			depth++
			newline()
		case '}', ']':
			depth--
			newline()
			dst = append(dst, c)
		case ',':
			dst = append(dst, c)
			newline()
		case ':':
			dst = append(dst, ':', ' ')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
