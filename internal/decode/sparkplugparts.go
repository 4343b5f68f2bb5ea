package decode

import "strconv"

// metadata appends a MetaData.
func (d *sparkplugDecoder) metadata(dst, b []byte, at int) ([]byte, error) {
	names := [...]string{1: "is_multi_part", "content_type", "size", "seq", "file_name", "file_type", "md5", "description"}
	r := wireReader{in: b, base: at}
	var f wireField
	dst = append(dst, '{')
	for r.more() {
		err := r.next(&f)
		if err != nil {
			return dst, err
		}
		if f.number >= len(names) {
			continue
		}
		dst = appendKey(dst, names[f.number])
		switch {
		case f.number == 1 && f.wire == wireVarint:
			dst = appendBool(dst, f.num != 0)
		case (f.number == 3 || f.number == 4) && f.wire == wireVarint:
			dst = strconv.AppendUint(dst, f.num, 10)
		case f.wire == wireBytes && f.number != 1 && f.number != 3 && f.number != 4:
			if dst, err = appendText(dst, f.bytes, f.from); err != nil {
				return dst, err
			}
		default:
			return dst, fail(f.at, "a field of the wrong wire type")
		}
	}
	return append(dst, '}'), nil
}

// propertyKinds are the kinds of a PropertyValue by field number.
var propertyKinds = [...]scalarKind{3: intScalar, longScalar, floatScalar, doubleScalar, boolScalar, stringScalar, propertySetScalar,
	propertySetsScalar, extensionScalar}

// propertySet appends a PropertySet as an object of {"type", "value"}. Keys and values are two lists of
// equal length.
func (d *sparkplugDecoder) propertySet(dst, b []byte, at, depth int) (_ []byte, err error) {
	keys, values := wireReader{in: b, base: at}, wireReader{in: b, base: at}
	dst = append(dst, '{')
	for {
		key, more, err := nextNumbered(&keys, 1)
		if err != nil {
			return dst, err
		}
		value, moreValues, err := nextNumbered(&values, 2)
		if err != nil {
			return dst, err
		}
		if more != moreValues {
			return dst, fail(at, "a PropertySet with more keys than values, or more values than keys")
		}
		if !more {
			return append(dst, '}'), nil
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		if dst, err = appendText(dst, key.bytes, key.from); err != nil {
			return dst, err
		}
		if dst, err = d.typed(append(dst, ':'), wireReader{in: value.bytes, base: value.from}, 1, 2, 0, propertyKinds[:], depth); err != nil {
			return dst, err
		}
	}
}

// nextNumbered returns the next field with that number that has bytes. ok is false at the end.
func nextNumbered(r *wireReader, number int) (f wireField, ok bool, err error) {
	for r.more() {
		if err := r.next(&f); err != nil {
			return f, false, err
		}
		if f.number == number {
			if f.wire != wireBytes {
				return f, false, fail(f.at, "a field of the wrong wire type")
			}
			return f, true, nil
		}
	}
	return f, false, nil
}

// typed appends {"type", "value"} for a PropertyValue or a Parameter. The numbers are those of its
// fields; 0 stands for one that it does not have.
func (d *sparkplugDecoder) typed(dst []byte, r wireReader, typeField, nullField, nameField int, kinds []scalarKind, depth int) (_ []byte, err error) {
	var f, name wireField
	var s scalar
	var datatype uint32
	var hasType, null bool
	s.at = r.base
	for r.more() {
		if err := r.next(&f); err != nil {
			return dst, err
		}
		switch {
		case f.number == nameField && f.wire == wireBytes:
			name = f
		case f.number == typeField && f.wire == wireVarint:
			datatype, hasType = uint32(f.num), true
		case f.number == nullField && f.wire == wireVarint:
			null = f.num != 0
		case f.number < len(kinds) && kinds[f.number] != noScalar:
			if err := s.set(kinds[f.number], &f); err != nil {
				return dst, err
			}
		}
	}
	dst = append(dst, '{')
	if name.bytes != nil {
		if dst, err = appendText(appendKey(dst, "name"), name.bytes, name.from); err != nil {
			return dst, err
		}
	}
	if hasType {
		dst = appendDatatype(appendKey(dst, "type"), datatype)
	}
	if s.kind != noScalar || null {
		if dst, err = d.scalar(appendKey(dst, "value"), datatype, &s, depth); err != nil {
			return dst, err
		}
	}
	if null {
		dst = append(appendKey(dst, "null"), "true"...)
	}
	return append(dst, '}'), nil
}

// propertySets appends a PropertySetList.
func (d *sparkplugDecoder) propertySets(dst []byte, s *scalar, depth int) ([]byte, error) {
	r := wireReader{in: s.bytes, base: s.at}
	dst = append(dst, '[')
	for first := true; ; first = false {
		f, ok, err := nextNumbered(&r, 1)
		if err != nil {
			return dst, err
		}
		if !ok {
			return append(dst, ']'), nil
		}
		if !first {
			dst = append(dst, ',')
		}
		if depth+1 >= maxDepth {
			return dst, fail(f.at, tooDeep)
		}
		if dst, err = d.propertySet(dst, f.bytes, f.from, depth+1); err != nil {
			return dst, err
		}
	}
}

// parameterKinds are the kinds of a Parameter of a Template by field number.
var parameterKinds = [...]scalarKind{3: intScalar, longScalar, floatScalar, doubleScalar, boolScalar, stringScalar, extensionScalar}

// template appends a Template.
func (d *sparkplugDecoder) template(dst []byte, s *scalar, depth int) (_ []byte, err error) {
	r := wireReader{in: s.bytes, base: s.at}
	from := len(d.codec.metrics)
	var f, version, ref wireField
	var definition, hasDefinition, parameters bool
	for r.more() {
		if err := r.next(&f); err != nil {
			return dst, err
		}
		if f.number <= 4 && f.wire != wireBytes || f.number == 5 && f.wire != wireVarint {
			return dst, fail(f.at, "a field of the wrong wire type")
		}
		switch f.number {
		case 1:
			version = f
		case 2:
			if err := d.readMetric(&f); err != nil {
				return dst, err
			}
		case 3:
			parameters = true
		case 4:
			ref = f
		case 5:
			definition, hasDefinition = f.num != 0, true
		}
	}
	dst = append(dst, '{')
	for _, text := range []struct {
		key string
		f   *wireField
	}{{"version", &version}, {"template_ref", &ref}} {
		if text.f.bytes == nil {
			continue
		}
		if dst, err = appendText(appendKey(dst, text.key), text.f.bytes, text.f.from); err != nil {
			return dst, err
		}
	}
	if hasDefinition {
		dst = appendBool(appendKey(dst, "is_definition"), definition)
	}
	if dst, err = d.metricList(appendKey(dst, "metrics"), from, depth+1); err != nil {
		return dst, err
	}
	if !parameters {
		return append(dst, '}'), nil
	}
	dst = append(appendKey(dst, "parameters"), '[')
	for r := (wireReader{in: s.bytes, base: s.at}); ; {
		f, ok, err := nextNumbered(&r, 3)
		if err != nil {
			return dst, err
		}
		if !ok {
			return append(dst, ']', '}'), nil
		}
		if dst[len(dst)-1] != '[' {
			dst = append(dst, ',')
		}
		if dst, err = d.typed(dst, wireReader{in: f.bytes, base: f.from}, 2, 0, 1, parameterKinds[:], depth+1); err != nil {
			return dst, err
		}
	}
}
