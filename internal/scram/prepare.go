package scram

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

// Prepare normalises a user name or a password with SASLprep (RFC 4013), so that strings that look
// the same compare equal. It uses the Unicode version of the libraries instead of 3.2. ASCII text
// does not change. The error names a character that is not allowed.
func Prepare(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", errors.New("it is not UTF-8")
	}
	if !ascii(s) {
		mapped := make([]rune, 0, len(s))
		for _, r := range s {
			switch {
			case unicode.Is(removed, r):
			case r > 0x7F && unicode.Is(unicode.Zs, r):
				mapped = append(mapped, ' ')
			default:
				mapped = append(mapped, r)
			}
		}
		s = norm.NFKC.String(string(mapped))
	}
	for _, r := range s {
		if unicode.Is(prohibited, r) || r&0xFFFE == 0xFFFE || unicode.Is(unicode.Co, r) {
			return "", fmt.Errorf("U+%04X is not allowed (RFC 4013)", r)
		}
	}
	return s, oneDirection([]rune(s))
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// oneDirection returns an error if s mixes right-to-left text with left-to-right text (RFC 3454,
// section 6).
func oneDirection(s []rune) error {
	var left, right bool
	for _, r := range s {
		switch class(r) {
		case bidi.L:
			left = true
		case bidi.R, bidi.AL:
			right = true
		}
	}
	if !right {
		return nil
	}
	first, last := class(s[0]), class(s[len(s)-1])
	ends := (first == bidi.R || first == bidi.AL) && (last == bidi.R || last == bidi.AL)
	if left || !ends {
		return errors.New("it mixes right-to-left and left-to-right text (RFC 4013)")
	}
	return nil
}

func class(r rune) bidi.Class {
	p, _ := bidi.LookupRune(r)
	return p.Class()
}

// removed has the characters that are removed: table B.1 of RFC 3454.
var removed = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x00AD, Hi: 0x00AD, Stride: 1}, {Lo: 0x034F, Hi: 0x034F, Stride: 1}, {Lo: 0x1806, Hi: 0x1806, Stride: 1},
		{Lo: 0x180B, Hi: 0x180D, Stride: 1}, {Lo: 0x200B, Hi: 0x200D, Stride: 1}, {Lo: 0x2060, Hi: 0x2060, Stride: 1},
		{Lo: 0xFE00, Hi: 0xFE0F, Stride: 1}, {Lo: 0xFEFF, Hi: 0xFEFF, Stride: 1},
	},
}

// prohibited has the characters of tables C.2 to C.9 of RFC 3454, without private use and without
// the last two of each plane, for which Prepare has rules.
var prohibited = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x0000, Hi: 0x001F, Stride: 1}, {Lo: 0x007F, Hi: 0x009F, Stride: 1}, {Lo: 0x0340, Hi: 0x0341, Stride: 1},
		{Lo: 0x06DD, Hi: 0x06DD, Stride: 1}, {Lo: 0x070F, Hi: 0x070F, Stride: 1}, {Lo: 0x180E, Hi: 0x180E, Stride: 1},
		{Lo: 0x200C, Hi: 0x200F, Stride: 1}, {Lo: 0x2028, Hi: 0x202E, Stride: 1}, {Lo: 0x2060, Hi: 0x2063, Stride: 1},
		{Lo: 0x206A, Hi: 0x206F, Stride: 1}, {Lo: 0x2FF0, Hi: 0x2FFB, Stride: 1}, {Lo: 0xFDD0, Hi: 0xFDEF, Stride: 1},
		{Lo: 0xFEFF, Hi: 0xFEFF, Stride: 1}, {Lo: 0xFFF9, Hi: 0xFFFD, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x1D173, Hi: 0x1D17A, Stride: 1}, {Lo: 0xE0001, Hi: 0xE0001, Stride: 1}, {Lo: 0xE0020, Hi: 0xE007F, Stride: 1},
	},
}
