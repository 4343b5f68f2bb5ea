package decode

import (
	"encoding/binary"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Encode appends the message that text describes, with its fields in the order of their numbers. A field
// has its JSON name or the name of the schema; null leaves it out.
func (c *protoCodec) Encode(dst, _, text []byte) ([]byte, error) {
	n, err := parseNode(text)
	if err != nil {
		return dst, err
	}
	return encodeProto(dst, c.message, n)
}

// encodeProto appends the fields of a message.
func encodeProto(dst []byte, m *protoMessage, n *node) (_ []byte, err error) {
	if n.kind == stringNode && (m.name == "google.protobuf.Timestamp" || m.name == "google.protobuf.Duration") {
		return encodeMoment(dst, m, n)
	}
	if err := n.want(objectNode); err != nil {
		return dst, err
	}
	type given struct {
		field *protoField
		key   string
		value *node
	}
	var fields []given
	for i, key := range n.keys {
		at := slices.IndexFunc(m.fields, func(f *protoField) bool { return f.json == key || f.name == key })
		switch {
		case at >= 0:
			fields = append(fields, given{m.fields[at], key, &n.items[i]})
		case key != "" && strings.Trim(key, "0123456789") == "": // of a later schema: as without a schema
			if number, _ := strconv.Atoi(key); m.byNumber[number] != nil {
				return dst, within(misfit("%s calls this field %s", m.name, m.byNumber[number].json), key)
			}
			if dst, err = encodeRaw(dst, &node{kind: objectNode, keys: n.keys[i : i+1], items: n.items[i : i+1]}); err != nil {
				return dst, err
			}
		default:
			return dst, within(misfit("%s has no such field", m.name), key)
		}
	}
	sort.SliceStable(fields, func(i, j int) bool { return fields[i].field.number < fields[j].field.number })
	for _, g := range fields {
		if dst, err = encodeProtoField(dst, g.field, g.value); err != nil {
			return dst, within(err, g.key)
		}
	}
	return dst, nil
}

// encodeProtoField appends all values of a field.
func encodeProtoField(dst []byte, f *protoField, n *node) (_ []byte, err error) {
	switch {
	case n.kind == nullNode:
		return dst, nil
	case f.repeated && f.message != nil && f.message.mapEntry:
		return encodeMapping(dst, f, n)
	case !f.repeated:
		return encodeProtoValue(dst, f, n)
	}
	if err := n.want(arrayNode); err != nil {
		return dst, err
	}
	var packed []byte
	one := *f
	one.number = 0 // a tag of one byte, which is cut off
	for i := range n.items {
		wire := f.wire()
		if f.packed && wire != wireBytes && wire != wireGroup {
			start := len(packed)
			if packed, err = encodeProtoValue(packed, &one, &n.items[i]); err == nil {
				packed = slices.Delete(packed, start, start+1)
			}
		} else {
			dst, err = encodeProtoValue(dst, f, &n.items[i])
		}
		if err != nil {
			return dst, within(err, strconv.Itoa(i))
		}
	}
	if len(packed) > 0 {
		dst = appendBytes(dst, f.number, packed)
	}
	return dst, nil
}

// encodeMapping appends a map, whose keys are text in JSON.
func encodeMapping(dst []byte, f *protoField, n *node) ([]byte, error) {
	if err := n.want(objectNode); err != nil {
		return dst, err
	}
	key, value := f.message.byNumber[1], f.message.byNumber[2]
	if key == nil || value == nil {
		return dst, misfit("a map without keys or values")
	}
	for i, text := range n.keys {
		k := node{kind: stringNode, text: text}
		switch {
		case key.kind == protoBool:
			k = node{kind: boolNode, on: text == "true"}
		case key.kind != protoString:
			k.kind = numberNode
		}
		entry, err := encodeProtoValue(nil, key, &k)
		if err == nil {
			entry, err = encodeProtoValue(entry, value, &n.items[i])
		}
		if err != nil {
			return dst, within(err, text)
		}
		dst = appendBytes(dst, f.number, entry)
	}
	return dst, nil
}

// encodeProtoValue appends one value with its tag.
func encodeProtoValue(dst []byte, f *protoField, n *node) ([]byte, error) {
	switch f.kind {
	case protoDouble:
		v, err := n.float(64)
		return appendFixed64(dst, f.number, math.Float64bits(v)), err
	case protoFloat:
		v, err := n.float(32)
		return appendFixed32(dst, f.number, math.Float32bits(float32(v))), err
	case protoInt64:
		v, err := n.int(64)
		return appendVarint(dst, f.number, uint64(v)), err
	case protoInt32:
		v, err := n.int(32)
		return appendVarint(dst, f.number, uint64(v)), err
	case protoUint64:
		v, err := n.uint(64)
		return appendVarint(dst, f.number, v), err
	case protoUint32:
		v, err := n.uint(32)
		return appendVarint(dst, f.number, v), err
	case protoFixed64:
		v, err := n.uint(64)
		return appendFixed64(dst, f.number, v), err
	case protoFixed32:
		v, err := n.uint(32)
		return appendFixed32(dst, f.number, uint32(v)), err
	case protoSfixed64:
		v, err := n.int(64)
		return appendFixed64(dst, f.number, uint64(v)), err
	case protoSfixed32:
		v, err := n.int(32)
		return appendFixed32(dst, f.number, uint32(v)), err
	case protoSint32:
		v, err := n.int(32)
		return appendVarint(dst, f.number, zigzag(v)), err
	case protoSint64:
		v, err := n.int(64)
		return appendVarint(dst, f.number, zigzag(v)), err
	case protoBool:
		return encodeBool(dst, f.number, n)
	case protoString:
		return encodeText(dst, f.number, n)
	case protoBytes:
		return encodeBase64(dst, f.number, n)
	case protoEnums:
		if v, ok := f.enum.numbers[n.text]; ok && n.kind == stringNode {
			return appendVarint(dst, f.number, uint64(v)), nil
		}
		if n.kind == stringNode {
			return dst, misfit("%q is not a value of the enum", n.text)
		}
		v, err := n.int(32)
		return appendVarint(dst, f.number, uint64(v)), err
	}
	inner, err := encodeProto(nil, f.message, n)
	if f.kind == protoGroup {
		dst = append(appendTag(dst, f.number, wireGroup), inner...)
		return binary.AppendUvarint(dst, uint64(f.number)<<3|wireEnd), err
	}
	return appendBytes(dst, f.number, inner), err
}

// encodeMoment appends a Timestamp or Duration that is a string.
func encodeMoment(dst []byte, m *protoMessage, n *node) ([]byte, error) {
	var seconds, nanos int64
	if m.name == "google.protobuf.Timestamp" {
		t, err := time.Parse(time.RFC3339Nano, n.text)
		if err != nil {
			return dst, misfit("%q is not a time such as 2026-11-20T15:04:05Z", n.text)
		}
		seconds, nanos = t.Unix(), int64(t.Nanosecond())
	} else {
		text, negative := strings.CutPrefix(n.text, "-")
		whole, fraction, _ := strings.Cut(strings.TrimSuffix(text, "s"), ".")
		s, err1 := strconv.ParseUint(whole, 10, 40)
		ns, err2 := strconv.ParseUint((fraction + "000000000")[:9], 10, 32)
		if err1 != nil || err2 != nil || len(fraction) > 9 || !strings.HasSuffix(text, "s") {
			return dst, misfit("%q is not a duration such as 1.5s", n.text)
		}
		if seconds, nanos = int64(s), int64(ns); negative {
			seconds, nanos = -seconds, -nanos
		}
	}
	if seconds != 0 {
		dst = appendVarint(dst, 1, uint64(seconds))
	}
	if nanos != 0 {
		dst = appendVarint(dst, 2, uint64(nanos))
	}
	return dst, nil
}
