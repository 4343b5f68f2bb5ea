package decode

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Encode appends a Payload with the fields in the order of their numbers. Each metric that has a value
// has its datatype. For a topic of STATE, text is the payload.
func (c *sparkplugCodec) Encode(dst, topic, text []byte) ([]byte, error) {
	if strings.HasPrefix(string(topic), "spBv1.0/STATE/") {
		return c.check.Encode(dst, topic, text)
	}
	n, err := parseNode(text)
	if err != nil {
		return dst, err
	}
	return encodeObject(dst, n, []member{
		{"timestamp", func(dst []byte, v *node) ([]byte, error) { return encodeUint(dst, 1, v, 64) }},
		{"metrics", func(dst []byte, v *node) ([]byte, error) { return encodeList(dst, 2, v, encodeMetric) }},
		{"seq", func(dst []byte, v *node) ([]byte, error) { return encodeUint(dst, 3, v, 64) }},
		{"uuid", func(dst []byte, v *node) ([]byte, error) { return encodeText(dst, 4, v) }},
		{"body", func(dst []byte, v *node) ([]byte, error) { return encodeBase64(dst, 5, v) }},
	})
}

// member is a member of an object, and what appends it.
type member struct {
	key    string
	append func(dst []byte, v *node) ([]byte, error)
}

// encodeObject appends the members that n has, in the order of members. A key that is not among them is
// an error.
func encodeObject(dst []byte, n *node, members []member) (_ []byte, err error) {
	if err := n.want(objectNode); err != nil {
		return dst, err
	}
	for _, key := range n.keys {
		if !slices.ContainsFunc(members, func(m member) bool { return m.key == key }) {
			return dst, within(misfit("unknown key"), key)
		}
	}
	for _, m := range members {
		if v := n.get(m.key); v != nil && m.append != nil {
			if dst, err = m.append(dst, v); err != nil {
				return dst, within(err, m.key)
			}
		}
	}
	return dst, nil
}

func encodeUint(dst []byte, number int, n *node, bits int) ([]byte, error) {
	v, err := n.uint(bits)
	return appendVarint(dst, number, v), err
}

func encodeBool(dst []byte, number int, n *node) ([]byte, error) {
	if err := n.want(boolNode); err != nil {
		return dst, err
	}
	if n.on {
		return appendVarint(dst, number, 1), nil
	}
	return appendVarint(dst, number, 0), nil
}

func encodeText(dst []byte, number int, n *node) ([]byte, error) {
	return appendBytes(dst, number, n.text), n.want(stringNode)
}

func encodeBase64(dst []byte, number int, n *node) ([]byte, error) {
	b, err := n.bytes()
	return appendBytes(dst, number, b), err
}

// encodeList appends each item of an array as a field.
func encodeList(dst []byte, number int, n *node, encode func(dst []byte, n *node) ([]byte, error)) ([]byte, error) {
	if err := n.want(arrayNode); err != nil {
		return dst, err
	}
	for i := range n.items {
		b, err := encode(nil, &n.items[i])
		if err != nil {
			return dst, within(err, strconv.Itoa(i))
		}
		dst = appendBytes(dst, number, b)
	}
	return dst, nil
}

// encodeMetric appends the fields of a Metric.
func encodeMetric(dst []byte, n *node) ([]byte, error) {
	flag := func(number int) func([]byte, *node) ([]byte, error) {
		return func(dst []byte, v *node) ([]byte, error) { return encodeBool(dst, number, v) }
	}
	var datatype uint32
	null := n.get("null") != nil && n.get("null").on
	return encodeObject(dst, n, []member{
		{"name", func(dst []byte, v *node) ([]byte, error) { return encodeText(dst, 1, v) }},
		{"alias", func(dst []byte, v *node) ([]byte, error) { return encodeUint(dst, 2, v, 64) }},
		{"timestamp", func(dst []byte, v *node) ([]byte, error) { return encodeUint(dst, 3, v, 64) }},
		{"datatype", func(dst []byte, v *node) (_ []byte, err error) {
			datatype, err = v.datatype()
			return appendVarint(dst, 4, uint64(datatype)), err
		}},
		{"historical", flag(5)},
		{"transient", flag(6)},
		{"null", flag(7)},
		{"metadata", func(dst []byte, v *node) ([]byte, error) { return encodeInner(dst, 8, v, encodeMetadata) }},
		{"properties", func(dst []byte, v *node) ([]byte, error) { return encodeInner(dst, 9, v, encodePropertySet) }},
		{"value", func(dst []byte, v *node) ([]byte, error) {
			if null && v.kind == nullNode {
				return dst, nil
			}
			return encodeScalar(dst, metricKinds[:], datatype, v)
		}},
	})
}

// encodeInner appends an inner message.
func encodeInner(dst []byte, number int, n *node, encode func([]byte, *node) ([]byte, error)) ([]byte, error) {
	b, err := encode(nil, n)
	return appendBytes(dst, number, b), err
}

