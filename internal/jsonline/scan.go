package jsonline

import (
	"encoding/binary"
	"math/bits"
)

// The scans look at eight bytes at a time. In a mask, the high bit of a byte is set if
// the scan stops at that byte. A borrow or carry can set a bit wrongly, but only after
// a byte whose bit is set rightly, so the first bit set is always right.

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// nextToEscape returns the index of the first byte at or after i that the text of a
// string does not simply contain: a control character, quote, backslash, DEL, or a
// byte that is not ASCII. It returns len(s) if there is none.
func nextToEscape(s []byte, i int) int {
	for ; len(s)-i >= 8; i += 8 {
		x := binary.LittleEndian.Uint64(s[i:])
		w := (x | (x - ones*' ') | ((x ^ ones*'"') - ones) | ((x ^ ones*'\\') - ones) | (x + ones)) & highs
		if w != 0 {
			return i + bits.TrailingZeros64(w)/8
		}
	}
	for i < len(s) && s[i] >= ' ' && s[i] < 0x7F && s[i] != '"' && s[i] != '\\' {
		i++
	}
	return i
}

// specialMask returns the mask of nextSpecial for eight bytes.
func specialMask(x uint64) uint64 {
	return ((x - ones*' ') | ((x ^ ones*'"') - ones) | ((x ^ ones*'\\') - ones)) &^ x & highs
}

// nextSpecial returns the index of the first byte at or after i that is a control
// character, quote or backslash. It returns len(s) if there is none.
func nextSpecial(s []byte, i int) int {
	for ; len(s)-i >= 8; i += 8 {
		if w := specialMask(binary.LittleEndian.Uint64(s[i:])); w != 0 {
			return i + bits.TrailingZeros64(w)/8
		}
	}
	for i < len(s) && s[i] >= ' ' && s[i] != '"' && s[i] != '\\' {
		i++
	}
	return i
}
