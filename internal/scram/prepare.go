package scram

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

// Prepare returns a user name or a password in the form in which it is compared, so that
// what looks the same is the same however it was typed: SASLprep (RFC 4013), with the
// Unicode of the libraries in the place of 3.2. ASCII text, which is nearly all, stays
// as it is. The error tells the character that cannot be in one.
func Prepare(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", errors.New("it is not UTF-8")
	}
	if !ascii(s) {
		mapped := make([]rune, 0, len(s))
		for _, r := range s {
			switch {
			case unicode.Is(nothing, r):
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
			return "", fmt.Errorf("U+%04X cannot be in one (RFC 4013)", r)
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

// oneDirection refuses text that is written from right to left and not wholly so (RFC
// 3454, section 6).
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
		return errors.New("it is written from right to left in part (RFC 4013)")
	}
	return nil
}

func class(r rune) bidi.Class {
	p, _ := bidi.LookupRune(r)
	return p.Class()
}

// nothing is what is left out: table B.1 of RFC 3454.
var nothing = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x00AD, Hi: 0x00AD, Stride: 1}, {Lo: 0x034F, Hi: 0x034F, Stride: 1}, {Lo: 0x1806, Hi: 0x1806, Stride: 1},
		{Lo: 0x180B, Hi: 0x180D, Stride: 1}, {Lo: 0x200B, Hi: 0x200D, Stride: 1}, {Lo: 0x2060, Hi: 0x2060, Stride: 1},
		{Lo: 0xFE00, Hi: 0xFE0F, Stride: 1}, {Lo: 0xFEFF, Hi: 0xFEFF, Stride: 1},
	},
}

// prohibited is tables C.2 to C.9 of RFC 3454, but for what is a rule: the last two of
// each plane, and private use.
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
