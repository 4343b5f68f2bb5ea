package decode

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"strconv"

	"mqtt/internal/jsonline"
)

// cborCodec is CBOR, RFC 8949. Tags are left out: big integers are numbers, and everything else is
// the content of the tag. It reads bytes and writes text in one pass, because a library makes Go
// values in between: they lose the order of keys and cost an allocation each.
type cborCodec struct{}

// Decode appends the one data item that payload is.
func (cborCodec) Decode(dst, _, payload []byte) ([]byte, error) {
	start := len(dst)
	r := cborReader{in: payload, start: start}
	out, err := r.value(dst, 0)
	if err == nil && r.i < len(payload) {
		err = fail(r.i, "bytes after the value")
	}
	if err != nil {
		return dst[:start], err
	}
	return out, nil
}

// cborReader is the progress through one payload.
type cborReader struct {
	in    []byte
	i     int
	start int // of the result
}

// The major types.
const (
	cborUint = iota
	cborNegative
	cborBytes
	cborText
	cborArray
	cborMap
	cborTag
	cborSimple
)

// head reads the head of a data item. For a length that is not known before its end, info is 31.
func (r *cborReader) head() (major, info byte, arg uint64, err error) {
	if r.i == len(r.in) {
		return 0, 0, 0, fail(r.i, cutShort)
	}
	b := r.in[r.i]
	major, info = b>>5, b&31
	size := 0
	switch {
	case info < 24:
		arg = uint64(info)
	case info < 28:
		size = 1 << (info - 24)
	case info < 31 || major == cborUint || major == cborNegative || major == cborTag:
		return 0, 0, 0, fail(r.i, "malformed head")
	}
	rest := r.in[r.i+1:]
	if len(rest) < size {
		return 0, 0, 0, fail(len(r.in), cutShort)
	}
	switch size {
	case 1:
		arg = uint64(rest[0])
	case 2:
		arg = uint64(binary.BigEndian.Uint16(rest))
	case 4:
		arg = uint64(binary.BigEndian.Uint32(rest))
	case 8:
		arg = binary.BigEndian.Uint64(rest)
	}
	r.i += 1 + size
	return major, info, arg, nil
}

// take returns the next n bytes.
func (r *cborReader) take(n uint64) ([]byte, error) {
	if n > uint64(len(r.in)-r.i) {
		return nil, fail(len(r.in), cutShort)
	}
	b := r.in[r.i : r.i+int(n)]
	r.i += int(n)
	return b, nil
}

// atBreak reports whether the end of an item without a length is next, and skips it.
func (r *cborReader) atBreak() bool {
	if r.i < len(r.in) && r.in[r.i] == 0xFF {
		r.i++
		return true
	}
	return false
}

// value appends the next data item.
func (r *cborReader) value(dst []byte, depth int) ([]byte, error) {
	at := r.i
	major, info, arg, err := r.head()
	if err != nil {
		return dst, err
	}
	if depth >= maxDepth {
		return dst, fail(at, tooDeep)
	}
	if len(dst)-r.start > maxResult {
		return dst, fail(at, tooLarge)
	}
	switch major {
	case cborUint:
		return strconv.AppendUint(dst, arg, 10), nil
	case cborNegative:
		return appendNegative(dst, arg), nil
	case cborBytes:
		b, err := r.string(at, major, info, arg)
		return jsonline.AppendBase64(dst, b), err
	case cborText:
		b, err := r.string(at, major, info, arg)
		if err != nil {
			return dst, err
		}
		return appendText(dst, b, at)
	case cborArray:
		return r.array(dst, info, arg, depth)
	case cborMap:
		return r.object(dst, info, arg, depth)
	case cborTag:
		return r.tagged(dst, arg, depth)
	}
	return r.simple(dst, at, info, arg)
}

// appendNegative appends -1-n.
func appendNegative(dst []byte, n uint64) []byte {
	if n == math.MaxUint64 {
		return append(dst, "-18446744073709551616"...)
	}
	return strconv.AppendUint(append(dst, '-'), n+1, 10)
}

// string returns the content of a string, whose chunks are joined.
func (r *cborReader) string(at int, major, info byte, n uint64) ([]byte, error) {
	if info != 31 {
		return r.take(n)
	}
	var joined []byte
	for !r.atBreak() {
		chunk := r.i
		m, info, n, err := r.head()
		if err != nil {
			return nil, err
		}
		if m != major || info == 31 {
			return nil, fail(chunk, "a string in a chunk that is not of its type")
		}
		b, err := r.take(n)
		if err != nil {
			return nil, err
		}
		joined = append(joined, b...)
	}
	return joined, nil
}

// array appends an array of n items.
func (r *cborReader) array(dst []byte, info byte, n uint64, depth int) (_ []byte, err error) {
	dst = append(dst, '[')
	for i := uint64(0); info == 31 && !r.atBreak() || info != 31 && i < n; i++ {
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
func (r *cborReader) object(dst []byte, info byte, n uint64, depth int) (_ []byte, err error) {
	dst = append(dst, '{')
	for i := uint64(0); info == 31 && !r.atBreak() || info != 31 && i < n; i++ {
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

// mostBig is the size of the largest integer that is printed in digits, in bytes.
const mostBig = 1024

// tagged appends the content of a tag.
func (r *cborReader) tagged(dst []byte, tag uint64, depth int) ([]byte, error) {
	if (tag == 2 || tag == 3) && r.i < len(r.in) && r.in[r.i]>>5 == cborBytes {
		at := r.i
		major, info, n, err := r.head()
		if err != nil {
			return dst, err
		}
		b, err := r.string(at, major, info, n)
		if err != nil {
			return dst, err
		}
		if len(b) > mostBig {
			return dst, fail(at, fmt.Sprintf("an integer of more than %d bytes", mostBig))
		}
		v := new(big.Int).SetBytes(b)
		if tag == 3 {
			v.Not(v)
		}
		return v.Append(dst, 10), nil
	}
	return r.value(dst, depth+1)
}

// simple appends a float or one of the values without content.
func (r *cborReader) simple(dst []byte, at int, info byte, arg uint64) ([]byte, error) {
	switch info {
	case 20, 21:
		return appendBool(dst, info == 21), nil
	case 25:
		return appendFloat(dst, halfFloat(uint16(arg)), 64), nil
	case 26:
		return appendFloat(dst, float64(math.Float32frombits(uint32(arg))), 64), nil // all its digits: the way back finds the size again
	case 27:
		return appendFloat(dst, math.Float64frombits(arg), 64), nil
	case 31:
		return dst, fail(at, "a break outside of an item")
	case 24:
		if arg < 32 {
			return dst, fail(at, "malformed simple value")
		}
	}
	return append(dst, "null"...), nil // null, undefined and unassigned values
}

// halfFloat returns a float of 16 bits.
func halfFloat(h uint16) float64 {
	exponent, fraction := int(h>>10&31), float64(h&1023)
	var f float64
	switch exponent {
	case 0:
		f = math.Ldexp(fraction, -24)
	case 31:
		f = math.Inf(1)
		if fraction != 0 {
			f = math.NaN()
		}
	default:
		f = math.Ldexp(fraction+1024, exponent-25)
	}
	if h&0x8000 != 0 {
		f = math.Copysign(f, -1)
	}
	return f
}
