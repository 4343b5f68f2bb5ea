package decode

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"mqtt/internal/jsonline"
)

// protoCodec is a message of Protocol Buffers. It follows the library's JSON mapping, but for integers
// of 64 bits, which are numbers, and for the well-known types other than Timestamp and Duration, which
// are printed like any message. A field that the schema does not have is under its number.
//
// It is our own because the library with dynamic messages takes longer to start than the whole of
// mosquitto_pub.
type protoCodec struct {
	message *protoMessage
	lists   fieldLists
}

// newProto returns the codec of the message name in a descriptor set.
func newProto(set []byte, name string) (Codec, error) {
	d, err := parseDescriptors(set)
	if err != nil {
		return nil, fmt.Errorf("descriptor set: %w", err)
	}
	m, err := d.find(name)
	if err != nil {
		return nil, fmt.Errorf("descriptor set: %w", err)
	}
	return &protoCodec{message: m}, nil
}

// Decode appends payload as an object.
func (c *protoCodec) Decode(dst, _, payload []byte) ([]byte, error) {
	d := protoDecoder{lists: &c.lists, start: len(dst)}
	out, err := d.object(dst, c.message, wireReader{in: payload}, 0)
	if err != nil {
		return dst[:d.start], err
	}
	return out, nil
}

// protoDecoder is the decoding of one payload.
type protoDecoder struct {
	lists *fieldLists
	start int // of the result
}

