package decode

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"time"

	"mqtt/internal/jsonline"
)

// msgpackCodec is MessagePack. A timestamp is a string of RFC 3339, any other extension an object
// with its type and data. It is written in one pass for the reasons of cborCodec.
type msgpackCodec struct{}

// Decode appends the one value that payload is.
func (msgpackCodec) Decode(dst, _, payload []byte) ([]byte, error) {
	start := len(dst)
	r := msgpackReader{in: payload, start: start}
	out, err := r.value(dst, 0)
	if err == nil && r.i < len(payload) {
		err = fail(r.i, "bytes after the value")
	}
	if err != nil {
		return dst[:start], err
	}
	return out, nil
}

// msgpackReader is the progress through one payload.
type msgpackReader struct {
	in    []byte
	i     int
	start int // of the result
}

// take returns the next n bytes.
func (r *msgpackReader) take(n int) ([]byte, error) {
	if n < 0 || n > len(r.in)-r.i {
		return nil, fail(len(r.in), cutShort)
	}
	b := r.in[r.i : r.i+n]
	r.i += n
	return b, nil
}

// number reads an unsigned integer of size bytes.
func (r *msgpackReader) number(size int) (uint64, error) {
	b, err := r.take(size)
	if err != nil {
		return 0, err
	}
	switch size {
	case 1:
		return uint64(b[0]), nil
	case 2:
		return uint64(binary.BigEndian.Uint16(b)), nil
	case 4:
		return uint64(binary.BigEndian.Uint32(b)), nil
	}
	return binary.BigEndian.Uint64(b), nil
}

// value appends the next value.
func (r *msgpackReader) value(dst []byte, depth int) ([]byte, error) {
	at := r.i
	if depth >= maxDepth {
		return dst, fail(at, tooDeep)
	}
	if len(dst)-r.start > maxResult {
		return dst, fail(at, tooLarge)
	}
	b, err := r.take(1)
	if err != nil {
		return dst, err
	}
	switch c := b[0]; {
	case c < 0x80:
		return strconv.AppendUint(dst, uint64(c), 10), nil
	case c >= 0xE0:
		return strconv.AppendInt(dst, int64(int8(c)), 10), nil
	case c < 0x90:
		return r.object(dst, int(c&15), depth)
	case c < 0xA0:
		return r.array(dst, int(c&15), depth)
	case c < 0xC0:
		return r.text(dst, at, int(c&31))
	default:
		return r.typed(dst, at, c, depth)
	}
}

// typed appends a value whose first byte c names its type.
func (r *msgpackReader) typed(dst []byte, at int, c byte, depth int) ([]byte, error) {
	switch c {
	case 0xC0:
		return append(dst, "null"...), nil
	case 0xC1:
		return dst, fail(at, "the byte c1, which MessagePack does not use")
	case 0xC2, 0xC3:
		return appendBool(dst, c == 0xC3), nil
	case 0xD4, 0xD5, 0xD6, 0xD7, 0xD8:
		return r.extension(dst, 1<<(c-0xD4))
	}
	size := 1 << (c & 3) // of the number that follows
	switch c {
	case 0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9: // bin and ext of 8, 16 and 32 bits
		size = 1 << ((c - 0xC4) % 3)
	case 0xCA:
		size = 4
	case 0xCB:
		size = 8
	case 0xD9, 0xDA, 0xDB:
		size = 1 << (c - 0xD9)
	case 0xDC, 0xDE:
		size = 2
	case 0xDD, 0xDF:
		size = 4
	}
	n, err := r.number(size)
	if err != nil {
		return dst, err
	}
	switch c {
	case 0xC4, 0xC5, 0xC6:
		b, err := r.take(int(n))
		return jsonline.AppendBase64(dst, b), err
	case 0xC7, 0xC8, 0xC9:
		return r.extension(dst, int(n))
	case 0xCA:
		return appendFloat(dst, float64(math.Float32frombits(uint32(n))), 32), nil
	case 0xCB:
		return appendFloat(dst, math.Float64frombits(n), 64), nil
	case 0xD0, 0xD1, 0xD2, 0xD3:
		shift := 64 - 8*size
		return strconv.AppendInt(dst, int64(n<<shift)>>shift, 10), nil
	case 0xD9, 0xDA, 0xDB:
		return r.text(dst, at, int(n))
	case 0xDC, 0xDD:
		return r.array(dst, int(n), depth)
	case 0xDE, 0xDF:
		return r.object(dst, int(n), depth)
	}
	return strconv.AppendUint(dst, n, 10), nil // cc to cf
}

// text appends a string of n bytes.
func (r *msgpackReader) text(dst []byte, at, n int) ([]byte, error) {
	b, err := r.take(n)
	if err != nil {
		return dst, err
	}
	return appendText(dst, b, at)
}

