package decode

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"mqtt/internal/jsonline"
)

// avroCodec is one datum of Avro in its binary encoding, without a header. A value of a union is
// printed as it is, without the name of its type; logical types are printed as what they are made of.
// It is written in one pass for the reasons of cborCodec.
type avroCodec struct{ schema *avroType }

// Decode appends the datum that payload is.
func (c *avroCodec) Decode(dst, _, payload []byte) ([]byte, error) {
	r := avroReader{wireReader: wireReader{in: payload}, start: len(dst)}
	out, err := r.value(dst, c.schema, 0)
	if err == nil && r.more() {
		err = r.fail("bytes after the value")
	}
	if err != nil {
		return dst[:r.start], err
	}
	return out, nil
}

// avroReader is the progress through one payload.
type avroReader struct {
	wireReader
	start int // of the result
}

// take returns the next n bytes.
func (r *avroReader) take(n int64) ([]byte, error) {
	if n < 0 {
		return nil, r.fail("a negative length")
	}
	if n > int64(len(r.in)-r.i) {
		return nil, fail(len(r.in), cutShort)
	}
	b := r.in[r.i : r.i+int(n)]
	r.i += int(n)
	return b, nil
}

// long returns a signed number.
func (r *avroReader) long() (int64, error) {
	v, err := r.varint()
	return unzigzag(v), err
}

// text appends a string.
func (r *avroReader) text(dst []byte) ([]byte, error) {
	at := r.i
	b, err := r.sized()
	if err != nil {
		return dst, err
	}
	return appendText(dst, b, at)
}

// sized returns bytes after their length.
func (r *avroReader) sized() ([]byte, error) {
	n, err := r.long()
	if err != nil {
		return nil, err
	}
	return r.take(n)
}

// value appends a value of type t.
func (r *avroReader) value(dst []byte, t *avroType, depth int) (_ []byte, err error) {
	if depth >= maxDepth {
		return dst, r.fail(tooDeep)
	}
	if len(dst)-r.start > maxResult {
		return dst, r.fail(tooLarge)
	}
	at := r.i
	switch t.kind {
	case avroNull:
		return append(dst, "null"...), nil
	case avroBoolean:
		b, err := r.take(1)
		if err == nil && b[0] > 1 {
			err = fail(at, "malformed boolean")
		}
		return appendBool(dst, err == nil && b[0] == 1), err
	case avroInt, avroLong:
		v, err := r.long()
		if err == nil && t.kind == avroInt && int64(int32(v)) != v {
			err = fail(at, "an int of more than 32 bits")
		}
		return strconv.AppendInt(dst, v, 10), err
	case avroFloat:
		b, err := r.take(4)
		if err != nil {
			return dst, err
		}
		return appendFloat(dst, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 32), nil
	case avroDouble:
		b, err := r.take(8)
		if err != nil {
			return dst, err
		}
		return appendFloat(dst, math.Float64frombits(binary.LittleEndian.Uint64(b)), 64), nil
	case avroBytes:
		b, err := r.sized()
		return jsonline.AppendBase64(dst, b), err
	case avroFixed:
		b, err := r.take(int64(t.size))
		return jsonline.AppendBase64(dst, b), err
	case avroString:
		return r.text(dst)
	case avroEnum:
		v, err := r.index(len(t.symbols), "enum")
		if err != nil {
			return dst, err
		}
		return jsonline.AppendString(dst, []byte(t.symbols[v])), nil
	case avroUnion:
		v, err := r.index(len(t.types), "union")
		if err != nil {
			return dst, err
		}
		return r.value(dst, t.types[v], depth+1)
	case avroRecord:
		return r.record(dst, t, depth)
	}
	return r.blocks(dst, t, depth)
}

// index reads a place in a list of n.
func (r *avroReader) index(n int, of string) (int, error) {
	at := r.i
	v, err := r.long()
	if err == nil && (v < 0 || v >= int64(n)) {
		err = fail(at, fmt.Sprintf("%d is not a place in the %s", v, of))
	}
	return int(v), err
}

