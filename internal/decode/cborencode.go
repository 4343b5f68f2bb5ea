package decode

import (
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Encode appends text as CBOR in its preferred serialization: the shortest heads, and the shortest
// floats that keep the value. Keys keep their order. A number with a point or an exponent is a float.
func (cborCodec) Encode(dst, _, text []byte) ([]byte, error) {
	n, err := parseNode(text)
	if err != nil {
		return dst, err
	}
	return appendCBOR(dst, n)
}

// appendCBOR appends a value.
func appendCBOR(dst []byte, n *node) (_ []byte, err error) {
	switch n.kind {
	case nullNode:
		return append(dst, 0xF6), nil
	case boolNode:
		if n.on {
			return append(dst, 0xF5), nil
		}
		return append(dst, 0xF4), nil
	case numberNode:
		return appendCBORNumber(dst, n.text)
	case stringNode:
		return append(appendCBORHead(dst, cborText, uint64(len(n.text))), n.text...), nil
	case arrayNode:
		dst = appendCBORHead(dst, cborArray, uint64(len(n.items)))
	case objectNode:
		dst = appendCBORHead(dst, cborMap, uint64(len(n.items)))
	}
	for i := range n.items {
		step := strconv.Itoa(i)
		if n.kind == objectNode {
			step = n.keys[i]
			dst = append(appendCBORHead(dst, cborText, uint64(len(step))), step...)
		}
		if dst, err = appendCBOR(dst, &n.items[i]); err != nil {
			return dst, within(err, step)
		}
	}
	return dst, nil
}

// appendCBORHead appends the head of an item.
func appendCBORHead(dst []byte, major byte, n uint64) []byte {
	major <<= 5
	switch {
	case n < 24:
		return append(dst, major|byte(n))
	case n <= math.MaxUint8:
		return append(dst, major|24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, major|27), n)
}

// isFloat reports whether a number has a point or an exponent.
func isFloat(text string) bool { return strings.ContainsAny(text, ".eE") }

// appendCBORNumber appends an integer, of any size, or a float.
func appendCBORNumber(dst []byte, text string) ([]byte, error) {
	if isFloat(text) {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return dst, misfit("%s is out of range", text)
		}
		return appendCBORFloat(dst, f), nil
	}
	if len(text) > 2*mostBig {
		return dst, misfit("an integer of more than %d bytes", mostBig)
	}
	v, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return dst, misfit("%s is not a number", text)
	}
	major, tag := byte(cborUint), byte(2)
	if v.Sign() < 0 {
		major, tag = cborNegative, 3
		v.Not(v)
	}
	if v.IsUint64() {
		return appendCBORHead(dst, major, v.Uint64()), nil
	}
	b := v.Bytes()
	if len(b) > mostBig {
		return dst, misfit("an integer of more than %d bytes", mostBig)
	}
	return append(appendCBORHead(appendCBORHead(dst, cborTag, uint64(tag)), cborBytes, uint64(len(b))), b...), nil
}

// appendCBORFloat appends f in the shortest form that keeps it.
func appendCBORFloat(dst []byte, f float64) []byte {
	single := float32(f)
	if float64(single) != f {
		return binary.BigEndian.AppendUint64(append(dst, 0xFB), math.Float64bits(f))
	}
	if h, ok := toHalf(f); ok {
		return binary.BigEndian.AppendUint16(append(dst, 0xF9), h)
	}
	return binary.BigEndian.AppendUint32(append(dst, 0xFA), math.Float32bits(single))
}

// toHalf returns f, which is finite, as a float of 16 bits. ok is false if that changes it.
func toHalf(f float64) (h uint16, ok bool) {
	sign := uint16(math.Float64bits(f) >> 48 & 0x8000)
	f = math.Abs(f)
	if f == 0 {
		return sign, true
	}
	_, exponent := math.Frexp(f) // f is 0.5 to 1 times 2^exponent
	if exponent > 16 {
		return 0, false
	}
	unit := max(exponent-11, -24) // the last bit of the fraction
	fraction := math.Ldexp(f, -unit)
	if fraction != math.Trunc(fraction) {
		return 0, false
	}
	if unit == -24 { // subnormal, or the smallest normal exponent
		return sign | uint16(fraction), true
	}
	return sign | uint16(unit+25)<<10 | uint16(fraction)&1023, true
}