// object appends a message.
func (d *protoDecoder) object(dst []byte, m *protoMessage, r wireReader, depth int) (_ []byte, err error) {
	if depth >= maxDepth {
		return dst, r.fail(tooDeep)
	}
	from, err := d.lists.push(r)
	if err != nil {
		return dst, err
	}
	defer d.lists.pop(from)
	if m.name == "google.protobuf.Timestamp" || m.name == "google.protobuf.Duration" {
		if text, ok := d.moment(dst, m, from); ok {
			return text, nil
		}
	}
	dst = append(dst, '{')
	for i := from; i < len(d.lists.fields); i++ {
		f := &d.lists.fields[i]
		if !f.first {
			continue
		}
		field := m.byNumber[f.number]
		if field == nil {
			if dst, err = appendRawList(dst, d.lists, i, depth, d.start); err != nil {
				return dst, err
			}
			continue
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(jsonline.AppendString(dst, []byte(field.json)), ':')
		switch {
		case field.repeated && field.message != nil && field.message.mapEntry:
			dst, err = d.mapping(dst, field, i, depth)
		case field.repeated:
			dst, err = d.list(dst, field, i, depth)
		default:
			dst, err = d.single(dst, field, i, depth)
		}
		if err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// single appends a field that is not repeated: of several values the last, of several messages all as
// one.
func (d *protoDecoder) single(dst []byte, field *protoField, i, depth int) ([]byte, error) {
	f := d.lists.fields[i].wireField
	if next := d.lists.fields[i].next; next != 0 {
		if field.message == nil || f.wire != wireBytes {
			return d.value(dst, field, d.lists.fields[d.lists.fields[i].last].wireField, depth)
		}
		var merged []byte
		for ; i != 0; i = d.lists.fields[i].next {
			merged = append(merged, d.lists.fields[i].bytes...)
		}
		f.bytes = merged
	}
	return d.value(dst, field, f, depth)
}

// list appends a repeated field, packed or not.
func (d *protoDecoder) list(dst []byte, field *protoField, i, depth int) (_ []byte, err error) {
	dst = append(dst, '[')
	for ; i != 0; i = d.lists.fields[i].next {
		f := d.lists.fields[i].wireField
		wire := field.wire()
		if f.wire != wireBytes || wire == wireBytes || wire == wireGroup {
			if dst[len(dst)-1] != '[' {
				dst = append(dst, ',')
			}
			if dst, err = d.value(dst, field, f, depth); err != nil {
				return dst, err
			}
			continue
		}
		r := wireReader{in: f.bytes, base: f.from}
		for r.more() {
			if dst[len(dst)-1] != '[' {
				dst = append(dst, ',')
			}
			one := wireField{number: f.number, wire: wire, at: r.base + r.i}
			if err := r.packed(&one); err != nil {
				return dst, err
			}
			if dst, err = d.value(dst, field, one, depth); err != nil {
				return dst, err
			}
		}
	}
	return append(dst, ']'), nil
}

// packed reads the next number of a packed field into f.
func (r *wireReader) packed(f *wireField) (err error) {
	size := 8
	switch f.wire {
	case wireVarint:
		f.num, err = r.varint()
		return err
	case wire32:
		size = 4
	}
	if len(r.in)-r.i < size {
		return fail(r.base+len(r.in), cutShort)
	}
	for i := range size {
		f.num |= uint64(r.in[r.i+i]) << (8 * i)
	}
	r.i += size
	return nil
}

// mapping appends a map as an object.
func (d *protoDecoder) mapping(dst []byte, field *protoField, i, depth int) (_ []byte, err error) {
	key, value := field.message.byNumber[1], field.message.byNumber[2]
	if key == nil || value == nil {
		return d.list(dst, field, i, depth)
	}
	dst = append(dst, '{')
	for ; i != 0; i = d.lists.fields[i].next {
		entry := d.lists.fields[i].wireField
		if entry.wire != wireBytes {
			return dst, fail(entry.at, "a field of the wrong wire type")
		}
		k := wireField{number: 1, wire: key.wire(), at: entry.at}
		v := wireField{number: 2, wire: value.wire(), at: entry.at}
		r := wireReader{in: entry.bytes, base: entry.from}
		var f wireField
		for r.more() {
			if err := r.next(&f); err != nil {
				return dst, err
			}
			switch f.number {
			case 1:
				k = f
			case 2:
				v = f
			}
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		start := len(dst)
		if dst, err = d.value(dst, key, k, depth); err != nil {
			return dst, err
		}
		if dst, err = asKey(dst, start, entry.at); err != nil {
			return dst, err
		}
		if dst, err = d.value(dst, value, v, depth); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// wire returns the wire type of a field that is not packed.
func (f *protoField) wire() byte {
	switch f.kind {
	case protoDouble, protoFixed64, protoSfixed64:
		return wire64
	case protoFloat, protoFixed32, protoSfixed32:
		return wire32
	case protoString, protoBytes, protoMessages:
		return wireBytes
	case protoGroup:
		return wireGroup
	}
	return wireVarint
}

// value appends one value.
func (d *protoDecoder) value(dst []byte, field *protoField, f wireField, depth int) ([]byte, error) {
	if len(dst)-d.start > maxResult {
		return dst, fail(f.at, tooLarge)
	}
	isMessage := field.message != nil && (f.wire == wireBytes || f.wire == wireGroup)
	if f.wire != field.wire() && !isMessage {
		return dst, fail(f.at, "the field "+field.name+" of the wrong wire type")
	}
	switch field.kind {
	case protoDouble:
		return appendFloat(dst, math.Float64frombits(f.num), 64), nil
	case protoFloat:
		return appendFloat(dst, float64(math.Float32frombits(uint32(f.num))), 32), nil
	case protoInt64, protoSfixed64:
		return strconv.AppendInt(dst, int64(f.num), 10), nil
	case protoInt32, protoSfixed32:
		return strconv.AppendInt(dst, int64(int32(f.num)), 10), nil
	case protoUint32:
		return strconv.AppendUint(dst, uint64(uint32(f.num)), 10), nil
	case protoSint32, protoSint64:
		return strconv.AppendInt(dst, unzigzag(f.num), 10), nil
	case protoBool:
		return appendBool(dst, f.num != 0), nil
	case protoString:
		return appendText(dst, f.bytes, f.from)
	case protoBytes:
		return jsonline.AppendBase64(dst, f.bytes), nil
	case protoEnums:
		if name, ok := field.enum.names[int32(f.num)]; ok {
			return jsonline.AppendString(dst, []byte(name)), nil
		}
		return strconv.AppendInt(dst, int64(int32(f.num)), 10), nil
	case protoMessages, protoGroup:
		return d.object(dst, field.message, wireReader{in: f.bytes, base: f.from}, depth+1)
	}
	return strconv.AppendUint(dst, f.num, 10), nil // uint64 and fixed64
}

// moment appends a Timestamp or Duration whose fields begin at from. ok is false for one that has no
// such form.
func (d *protoDecoder) moment(dst []byte, m *protoMessage, from int) (_ []byte, ok bool) {
	var seconds, nanos int64
	for _, f := range d.lists.fields[from:] {
		switch {
		case f.number == 1 && f.wire == wireVarint:
			seconds = int64(f.num)
		case f.number == 2 && f.wire == wireVarint:
			nanos = int64(int32(f.num))
		default:
			return dst, false
		}
	}
	if m.name == "google.protobuf.Timestamp" {
		const first, last = -62135596800, 253402300799 // the years 1 to 9999
		if seconds < first || seconds > last || nanos < 0 || nanos > 999_999_999 {
			return dst, false
		}
		return append(time.Unix(seconds, nanos).UTC().AppendFormat(append(dst, '"'), time.RFC3339Nano), '"'), true
	}
	if seconds < -315_576_000_000 || seconds > 315_576_000_000 || nanos < -999_999_999 || nanos > 999_999_999 || seconds > 0 && nanos < 0 || seconds < 0 && nanos > 0 {
		return dst, false
	}
	dst = append(dst, '"')
	if seconds < 0 || nanos < 0 {
		dst, seconds, nanos = append(dst, '-'), -seconds, -nanos
	}
	dst = strconv.AppendInt(dst, seconds, 10)
	if nanos > 0 {
		digits := strconv.AppendInt(nil, 1_000_000_000+nanos, 10)
		for digits[len(digits)-1] == '0' {
			digits = digits[:len(digits)-1]
		}
		dst = append(append(dst, '.'), digits[1:]...)
	}
	return append(dst, 's', '"'), true
}
