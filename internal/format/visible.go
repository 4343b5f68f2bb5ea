package format

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"mqtt/internal/jsonline"
)

const hexDigits = "0123456789abcdef"

// Visible appends b with everything escaped that could control a terminal: control
// characters (C0, DEL, and C1 as U+0080 to U+009F) and bytes that are not UTF-8 as \x1b,
// direction marks as \u202e. Newline and tab remain, so it is for payloads. The result is
// for reading only and cannot be converted back: a backslash in b is not escaped.
func Visible(dst, b []byte) []byte { return appendVisible(dst, b, true) }

// VisibleLine is Visible for text that must stay on one line, such as topics and reason
// strings. It escapes newline and tab as \n and \t, and the line and paragraph separators as
// \u2028 and \u2029.
func VisibleLine(dst, b []byte) []byte { return appendVisible(dst, b, false) }

// nextUnprintable returns the index of the first byte at or after i that is not printable
// ASCII. It returns len(s) if there is none. The mask has the high bit of a byte set if
// the byte is not printable; a borrow or carry can set a bit wrongly, but only after a
// byte whose bit is set rightly, so the first bit set is always right.
func nextUnprintable(s []byte, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; len(s)-i >= 8; i += 8 {
		x := binary.LittleEndian.Uint64(s[i:])
		if w := (x | (x - ones*' ') | (x + ones)) & highs; w != 0 {
			return i + bits.TrailingZeros64(w)/8
		}
	}
	for i < len(s) && s[i] >= ' ' && s[i] < 0x7F {
		i++
	}
	return i
}

// appendVisible is Visible if multiline is set, else VisibleLine.
func appendVisible(dst, b []byte, multiline bool) []byte {
	start := 0 // of the bytes that are not copied yet
	for i := 0; ; {
		if i = nextUnprintable(b, i); i == len(b) {
			return append(dst, b[start:]...)
		}
		c, n := b[i], 1
		var r rune
		if c >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(b[i:])
			separator := !multiline && (r == '\u2028' || r == '\u2029')
			if (r != utf8.RuneError || n > 1) && !jsonline.Unsafe(r) && !separator {
				i += n
				continue
			}
		} else if c >= ' ' && c != 0x7F || multiline && (c == '\n' || c == '\t') {
			i++
			continue
		}
		dst = append(dst, b[start:i]...)
		switch {
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case n > 1 && r >= 0xA0:
			dst = jsonline.AppendRuneEscape(dst, r)
		case n > 1: // C1, whose code is one byte
			dst = append(dst, '\\', 'x', hexDigits[r>>4], hexDigits[r&15])
		default:
			dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		}
		i += n
		start = i
	}
}
