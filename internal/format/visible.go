package format

import "unicode/utf8"

const hexDigits = "0123456789abcdef"

// Visible appends b with all that could drive a terminal shown as text: control
// characters (C0, DEL, and C1 as U+0080 to U+009F) and bytes that are not UTF-8 as
// \x1b, marks that turn the direction of writing as \u202e. Newline and tab stay:
// it is for the bodies of messages. What is safe already is appended as it is. The
// result is for the eye; a backslash in b stays one.
func Visible(dst, b []byte) []byte { return appendVisible(dst, b, true) }

// VisibleLine is Visible for what must stay on one line: topics, reason strings,
// properties, traces. Newline and tab are shown as \n and \t.
func VisibleLine(dst, b []byte) []byte { return appendVisible(dst, b, false) }

// turns tells whether r changes the direction of the text around it, with which a
// message can show itself as another one.
func turns(r rune) bool {
	return r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 || r == 0x200E || r == 0x200F || r == 0x061C
}

// drives tells whether r, not ASCII, could drive a terminal.
func drives(r rune) bool { return r < 0xA0 || turns(r) }

func appendVisible(dst, b []byte, body bool) []byte {
	from := 0
	for i := 0; ; {
		if i = toShow(b, i); i == len(b) {
			return append(dst, b[from:]...)
		}
		c, n := b[i], 1
		var r rune
		if c >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(b[i:])
			if (r != utf8.RuneError || n > 1) && !drives(r) {
				i += n
				continue
			}
		} else if c >= ' ' && c != 0x7F || body && (c == '\n' || c == '\t') {
			i++
			continue
		}
		dst = append(dst, b[from:i]...)
		switch {
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case n > 1 && r >= 0xA0:
			dst = appendEscapedRune(dst, r)
		case n > 1: // C1, whose code fits in a byte
			dst = append(dst, '\\', 'x', hexDigits[r>>4], hexDigits[r&15])
		default:
			dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		}
		i += n
		from = i
	}
}

// appendEscapedRune appends \uXXXX; r is below 0x10000.
func appendEscapedRune(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}
