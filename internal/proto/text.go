package proto

import (
	"encoding/binary"
	"unicode/utf8"
	"unsafe"
)

// Limits of the encoding.
const (
	MaxText      = 65535                // largest size of a text or binary field, in bytes
	MaxRemaining = 268_435_455          // largest Remaining Length
	MaxPacket    = MaxRemaining + 1 + 4 // largest size of a packet, in bytes
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// hasZero returns a value that is not 0 if a byte of x is 0.
func hasZero(x uint64) uint64 { return (x - ones) &^ x & highs }

// isASCII reports whether all bytes of s are 0x01 to 0x7F. It checks eight bytes at a time.
func isASCII(s []byte) bool {
	for len(s) >= 8 {
		x := binary.LittleEndian.Uint64(s)
		if x&highs|hasZero(x) != 0 {
			return false
		}
		s = s[8:]
	}
	for _, c := range s {
		if c-1 >= 0x7F {
			return false
		}
	}
	return true
}

// badText says why s is not a valid text field, and at which offset. It returns "" if s is valid:
// well-formed UTF-8 without surrogates [MQTT-1.5.4-1] and without U+0000 [MQTT-1.5.4-2]. A byte
// order mark is data [MQTT-1.5.4-3].
func badText(s []byte) (what string, at int) {
	if isASCII(s) {
		return "", 0
	}
	for i := 0; i < len(s); {
		if s[i] == 0 {
			return "U+0000 in a text field", i
		}
		if s[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRune(s[i:])
		if r == utf8.RuneError && n == 1 {
			return "text that is not UTF-8", i
		}
		i += n
	}
	return "", 0
}

// CheckText returns an *Error if s is not a valid text field: if it has more than 65535 bytes, is
// not UTF-8, or contains U+0000.
func CheckText(s string) error {
	if len(s) > MaxText {
		return &Error{Offset: MaxText, Reason: MalformedPacket, What: "text of more than 65535 bytes"}
	}
	if what, at := badText(bytesOf(s)); what != "" {
		return &Error{Offset: at, Reason: MalformedPacket, What: what}
	}
	return nil
}

// bytesOf returns the bytes of s, which must not be changed.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// uvarintLen returns the length of n as a variable byte integer.
func uvarintLen(n int) int {
	switch {
	case n < 1<<7:
		return 1
	case n < 1<<14:
		return 2
	case n < 1<<21:
		return 3
	}
	return 4
}

// AppendUvarint appends n, which is at most 268,435,455, as a variable byte integer with the fewest
// bytes [MQTT-1.5.5-1].
func AppendUvarint(dst []byte, n int) []byte {
	for n >= 0x80 {
		dst = append(dst, byte(n)|0x80)
		n >>= 7
	}
	return append(dst, byte(n))
}

// uvarint decodes a variable byte integer and returns its length. size is 0 if more bytes are
// needed, and negative if b is malformed.
func uvarint(b []byte) (n, size int) {
	for i := 0; i < 4; i++ {
		if i == len(b) {
			return 0, 0
		}
		n |= int(b[i]&0x7F) << (7 * i)
		if b[i] < 0x80 {
			if i > 0 && b[i] == 0 {
				return 0, -1 // longer than necessary [MQTT-1.5.5-1]
			}
			return n, i + 1
		}
	}
	return 0, -1
}

// appendText appends a text or binary field.
func appendText[T ~string | ~[]byte](dst []byte, s T) []byte {
	dst = append(dst, byte(len(s)>>8), byte(len(s)))
	return append(dst, s...)
}