// record appends a record.
func (r *avroReader) record(dst []byte, t *avroType, depth int) (_ []byte, err error) {
	dst = append(dst, '{')
	for i, f := range t.fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsonline.AppendString(dst, []byte(f.name)), ':')
		if dst, err = r.value(dst, f.of, depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// blocks appends an array or a map, which comes in blocks.
func (r *avroReader) blocks(dst []byte, t *avroType, depth int) (_ []byte, err error) {
	brackets := "[]"
	if t.kind == avroMap {
		brackets = "{}"
	}
	dst = append(dst, brackets[0])
	for first := true; ; {
		n, err := r.long()
		if err == nil && n < 0 { // the size of the block in bytes follows
			n = -n
			_, err = r.long()
		}
		if err != nil {
			return dst, err
		}
		if n == 0 {
			return append(dst, brackets[1]), nil
		}
		if n < 0 {
			return dst, r.fail("malformed block")
		}
		for ; n > 0; n-- {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			if t.kind == avroMap {
				if dst, err = r.text(dst); err != nil {
					return dst, err
				}
				dst = append(dst, ':')
			}
			if dst, err = r.value(dst, t.items, depth+1); err != nil {
				return dst, err
			}
		}
	}
}

// Encode appends the datum that text describes. A value of a union has the first type that it fits.
func (c *avroCodec) Encode(dst, _, text []byte) ([]byte, error) {
	n, err := parseNode(text)
	if err != nil {
		return dst, err
	}
	return encodeAvro(dst, c.schema, n, 0)
}

// appendLong appends a signed number.
func appendLong(dst []byte, v int64) []byte { return binary.AppendUvarint(dst, zigzag(v)) }

// encodeAvro appends a value of type t.
func encodeAvro(dst []byte, t *avroType, n *node, depth int) (_ []byte, err error) {
	if depth >= maxDepth {
		return dst, misfit(tooDeep)
	}
	switch t.kind {
	case avroNull:
		return dst, n.want(nullNode)
	case avroBoolean:
		if n.on {
			return append(dst, 1), n.want(boolNode)
		}
		return append(dst, 0), n.want(boolNode)
	case avroInt:
		v, err := n.int(32)
		return appendLong(dst, v), err
	case avroLong:
		v, err := n.int(64)
		return appendLong(dst, v), err
	case avroFloat:
		f, err := n.float(32)
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(f))), err
	case avroDouble:
		f, err := n.float(64)
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f)), err
	case avroString:
		return append(appendLong(dst, int64(len(n.text))), n.text...), n.want(stringNode)
	case avroBytes:
		b, err := n.bytes()
		return append(appendLong(dst, int64(len(b))), b...), err
	case avroFixed:
		b, err := n.bytes()
		if err == nil && len(b) != t.size {
			err = misfit("%d bytes, expected %d", len(b), t.size)
		}
		return append(dst, b...), err
	case avroEnum:
		for i, s := range t.symbols {
			if n.kind == stringNode && n.text == s {
				return appendLong(dst, int64(i)), nil
			}
		}
		return dst, misfit("not a symbol of the enum")
	case avroUnion:
		for i, of := range t.types {
			if out, err := encodeAvro(appendLong(dst, int64(i)), of, n, depth+1); err == nil {
				return out, nil
			}
		}
		return dst, misfit("%s fits no type of the union", n.kind)
	case avroRecord:
		return encodeAvroRecord(dst, t, n, depth)
	}
	kind := arrayNode
	if t.kind == avroMap {
		kind = objectNode
	}
	if err := n.want(kind); err != nil {
		return dst, err
	}
	if len(n.items) > 0 {
		dst = appendLong(dst, int64(len(n.items)))
	}
	for i := range n.items {
		step := strconv.Itoa(i)
		if t.kind == avroMap {
			step = n.keys[i]
			dst = append(appendLong(dst, int64(len(step))), step...)
		}
		if dst, err = encodeAvro(dst, t.items, &n.items[i], depth+1); err != nil {
			return dst, within(err, step)
		}
	}
	return append(dst, 0), nil
}

// encodeAvroRecord appends a record, whose fields must all be there.
func encodeAvroRecord(dst []byte, t *avroType, n *node, depth int) (_ []byte, err error) {
	if err := n.want(objectNode); err != nil {
		return dst, err
	}
	for _, f := range t.fields {
		v := n.get(f.name)
		if v == nil {
			v = new(node) // null, for unions that have it
		}
		if dst, err = encodeAvro(dst, f.of, v, depth+1); err != nil {
			return dst, within(err, f.name)
		}
	}
	known := 0
	for _, f := range t.fields {
		if n.get(f.name) != nil {
			known++
		}
	}
	if known < len(n.keys) {
		return dst, misfit("a key that is not a field of the record, or is given twice")
	}
	return dst, nil
}