// encodeMetadata appends the fields of a MetaData.
func encodeMetadata(dst []byte, n *node) ([]byte, error) {
	text := func(number int) func([]byte, *node) ([]byte, error) {
		return func(dst []byte, v *node) ([]byte, error) { return encodeText(dst, number, v) }
	}
	number := func(number int) func([]byte, *node) ([]byte, error) {
		return func(dst []byte, v *node) ([]byte, error) { return encodeUint(dst, number, v, 64) }
	}
	return encodeObject(dst, n, []member{
		{"is_multi_part", func(dst []byte, v *node) ([]byte, error) { return encodeBool(dst, 1, v) }},
		{"content_type", text(2)}, {"size", number(3)}, {"seq", number(4)},
		{"file_name", text(5)}, {"file_type", text(6)}, {"md5", text(7)}, {"description", text(8)},
	})
}

// encodePropertySet appends the keys and then the values of a PropertySet.
func encodePropertySet(dst []byte, n *node) (_ []byte, err error) {
	if err := n.want(objectNode); err != nil {
		return dst, err
	}
	for _, key := range n.keys {
		dst = appendBytes(dst, 1, key)
	}
	for i, key := range n.keys {
		b, err := encodeTyped(nil, &n.items[i], 1, 2, 0, propertyKinds[:])
		if err != nil {
			return dst, within(err, key)
		}
		dst = appendBytes(dst, 2, b)
	}
	return dst, nil
}

// encodeTyped appends a PropertyValue or a Parameter. The numbers are as in typed.
func encodeTyped(dst []byte, n *node, typeField, nullField, nameField int, kinds []scalarKind) ([]byte, error) {
	var datatype uint32
	null := n.get("null") != nil && n.get("null").on
	members := []member{
		{"type", func(dst []byte, v *node) (_ []byte, err error) {
			datatype, err = v.datatype()
			return appendVarint(dst, typeField, uint64(datatype)), err
		}},
		{"value", func(dst []byte, v *node) ([]byte, error) {
			if null && v.kind == nullNode {
				return dst, nil
			}
			return encodeScalar(dst, kinds, datatype, v)
		}},
	}
	if nameField != 0 {
		members = slices.Insert(members, 0, member{"name", func(dst []byte, v *node) ([]byte, error) { return encodeText(dst, nameField, v) }})
	}
	if nullField != 0 {
		members = slices.Insert(members, 1, member{"null", func(dst []byte, v *node) ([]byte, error) { return encodeBool(dst, nullField, v) }})
	}
	return encodeObject(dst, n, members)
}

// fieldKind returns the field that values of a datatype are in.
func fieldKind(datatype uint32) scalarKind {
	switch datatype {
	case typeInt8, typeInt16, typeInt32, typeUInt8, typeUInt16, typeUInt32:
		return intScalar
	case typeInt64, typeUInt64, typeDateTime:
		return longScalar
	case typeFloat:
		return floatScalar
	case typeDouble:
		return doubleScalar
	case typeBoolean:
		return boolScalar
	case 12, 14, 15: // String, Text, UUID
		return stringScalar
	case typeDataSet:
		return dataSetScalar
	case typeTemplate:
		return templateScalar
	case typePropertySet:
		return propertySetScalar
	case typePropertySets:
		return propertySetsScalar
	}
	if datatype >= typeBytes && datatype <= typeLast {
		return bytesScalar
	}
	return noScalar
}

// encodeScalar appends a value in the field of its datatype. kinds are the fields by number.
func encodeScalar(dst []byte, kinds []scalarKind, datatype uint32, n *node) ([]byte, error) {
	kind := fieldKind(datatype)
	number := slices.Index(kinds, kind)
	if kind == noScalar {
		return dst, misfit("a value needs a datatype, such as Int32")
	}
	if number < 0 {
		return dst, misfit("a value of the datatype %s cannot be here", datatypeNames[datatype])
	}
	switch kind {
	case intScalar, longScalar:
		v, err := encodeInteger(datatype, n)
		return appendVarint(dst, number, v), err
	case floatScalar:
		f, err := n.float(32)
		return appendFixed32(dst, number, math.Float32bits(float32(f))), err
	case doubleScalar:
		f, err := n.float(64)
		return appendFixed64(dst, number, math.Float64bits(f)), err
	case boolScalar:
		return encodeBool(dst, number, n)
	case stringScalar:
		return encodeText(dst, number, n)
	case dataSetScalar:
		return encodeInner(dst, number, n, encodeDataSet)
	case templateScalar:
		return encodeInner(dst, number, n, encodeTemplate)
	case propertySetScalar:
		return encodeInner(dst, number, n, encodePropertySet)
	case propertySetsScalar:
		b, err := encodeList(nil, 1, n, encodePropertySet)
		return appendBytes(dst, number, b), err
	}
	if datatype < typeInt8Array {
		return encodeBase64(dst, number, n)
	}
	b, err := encodeElements(datatype, n)
	return appendBytes(dst, number, b), err
}

