package decode

import "encoding/binary"

// The wire types of Protocol Buffers. The package has its own reader of them: the library's opens the
// program's file and hashes it at every start.
const (
	wireVarint = 0
	wire64     = 1
	wireBytes  = 2
	wireGroup  = 3
	wireEnd    = 4
	wire32     = 5
)

// wireField is one field of a message as it is on the wire.
type wireField struct {
	number int
	wire   byte
	num    uint64 // of wireVarint, wire64 and wire32
	bytes  []byte // of wireBytes, and the fields in a wireGroup
	at     int    // the place of the field in the payload
	from   int    // the place of bytes in the payload
}

// wireReader reads the fields of a message.
type wireReader struct {
	in   []byte
	i    int
	base int // the place of in in the payload
}

// more reports whether there is another field.
func (r *wireReader) more() bool { return r.i < len(r.in) }

// fail returns the error of a fault at the current place.
func (r *wireReader) fail(what string) error { return fail(r.base+r.i, what) }

// varint reads a number.
func (r *wireReader) varint() (uint64, error) {
	if r.i < len(r.in) && r.in[r.i] < 0x80 {
		r.i++
		return uint64(r.in[r.i-1]), nil
	}
	v, n := binary.Uvarint(r.in[r.i:])
	if n == 0 {
		return 0, fail(r.base+len(r.in), cutShort)
	}
	if n < 0 {
		return 0, r.fail("a varint of more than 64 bits")
	}
	r.i += n
	return v, nil
}

// next reads a field into f. Groups may be nested as deep as messages.
func (r *wireReader) next(f *wireField) error { return r.field(f, 0) }

func (r *wireReader) field(f *wireField, depth int) error {
	f.at, f.bytes, f.num = r.base+r.i, nil, 0
	tag, err := r.varint()
	if err != nil {
		return err
	}
	f.wire = byte(tag & 7)
	if tag>>3 == 0 || tag>>3 > 1<<29-1 {
		return fail(f.at, "malformed field number")
	}
	f.number = int(tag >> 3)
	switch rest := r.in[r.i:]; f.wire {
	case wireVarint:
		f.num, err = r.varint()
		return err
	case wire32:
		if len(rest) < 4 {
			return fail(r.base+len(r.in), cutShort)
		}
		f.num = uint64(binary.LittleEndian.Uint32(rest))
		r.i += 4
		return nil
	case wire64:
		if len(rest) < 8 {
			return fail(r.base+len(r.in), cutShort)
		}
		f.num = binary.LittleEndian.Uint64(rest)
		r.i += 8
		return nil
	case wireBytes:
		n, err := r.varint()
		if err != nil {
			return err
		}
		if n > uint64(len(r.in)-r.i) {
			return fail(r.base+len(r.in), cutShort)
		}
		f.from = r.base + r.i
		f.bytes = r.in[r.i : r.i+int(n) : r.i+int(n)]
		r.i += int(n)
		return nil
	case wireGroup:
		return r.group(f, depth)
	}
	return fail(f.at, "malformed wire type")
}

// group skips to the end of the group f.
func (r *wireReader) group(f *wireField, depth int) error {
	if depth >= maxDepth {
		return fail(f.at, tooDeep)
	}
	start := r.i
	f.from = r.base + r.i
	for {
		end := r.i
		tag, err := r.varint()
		if err != nil {
			return err
		}
		if tag&7 == wireEnd {
			if tag>>3 != uint64(f.number) {
				return fail(r.base+end, "the end of a group that was not begun")
			}
			f.bytes = r.in[start:end:end]
			return nil
		}
		r.i = end
		var skipped wireField
		if err := r.field(&skipped, depth+1); err != nil {
			return err
		}
	}
}

// unzigzag returns the signed number that sint32 and sint64, and Avro, encode as v.
func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// zigzag is the inverse of unzigzag.
func zigzag(v int64) uint64 { return uint64(v<<1) ^ uint64(v>>63) }

// appendTag appends the tag of a field.
func appendTag(dst []byte, number int, wire byte) []byte {
	return binary.AppendUvarint(dst, uint64(number)<<3|uint64(wire))
}

// appendVarint appends a field of wireVarint.
func appendVarint(dst []byte, number int, v uint64) []byte {
	return binary.AppendUvarint(appendTag(dst, number, wireVarint), v)
}

// appendFixed32 appends a field of wire32.
func appendFixed32(dst []byte, number int, v uint32) []byte {
	return binary.LittleEndian.AppendUint32(appendTag(dst, number, wire32), v)
}

// appendFixed64 appends a field of wire64.
func appendFixed64(dst []byte, number int, v uint64) []byte {
	return binary.LittleEndian.AppendUint64(appendTag(dst, number, wire64), v)
}

// appendBytes appends a field of wireBytes.
func appendBytes[T []byte | string](dst []byte, number int, b T) []byte {
	return append(binary.AppendUvarint(appendTag(dst, number, wireBytes), uint64(len(b))), b...)
}
