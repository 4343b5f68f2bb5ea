package format

import "bytes"

// On reports whether p colors anything.
func (p Palette) On() bool { return p != Palette{} }

// AppendJSON appends text, which is JSON or what Visible makes of it, with keys, strings, numbers and
// words in colors of their own.
func (p Palette) AppendJSON(dst, text []byte) []byte {
	if !p.On() {
		return append(dst, text...)
	}
	for i := 0; i < len(text); {
		var end int
		color := plainText
		switch c := text[i]; {
		case c == '"':
			end = stringEnd(text, i)
			if color = p.Topic; isKey(text[end:]) {
				color = p.Hint
			}
		case c == '-' || c >= '0' && c <= '9':
			end, color = wordEnd(text, i), p.Warning
		case c >= 'a' && c <= 'z':
			if end = wordEnd(text, i); bytes.Equal(text[i:end], []byte("null")) {
				color = p.Dim
			} else {
				color = p.Warning
			}
		default:
			dst = append(dst, c)
			i++
			continue
		}
		dst = append(dst, color(string(text[i:end]))...)
		i = end
	}
	return dst
}

func plainText(s string) string { return s }

// stringEnd returns the index after the string at text[i].
func stringEnd(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// wordEnd returns the index after the number or word at text[i].
func wordEnd(text []byte, i int) int {
	if n := bytes.IndexAny(text[i:], ",:]} \t\r\n"); n > 0 {
		return i + n
	}
	return len(text)
}

// isKey reports whether a colon follows, so that the string before rest is a key.
func isKey(rest []byte) bool {
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return len(rest) > 0 && rest[0] == ':'
}
