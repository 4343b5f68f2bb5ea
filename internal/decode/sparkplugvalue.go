package decode

import (
	"encoding/binary"
	"math"
	"strconv"

	"mqtt/internal/jsonline"
)

// scalar appends a value of that datatype; 0 if it is not known. A value in the field of another
// datatype is shown as what the field holds.
func (d *sparkplugDecoder) scalar(dst []byte, datatype uint32, s *scalar, depth int) ([]byte, error) {
	if depth >= maxDepth {
		return dst, fail(s.at, tooDeep)
	}
	if len(dst)-d.start > maxResult {
		return dst, fail(s.at, tooLarge)
	}
	switch s.kind {
	case intScalar, longScalar:
		return appendInteger(dst, datatype, s.num), nil
	case floatScalar:
		return appendFloat(dst, float64(math.Float32frombits(uint32(s.num))), 32), nil
	case doubleScalar:
		return appendFloat(dst, math.Float64frombits(s.num), 64), nil
	case boolScalar:
		return appendBool(dst, s.num != 0), nil
	case stringScalar:
		return appendText(dst, s.bytes, s.at)
	case bytesScalar:
		return appendElements(dst, datatype, s)
	case extensionScalar:
		return jsonline.AppendBase64(dst, s.bytes), nil
	case dataSetScalar:
		return d.dataSet(dst, s, depth)
	case templateScalar:
		return d.template(dst, s, depth)
	case propertySetScalar:
		return d.propertySet(dst, s.bytes, s.at, depth+1)
	case propertySetsScalar:
		return d.propertySets(dst, s, depth)
	}
	return append(dst, "null"...), nil
}

// appendInteger appends a number of that datatype. Senders write negative numbers with 8, 16, 32 or
// 64 bits.
func appendInteger(dst []byte, datatype uint32, n uint64) []byte {
	switch datatype {
	case typeInt8:
		return strconv.AppendInt(dst, int64(int8(n)), 10)
	case typeInt16:
		return strconv.AppendInt(dst, int64(int16(n)), 10)
	case typeInt32:
		return strconv.AppendInt(dst, int64(int32(n)), 10)
	case typeInt64:
		return strconv.AppendInt(dst, int64(n), 10)
	case typeBoolean:
		return appendBool(dst, n != 0)
	}
	return strconv.AppendUint(dst, n, 10)
}

// appendElements appends the elements of an array, or bytes in base64.
func appendElements(dst []byte, datatype uint32, s *scalar) ([]byte, error) {
	b := s.bytes
	switch {
	case datatype < typeInt8Array || datatype > typeLast:
		return jsonline.AppendBase64(dst, b), nil
	case datatype == typeBooleanArray:
		return appendBooleans(dst, s)
	case datatype == typeStringArray:
		return appendStrings(dst, s)
	}
	size := elementSizes[datatype]
	if len(b)%size != 0 {
		return dst, fail(s.at, "an array whose length is not a multiple of its elements'")
	}
	dst = append(dst, '[')
	for i := 0; i < len(b); i += size {
		if i > 0 {
			dst = append(dst, ',')
		}
		var x uint64
		switch size {
		case 1:
			x = uint64(b[i])
		case 2:
			x = uint64(binary.LittleEndian.Uint16(b[i:]))
		case 4:
			x = uint64(binary.LittleEndian.Uint32(b[i:]))
		case 8:
			x = binary.LittleEndian.Uint64(b[i:])
		}
		switch element := datatype - typeInt8Array + typeInt8; {
		case element == typeFloat:
			dst = appendFloat(dst, float64(math.Float32frombits(uint32(x))), 32)
		case element == typeDouble:
			dst = appendFloat(dst, math.Float64frombits(x), 64)
		default:
			dst = appendInteger(dst, element, x)
		}
	}
	return append(dst, ']'), nil
}

// appendBooleans appends an array of a count of 32 bits and as many bits, the highest of each byte first.
func appendBooleans(dst []byte, s *scalar) ([]byte, error) {
	if len(s.bytes) < 4 {
		return dst, fail(s.at, "an array of booleans without its length")
	}
	n, bits := uint64(binary.LittleEndian.Uint32(s.bytes)), s.bytes[4:]
	if n > 8*uint64(len(bits)) {
		return dst, fail(s.at, "an array of booleans that is shorter than its length")
	}
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendBool(dst, bits[i/8]>>(7-i%8)&1 == 1)
	}
	return append(dst, ']'), nil
}

// appendStrings appends an array of strings, each of which ends with NUL.
func appendStrings(dst []byte, s *scalar) ([]byte, error) {
	dst = append(dst, '[')
	start := 0
	for i, c := range s.bytes {
		if c != 0 {
			continue
		}
		if start > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendText(dst, s.bytes[start:i], s.at+start); err != nil {
			return dst, err
		}
		start = i + 1
	}
	if start < len(s.bytes) {
		return dst, fail(s.at+start, "a string without NUL at its end")
	}
	return append(dst, ']'), nil
}
