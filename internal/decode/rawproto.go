package decode

import (
	"encoding/binary"
	"strconv"
	"unicode/utf8"

	"mqtt/internal/jsonline"
)

// rawProtoCodec is a message of Protocol Buffers without its schema: fields by number, values by wire
// type. It never takes bytes for an inner message.
type rawProtoCodec struct{ lists fieldLists }

// Decode appends the fields of payload by number.
func (c *rawProtoCodec) Decode(dst, _, payload []byte) ([]byte, error) {
	start := len(dst)
	out, err := appendRaw(dst, &c.lists, wireReader{in: payload}, 0, start)
	if err != nil {
		return dst[:start], err
	}
	return out, nil
}

// appendRaw appends a message. start is where the result begins.
func appendRaw(dst []byte, lists *fieldLists, r wireReader, depth, start int) (_ []byte, err error) {
	if depth >= maxDepth {
		return dst, r.fail(tooDeep)
	}
	from, err := lists.push(r)
	if err != nil {
		return dst, err
	}
	defer lists.pop(from)
	dst = append(dst, '{')
	for i := from; i < len(lists.fields); i++ {
		if lists.fields[i].first {
			if dst, err = appendRawList(dst, lists, i, depth, start); err != nil {
				return dst, err
			}
		}
	}
	return append(dst, '}'), nil
}

// appendRawList appends the fields with the number of the one at i.
func appendRawList(dst []byte, lists *fieldLists, i, depth, start int) (_ []byte, err error) {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = strconv.AppendInt(append(dst, '"'), int64(lists.fields[i].number), 10)
	dst = append(dst, `":[`...)
	for ; i != 0; i = lists.fields[i].next {
		f := lists.fields[i].wireField
		if len(dst)-start > maxResult {
			return dst, fail(f.at, tooLarge)
		}
		switch f.wire {
		case wireVarint:
			dst = strconv.AppendUint(append(dst, `{"varint":`...), f.num, 10)
		case wire32:
			dst = strconv.AppendUint(append(dst, `{"fixed32":`...), f.num, 10)
		case wire64:
			dst = strconv.AppendUint(append(dst, `{"fixed64":`...), f.num, 10)
		case wireGroup:
			if dst, err = appendRaw(append(dst, `{"group":`...), lists, wireReader{in: f.bytes, base: f.from}, depth+1, start); err != nil {
				return dst, err
			}
		default:
			dst = jsonline.AppendBase64(append(dst, `{"bytes":`...), f.bytes)
			if utf8.Valid(f.bytes) {
				dst, _ = appendString(append(dst, `,"text":`...), f.bytes)
			}
		}
		dst = append(dst, '}', ',')
	}
	dst[len(dst)-1] = ']'
	return dst, nil
}

// Encode appends a message with the fields in the order of text.
func (c *rawProtoCodec) Encode(dst, _, text []byte) ([]byte, error) {
	n, err := parseNode(text)
	if err != nil {
		return dst, err
	}
	return encodeRaw(dst, n)
}

// encodeRaw appends the fields of the object n.
func encodeRaw(dst []byte, n *node) (_ []byte, err error) {
	if err := n.want(objectNode); err != nil {
		return dst, err
	}
	for i, key := range n.keys {
		number, err := strconv.ParseUint(key, 10, 29)
		if err != nil || number == 0 {
			return dst, within(misfit("expected a field number"), key)
		}
		list := &n.items[i]
		if err := list.want(arrayNode); err != nil {
			return dst, within(err, key)
		}
		for j := range list.items {
			if dst, err = encodeRawField(dst, int(number), &list.items[j]); err != nil {
				return dst, within(within(err, strconv.Itoa(j)), key)
			}
		}
	}
	return dst, nil
}

// encodeRawField appends one field.
func encodeRawField(dst []byte, number int, n *node) ([]byte, error) {
	if n.kind != objectNode || len(n.keys) == 0 {
		return dst, misfit(`expected an object such as {"varint": 150}`)
	}
	v := &n.items[0]
	switch n.keys[0] {
	case "varint":
		x, err := v.uint(64)
		return appendVarint(dst, number, x), err
	case "fixed32":
		x, err := v.uint(32)
		return appendFixed32(dst, number, uint32(x)), err
	case "fixed64":
		x, err := v.uint(64)
		return appendFixed64(dst, number, x), err
	case "bytes":
		b, err := v.bytes()
		return appendBytes(dst, number, b), err
	case "text":
		err := v.want(stringNode)
		return appendBytes(dst, number, v.text), err
	case "group":
		dst, err := encodeRaw(appendTag(dst, number, wireGroup), v)
		return binary.AppendUvarint(dst, uint64(number)<<3|wireEnd), err
	}
	return dst, misfit("unknown wire type %q, expected varint, fixed32, fixed64, bytes, text or group", n.keys[0])
}