// array appends an array of n values.
func (r *msgpackReader) array(dst []byte, n, depth int) (_ []byte, err error) {
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = r.value(dst, depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

// object appends a map of n pairs. A key that is not text becomes text.
func (r *msgpackReader) object(dst []byte, n, depth int) (_ []byte, err error) {
	dst = append(dst, '{')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		key, at := len(dst), r.i
		if dst, err = r.value(dst, depth+1); err != nil {
			return dst, err
		}
		if dst, err = asKey(dst, key, at); err != nil {
			return dst, err
		}
		if dst, err = r.value(dst, depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// extension appends an extension of n bytes.
func (r *msgpackReader) extension(dst []byte, n int) ([]byte, error) {
	kind, err := r.number(1)
	if err != nil {
		return dst, err
	}
	b, err := r.take(n)
	if err != nil {
		return dst, err
	}
	if int8(kind) == -1 {
		if t, ok := msgpackTime(b); ok {
			return append(t.AppendFormat(append(dst, '"'), time.RFC3339Nano), '"'), nil
		}
	}
	dst = strconv.AppendInt(append(dst, `{"ext":`...), int64(int8(kind)), 10)
	return append(jsonline.AppendBase64(append(dst, `,"data":`...), b), '}'), nil
}

// msgpackTime returns the time in a timestamp extension, in UTC.
func msgpackTime(b []byte) (t time.Time, ok bool) {
	switch len(b) {
	case 4:
		t = time.Unix(int64(binary.BigEndian.Uint32(b)), 0)
	case 8:
		x := binary.BigEndian.Uint64(b)
		t = time.Unix(int64(x&(1<<34-1)), int64(x>>34))
	case 12:
		t = time.Unix(int64(binary.BigEndian.Uint64(b[4:])), int64(binary.BigEndian.Uint32(b)))
	default:
		return t, false
	}
	t = t.UTC()
	return t, t.Year() >= 0 && t.Year() <= 9999
}

// Encode appends text as MessagePack with the shortest heads. Keys keep their order. A number with a
// point or an exponent is a float, of 32 bits if that keeps its value.
func (msgpackCodec) Encode(dst, _, text []byte) ([]byte, error) {
	n, err := parseNode(text)
	if err != nil {
		return dst, err
	}
	return appendMsgpack(dst, n)
}

// appendMsgpack appends a value.
func appendMsgpack(dst []byte, n *node) (_ []byte, err error) {
	switch n.kind {
	case nullNode:
		return append(dst, 0xC0), nil
	case boolNode:
		if n.on {
			return append(dst, 0xC3), nil
		}
		return append(dst, 0xC2), nil
	case numberNode:
		return appendMsgpackNumber(dst, n.text)
	case stringNode:
		return appendMsgpackText(dst, n.text), nil
	case arrayNode:
		dst = appendMsgpackHead(dst, len(n.items), 0x90, 16, 0xDC)
	case objectNode:
		dst = appendMsgpackHead(dst, len(n.items), 0x80, 16, 0xDE)
	}
	for i := range n.items {
		step := strconv.Itoa(i)
		if n.kind == objectNode {
			step = n.keys[i]
			dst = appendMsgpackText(dst, step)
		}
		if dst, err = appendMsgpack(dst, &n.items[i]); err != nil {
			return dst, within(err, step)
		}
	}
	return dst, nil
}

// appendMsgpackHead appends the head of n items: short for less than limit, else wide with 16 bits, or
// the byte after wide with 32.
func appendMsgpackHead(dst []byte, n int, short byte, limit int, wide byte) []byte {
	switch {
	case n < limit:
		return append(dst, short|byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, wide), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, wide+1), uint32(n))
}

// appendMsgpackText appends a string.
func appendMsgpackText(dst []byte, s string) []byte {
	if n := len(s); n >= 32 && n <= math.MaxUint8 {
		dst = append(dst, 0xD9, byte(n))
	} else {
		dst = appendMsgpackHead(dst, n, 0xA0, 32, 0xDA)
	}
	return append(dst, s...)
}

// appendMsgpackNumber appends an integer or a float.
func appendMsgpackNumber(dst []byte, text string) ([]byte, error) {
	if isFloat(text) {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return dst, misfit("%s is out of range", text)
		}
		if single := float32(f); float64(single) == f {
			return binary.BigEndian.AppendUint32(append(dst, 0xCA), math.Float32bits(single)), nil
		}
		return binary.BigEndian.AppendUint64(append(dst, 0xCB), math.Float64bits(f)), nil
	}
	if v, err := strconv.ParseUint(text, 10, 64); err == nil {
		switch {
		case v < 0x80:
			return append(dst, byte(v)), nil
		case v <= math.MaxUint8:
			return append(dst, 0xCC, byte(v)), nil
		case v <= math.MaxUint16:
			return binary.BigEndian.AppendUint16(append(dst, 0xCD), uint16(v)), nil
		case v <= math.MaxUint32:
			return binary.BigEndian.AppendUint32(append(dst, 0xCE), uint32(v)), nil
		}
		return binary.BigEndian.AppendUint64(append(dst, 0xCF), v), nil
	}
	v, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return dst, misfit("%s", fmt.Sprintf("%.40s is not an integer of 64 bits", text))
	case v >= -32:
		return append(dst, byte(v)), nil
	case v >= math.MinInt8:
		return append(dst, 0xD0, byte(v)), nil
	case v >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(dst, 0xD1), uint16(v)), nil
	case v >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(dst, 0xD2), uint32(v)), nil
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xD3), uint64(v)), nil
}
