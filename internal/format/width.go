package format

import (
	"unicode"
	"unicode/utf8"
)

// wide lists the ranges of characters that occupy two columns of a terminal: East Asian
// wide and fullwidth characters, and pictures.
var wide = [...][2]rune{
	{0x1100, 0x115F}, {0x231A, 0x231B}, {0x2329, 0x232A}, {0x23E9, 0x23EC}, {0x23F0, 0x23F0}, {0x23F3, 0x23F3},
	{0x25FD, 0x25FE}, {0x2614, 0x2615}, {0x2648, 0x2653}, {0x267F, 0x267F}, {0x2693, 0x2693}, {0x26A1, 0x26A1},
	{0x26AA, 0x26AB}, {0x26BD, 0x26BE}, {0x26C4, 0x26C5}, {0x26CE, 0x26CE}, {0x26D4, 0x26D4}, {0x26EA, 0x26EA},
	{0x26F2, 0x26F3}, {0x26F5, 0x26F5}, {0x26FA, 0x26FA}, {0x26FD, 0x26FD}, {0x2705, 0x2705}, {0x270A, 0x270B},
	{0x2728, 0x2728}, {0x274C, 0x274C}, {0x274E, 0x274E}, {0x2753, 0x2755}, {0x2757, 0x2757}, {0x2795, 0x2797},
	{0x27B0, 0x27B0}, {0x27BF, 0x27BF}, {0x2B1B, 0x2B1C}, {0x2B50, 0x2B50}, {0x2B55, 0x2B55}, {0x2E80, 0x303E},
	{0x3041, 0x33FF}, {0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xA000, 0xA4CF}, {0xA960, 0xA97F}, {0xAC00, 0xD7A3},
	{0xF900, 0xFAFF}, {0xFE10, 0xFE19}, {0xFE30, 0xFE6F}, {0xFF00, 0xFF60}, {0xFFE0, 0xFFE6}, {0x16FE0, 0x18CFF},
	{0x1AFF0, 0x1B2FF}, {0x1F004, 0x1F004}, {0x1F0CF, 0x1F0CF}, {0x1F18E, 0x1F18E}, {0x1F191, 0x1F19A},
	{0x1F1E6, 0x1F202}, {0x1F210, 0x1F23B}, {0x1F240, 0x1F248}, {0x1F250, 0x1F251}, {0x1F260, 0x1F265},
	{0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F7E0, 0x1F7EB}, {0x1F900, 0x1F9FF}, {0x1FA70, 0x1FAFF},
	{0x20000, 0x2FFFD}, {0x30000, 0x3FFFD},
}

// columns returns the number of columns that r occupies on a terminal: 0, 1 or 2.
func columns(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r < wide[0][0]:
		return 1
	}
	lo, hi := 0, len(wide)
	for lo < hi {
		if mid := (lo + hi) / 2; wide[mid][1] < r {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(wide) && r >= wide[lo][0] {
		return 2
	}
	return 1
}

// Columns returns the number of columns that b, a result of VisibleLine, occupies on a
// terminal.
func Columns(b []byte) int {
	n := 0
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			i++
			n++
			continue
		}
		r, size := utf8.DecodeRune(b[i:])
		i += size
		n += columns(r)
	}
	return n
}

// Shorten appends b, a result of VisibleLine, in at most n columns. If b is longer, it
// ends with …. used is the number of columns that the text occupies.
func Shorten(dst, b []byte, n int) (_ []byte, used int) {
	if n <= 0 {
		return dst, 0
	}
	cut, before := 0, 0 // where … fits, and the columns before it
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		w := columns(r)
		if used+w > n {
			return append(append(dst, b[:cut]...), "…"...), before + 1
		}
		used += w
		i += size
		if used < n {
			cut, before = i, used
		}
	}
	return append(dst, b...), used
}

// ShortenMiddle appends b, a result of VisibleLine, in at most n columns. If b is longer, … replaces
// its middle: the ends of topics are where they differ. used is the number of columns that the text
// occupies.
func ShortenMiddle(dst, b []byte, n int) (_ []byte, used int) {
	if total := Columns(b); total <= n {
		return append(dst, b...), total
	}
	if n <= 0 {
		return dst, 0
	}
	head, tail := 0, len(b)
	left, right := (n-1)/2, n-1-(n-1)/2 // columns before and after …
	for head < len(b) {
		r, size := utf8.DecodeRune(b[head:])
		w := columns(r)
		if w > left {
			break
		}
		left -= w
		used += w
		head += size
	}
	right += left
	for tail > head {
		r, size := utf8.DecodeLastRune(b[:tail])
		w := columns(r)
		if w > right {
			break
		}
		right -= w
		used += w
		tail -= size
	}
	for tail < len(b) { // a character without columns belongs to the one before it
		r, size := utf8.DecodeRune(b[tail:])
		if columns(r) > 0 {
			break
		}
		tail += size
	}
	dst = append(append(dst, b[:head]...), "…"...)
	return append(dst, b[tail:]...), used + 1
}