// encodeInteger returns an integer as the field of its datatype holds it: of negative numbers of up to
// 32 bits, 32 bits.
func encodeInteger(datatype uint32, n *node) (uint64, error) {
	switch datatype {
	case typeInt8, typeInt16, typeInt32:
		v, err := n.int(8 << (datatype - typeInt8))
		return uint64(uint32(v)), err
	case typeInt64:
		v, err := n.int(64)
		return uint64(v), err
	case typeUInt8, typeUInt16, typeUInt32, typeUInt64:
		return n.uint(8 << (datatype - typeUInt8))
	}
	return n.uint(64)
}

// encodeElements returns the elements of an array.
func encodeElements(datatype uint32, n *node) (b []byte, err error) {
	if err := n.want(arrayNode); err != nil {
		return nil, err
	}
	if datatype == typeBooleanArray {
		b = make([]byte, 4+(len(n.items)+7)/8)
		binary.LittleEndian.PutUint32(b, uint32(len(n.items)))
	}
	for i := range n.items {
		v := &n.items[i]
		var x uint64
		switch element := datatype - typeInt8Array + typeInt8; {
		case datatype == typeStringArray:
			if err = v.want(stringNode); err == nil && strings.IndexByte(v.text, 0) >= 0 {
				err = misfit("a string with NUL cannot be in an array")
			}
			b = append(append(b, v.text...), 0)
		case datatype == typeBooleanArray:
			if err = v.want(boolNode); v.on {
				b[4+i/8] |= 1 << (7 - i%8)
			}
		case element == typeFloat:
			var f float64
			f, err = v.float(32)
			x = uint64(math.Float32bits(float32(f)))
		case element == typeDouble:
			var f float64
			f, err = v.float(64)
			x = math.Float64bits(f)
		default:
			x, err = encodeInteger(element, v)
		}
		if err != nil {
			return nil, within(err, strconv.Itoa(i))
		}
		if datatype != typeStringArray && datatype != typeBooleanArray {
			for range elementSizes[datatype] {
				b, x = append(b, byte(x)), x>>8
			}
		}
	}
	return b, nil
}

// encodeDataSet appends the fields of a DataSet.
func encodeDataSet(dst []byte, n *node) ([]byte, error) {
	var types []uint32
	return encodeObject(dst, n, []member{
		{"columns", func(dst []byte, v *node) ([]byte, error) {
			if err := v.want(arrayNode); err != nil {
				return dst, err
			}
			dst = appendVarint(dst, 1, uint64(len(v.items)))
			for i := range v.items {
				if err := v.items[i].want(stringNode); err != nil {
					return dst, within(err, strconv.Itoa(i))
				}
				dst = appendBytes(dst, 2, v.items[i].text)
			}
			return dst, nil
		}},
		{"types", func(dst []byte, v *node) ([]byte, error) {
			if err := v.want(arrayNode); err != nil {
				return dst, err
			}
			for i := range v.items {
				t, err := v.items[i].datatype()
				if err != nil {
					return dst, within(err, strconv.Itoa(i))
				}
				types = append(types, t)
				dst = appendVarint(dst, 3, uint64(t))
			}
			return dst, nil
		}},
		{"rows", func(dst []byte, v *node) ([]byte, error) {
			return encodeList(dst, 4, v, func(dst []byte, row *node) ([]byte, error) {
				if err := row.want(arrayNode); err != nil {
					return dst, err
				}
				if len(row.items) != len(types) {
					return dst, misfit("a row of %d values, and %d columns", len(row.items), len(types))
				}
				for i := range row.items {
					var cell []byte
					var err error
					if row.items[i].kind != nullNode {
						if cell, err = encodeScalar(nil, cellKinds[:], types[i], &row.items[i]); err != nil {
							return dst, within(err, strconv.Itoa(i))
						}
					}
					dst = appendBytes(dst, 1, cell)
				}
				return dst, nil
			})
		}},
	})
}

// encodeTemplate appends the fields of a Template.
func encodeTemplate(dst []byte, n *node) ([]byte, error) {
	return encodeObject(dst, n, []member{
		{"version", func(dst []byte, v *node) ([]byte, error) { return encodeText(dst, 1, v) }},
		{"metrics", func(dst []byte, v *node) ([]byte, error) { return encodeList(dst, 2, v, encodeMetric) }},
		{"parameters", func(dst []byte, v *node) ([]byte, error) {
			return encodeList(dst, 3, v, func(dst []byte, p *node) ([]byte, error) { return encodeTyped(dst, p, 2, 0, 1, parameterKinds[:]) })
		}},
		{"template_ref", func(dst []byte, v *node) ([]byte, error) { return encodeText(dst, 4, v) }},
		{"is_definition", func(dst []byte, v *node) ([]byte, error) { return encodeBool(dst, 5, v) }},
	})
}
