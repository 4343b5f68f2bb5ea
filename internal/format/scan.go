package format

import (
	"encoding/binary"
	"math/bits"
)

// A scan looks at eight bytes together: in a mask, the high bit of a byte is set if
// that byte stops the scan. A borrow or carry can set it wrongly only behind a byte
// that stops the scan as well, so the first is always right.

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// toWrite returns the index of the first byte at or after i that a JSON line does not
// hold as it is: C0, quote, backslash, DEL, not ASCII. len(s) if there is none.
func toWrite(s []byte, i int) int {
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

// stopsReading is the mask of toRead.
func stopsReading(x uint64) uint64 {
	return ((x - ones*' ') | ((x ^ ones*'"') - ones) | ((x ^ ones*'\\') - ones)) &^ x & highs
}

// toRead returns the index of the first byte at or after i that ends a plain run in a
// JSON string: C0, quote, backslash. len(s) if there is none.
func toRead(s []byte, i int) int {
	for ; len(s)-i >= 8; i += 8 {
		if w := stopsReading(binary.LittleEndian.Uint64(s[i:])); w != 0 {
			return i + bits.TrailingZeros64(w)/8
		}
	}
	for i < len(s) && s[i] >= ' ' && s[i] != '"' && s[i] != '\\' {
		i++
	}
	return i
}

// toShow returns the index of the first byte at or after i that is not printable
// ASCII, len(s) if there is none.
func toShow(s []byte, i int) int {
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
