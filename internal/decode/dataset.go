package decode

// cellKinds are the kinds of a DataSetValue by field number.
var cellKinds = [...]scalarKind{1: intScalar, longScalar, floatScalar, doubleScalar, boolScalar, stringScalar, extensionScalar}

// dataSet appends a DataSet as {"columns", "types", "rows"}.
func (d *sparkplugDecoder) dataSet(dst []byte, s *scalar, depth int) ([]byte, error) {
	types, err := columnTypes(s)
	if err != nil {
		return dst, err
	}
	dst = append(append(dst, '{'), `"columns":[`...)
	r := wireReader{in: s.bytes, base: s.at}
	for {
		f, ok, err := nextNumbered(&r, 2)
		if err != nil {
			return dst, err
		}
		if !ok {
			break
		}
		if dst[len(dst)-1] != '[' {
			dst = append(dst, ',')
		}
		if dst, err = appendText(dst, f.bytes, f.from); err != nil {
			return dst, err
		}
	}
	dst = append(dst, `],"types":[`...)
	for i, t := range types {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendDatatype(dst, t)
	}
	dst = append(dst, `],"rows":[`...)
	r = wireReader{in: s.bytes, base: s.at}
	for {
		f, ok, err := nextNumbered(&r, 4)
		if err != nil {
			return dst, err
		}
		if !ok {
			return append(dst, ']', '}'), nil
		}
		if dst[len(dst)-1] != '[' {
			dst = append(dst, ',')
		}
		if dst, err = d.row(dst, wireReader{in: f.bytes, base: f.from}, types, depth); err != nil {
			return dst, err
		}
	}
}

// columnTypes returns the datatypes of the columns, which may be packed.
func columnTypes(s *scalar) ([]uint32, error) {
	var types []uint32
	r := wireReader{in: s.bytes, base: s.at}
	var f wireField
	for r.more() {
		if err := r.next(&f); err != nil {
			return nil, err
		}
		switch {
		case f.number == 3 && f.wire == wireVarint:
			types = append(types, uint32(f.num))
		case f.number == 3 && f.wire == wireBytes:
			packed := wireReader{in: f.bytes, base: f.from}
			for packed.more() {
				t, err := packed.varint()
				if err != nil {
					return nil, err
				}
				types = append(types, uint32(t))
			}
		}
	}
	return types, nil
}

// row appends a Row as an array.
func (d *sparkplugDecoder) row(dst []byte, r wireReader, types []uint32, depth int) ([]byte, error) {
	dst = append(dst, '[')
	for column := 0; ; column++ {
		cell, ok, err := nextNumbered(&r, 1)
		if err != nil {
			return dst, err
		}
		if !ok {
			return append(dst, ']'), nil
		}
		if column > 0 {
			dst = append(dst, ',')
		}
		s := scalar{at: cell.at}
		in := wireReader{in: cell.bytes, base: cell.from}
		var f wireField
		for in.more() {
			if err := in.next(&f); err != nil {
				return dst, err
			}
			if f.number < len(cellKinds) {
				if err := s.set(cellKinds[f.number], &f); err != nil {
					return dst, err
				}
			}
		}
		var datatype uint32
		if column < len(types) {
			datatype = types[column]
		}
		if dst, err = d.scalar(dst, datatype, &s, depth); err != nil {
			return dst, err
		}
	}
}
