package proto

import (
	"encoding/binary"
	"unicode/utf8"
	"unsafe"
)

// Limits of the wire.
const (
	MaxText      = 65535                // bytes of a text or binary field
	MaxRemaining = 268_435_455          // largest Remaining Length
	MaxPacket    = MaxRemaining + 1 + 4 // and of a whole packet
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// hasZero is non-zero where a byte of x is zero.
func hasZero(x uint64) uint64 { return (x - ones) &^ x & highs }

// plain tells whether all bytes of s are 0x01 to 0x7F, in steps of eight bytes.
func plain(s []byte) bool {
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

// badText returns what keeps s from being a text field, "" if nothing does:
// well-formed UTF-8 without surrogates [MQTT-1.5.4-1] and without U+0000
// [MQTT-1.5.4-2]. A byte order mark is data [MQTT-1.5.4-3].
func badText(s []byte) (what string, at int) {
	if plain(s) {
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

// CheckText returns an *Error if s cannot be a text field of a packet: over 65535
// bytes, not UTF-8, or with U+0000. Offset counts from the first byte of s.
func CheckText(s string) error {
	if len(s) > MaxText {
		return &Error{Offset: MaxText, Reason: MalformedPacket, What: "text of more than 65535 bytes"}
	}
	if what, at := badText(view(s)); what != "" {
		return &Error{Offset: at, Reason: MalformedPacket, What: what}
	}
	return nil
}

// view is the bytes of s, not to be written to.
func view(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// uvarintLen is how many bytes n takes as a variable byte integer.
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

// AppendUvarint appends n, at most 268,435,455, as a variable byte integer in as
// few bytes as possible [MQTT-1.5.5-1].
func AppendUvarint(dst []byte, n int) []byte {
	for n >= 0x80 {
		dst = append(dst, byte(n)|0x80)
		n >>= 7
	}
	return append(dst, byte(n))
}

// uvarint reads a variable byte integer. size is 0 if more bytes are needed and
// negative if no bytes can complete it.
func uvarint(b []byte) (n, size int) {
	for i := 0; i < 4; i++ {
		if i == len(b) {
			return 0, 0
		}
		n |= int(b[i]&0x7F) << (7 * i)
		if b[i] < 0x80 {
			if i > 0 && b[i] == 0 {
				return 0, -1 // longer than need be [MQTT-1.5.5-1]
			}
			return n, i + 1
		}
	}
	return 0, -1
}

func appendText[T ~string | ~[]byte](dst []byte, s T) []byte {
	dst = append(dst, byte(len(s)>>8), byte(len(s)))
	return append(dst, s...)
}
