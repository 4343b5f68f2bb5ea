package decode

import (
	"bytes"
	"fmt"
	"strconv"

	"mqtt/internal/jsonline"
)

// sparkplugCodec is the payload of Sparkplug B, version 3.0. Metrics that have an alias and no name
// get the name and datatype of the last BIRTH of their edge node and device.
type sparkplugCodec struct {
	note   func(string)
	again  *bool // the message was decoded before
	births births
	check  jsonCodec // of STATE, which is JSON

	metrics []metric // a stack: those of a template are above those around it
}

// newSparkplug returns a codec that knows no BIRTH yet.
func newSparkplug(o Options) *sparkplugCodec {
	c := &sparkplugCodec{note: o.Note, again: o.again}
	if c.note == nil {
		c.note = func(string) {}
	}
	if c.again == nil {
		c.again = new(bool)
	}
	return c
}

// Decode appends a payload. The topic tells BIRTH and STATE from other messages, and whose they are.
func (c *sparkplugCodec) Decode(dst, topic, payload []byte) ([]byte, error) {
	start := len(dst)
	if bytes.HasPrefix(topic, []byte("STATE/")) { // before version 3.0: the text ONLINE or OFFLINE
		if dst, ok := appendString(dst, payload); ok {
			return dst, nil
		}
		return dst[:start], fail(0, notUTF8)
	}
	if bytes.HasPrefix(topic, []byte("spBv1.0/STATE/")) {
		return c.check.Decode(dst, topic, payload)
	}
	d := sparkplugDecoder{codec: c, start: start}
	d.place = c.births.place(topic)
	out, err := d.payload(dst, payload)
	clear(c.metrics[:cap(c.metrics)])
	c.metrics = c.metrics[:0]
	if cap(c.metrics) > mostMetricsKept {
		c.metrics = nil
	}
	if err != nil {
		return dst[:start], err
	}
	if d.nameless && d.place != nil && !d.place.noted && !*c.again {
		d.place.noted = true
		c.note(fmt.Sprintf("no BIRTH of %s seen: metrics that have an alias only stay without a name", jsonline.AppendString(nil, []byte(d.place.name))))
	}
	return out, nil
}

// mostMetricsKept is the capacity of the stack of metrics that is kept after a payload.
const mostMetricsKept = 1024

// sparkplugDecoder is the decoding of one payload.
type sparkplugDecoder struct {
	codec    *sparkplugCodec
	place    *place // nil if the topic names none
	start    int    // of the result
	nameless bool   // a metric has an alias that is not known
}

// metric is a Metric of the wire. Texts alias the payload, or are those of a BIRTH.
type metric struct {
	has                         uint32 // a bit for each field number
	name                        []byte
	alias, timestamp            uint64
	datatype                    uint32
	historical, transient, null bool
	metadata, properties        []byte
	metadataAt, propertiesAt    int
	value                       scalar
}

// scalar is a value of a metric, property, parameter or cell of a DataSet.
type scalar struct {
	kind  scalarKind
	num   uint64
	bytes []byte
	at    int // the place of bytes in the payload, or of the field
}

// scalarKind is the field that a value came in.
type scalarKind byte

const (
	noScalar scalarKind = iota
	intScalar
	longScalar
	floatScalar
	doubleScalar
	boolScalar
	stringScalar
	bytesScalar
	dataSetScalar
	templateScalar
	propertySetScalar
	propertySetsScalar
	extensionScalar
)

// set takes the value of f as a field of that kind.
func (s *scalar) set(kind scalarKind, f *wireField) error {
	want := byte(wireBytes)
	switch kind {
	case intScalar, longScalar, boolScalar:
		want = wireVarint
	case floatScalar:
		want = wire32
	case doubleScalar:
		want = wire64
	}
	if f.wire != want {
		return fail(f.at, "a field of the wrong wire type")
	}
	*s = scalar{kind: kind, num: f.num, bytes: f.bytes, at: f.at}
	if want == wireBytes {
		s.at = f.from
	}
	return nil
}

// payload appends the members of a Payload.
func (d *sparkplugDecoder) payload(dst, payload []byte) (_ []byte, err error) {
	r := wireReader{in: payload}
	var f wireField
	var has [6]bool
	var timestamp, seq uint64
	var uuid, body []byte
	var uuidAt int
	from := len(d.codec.metrics)
	for r.more() {
		if err := r.next(&f); err != nil {
			return dst, err
		}
		if f.number > 5 {
			continue
		}
		if want := [6]byte{0, wireVarint, wireBytes, wireVarint, wireBytes, wireBytes}[f.number]; f.wire != want {
			return dst, fail(f.at, "a field of the wrong wire type")
		}
		has[f.number] = true
		switch f.number {
		case 1:
			timestamp = f.num
		case 2:
			if err := d.readMetric(&f); err != nil {
				return dst, err
			}
		case 3:
			seq = f.num
		case 4:
			uuid, uuidAt = f.bytes, f.from
		case 5:
			body = f.bytes
		}
	}
	if d.place != nil && !*d.codec.again {
		if err := d.codec.births.learn(d.place, d.codec.metrics[from:], d.codec.note); err != nil {
			return dst, err
		}
	}
	dst = append(dst, '{')
	if has[1] {
		dst = strconv.AppendUint(appendKey(dst, "timestamp"), timestamp, 10)
	}
	if has[3] {
		dst = strconv.AppendUint(appendKey(dst, "seq"), seq, 10)
	}
	if has[4] {
		if dst, err = appendText(appendKey(dst, "uuid"), uuid, uuidAt); err != nil {
			return dst, err
		}
	}
	if dst, err = d.metricList(appendKey(dst, "metrics"), from, 0); err != nil {
		return dst, err
	}
	if has[5] {
		dst = jsonline.AppendBase64(appendKey(dst, "body"), body)
	}
	return append(dst, '}'), nil
}

// metricKinds are the kinds of values by field number.
var metricKinds = [...]scalarKind{10: intScalar, longScalar, floatScalar, doubleScalar, boolScalar, stringScalar, bytesScalar,
	dataSetScalar, templateScalar, extensionScalar}

// readMetric reads a Metric onto the stack.
func (d *sparkplugDecoder) readMetric(outer *wireField) error {
	d.codec.metrics = append(d.codec.metrics, metric{})
	m := &d.codec.metrics[len(d.codec.metrics)-1]
	r := wireReader{in: outer.bytes, base: outer.from}
	var f wireField
	for r.more() {
		if err := r.next(&f); err != nil {
			return err
		}
		if f.number >= len(metricKinds) {
			continue // of a later version
		}
		if f.number >= 10 {
			if err := m.value.set(metricKinds[f.number], &f); err != nil {
				return err
			}
			continue
		}
		want := byte(wireVarint)
		if f.number == 1 || f.number >= 8 {
			want = wireBytes
		}
		if f.wire != want {
			return fail(f.at, "a field of the wrong wire type")
		}
		m.has |= 1 << f.number
		switch f.number {
		case 1:
			m.name = f.bytes
		case 2:
			m.alias = f.num
		case 3:
			m.timestamp = f.num
		case 4:
			m.datatype = uint32(f.num)
		case 5:
			m.historical = f.num != 0
		case 6:
			m.transient = f.num != 0
		case 7:
			m.null = f.num != 0
		case 8:
			m.metadata, m.metadataAt = f.bytes, f.from
		case 9:
			m.properties, m.propertiesAt = f.bytes, f.from
		}
	}
	return nil
}

// metricList appends the metrics on the stack from that place on as an array, and removes them.
func (d *sparkplugDecoder) metricList(dst []byte, from, depth int) (_ []byte, err error) {
	dst = append(dst, '[')
	for i, end := from, len(d.codec.metrics); i < end; i++ {
		if i > from {
			dst = append(dst, ',')
		}
		m := d.codec.metrics[i] // a copy: inner metrics may move the stack
		if dst, err = d.metric(dst, &m, depth); err != nil {
			return dst, err
		}
	}
	d.codec.metrics = d.codec.metrics[:from]
	return append(dst, ']'), nil
}

// metric appends m. Its name comes from a BIRTH if it has an alias only, as does its datatype.
func (d *sparkplugDecoder) metric(dst []byte, m *metric, depth int) (_ []byte, err error) {
	if len(dst)-d.start > maxResult {
		return dst, fail(m.value.at, tooLarge)
	}
	const hasName, hasAlias, hasTimestamp, hasType = 1 << 1, 1 << 2, 1 << 3, 1 << 4
	if m.has&(hasName|hasType) != hasName|hasType && d.place != nil {
		if known, ok := d.place.find(m.has&hasName != 0, m.name, m.has&hasAlias != 0, m.alias); ok {
			if m.has&hasName == 0 && len(known.name) > 0 {
				m.name, m.has = known.name, m.has|hasName
			}
			if m.has&hasType == 0 && known.datatype != 0 {
				m.datatype, m.has = known.datatype, m.has|hasType
			}
		} else if m.has&hasName == 0 && m.has&hasAlias != 0 {
			d.nameless = true
		}
	}
	dst = append(dst, '{')
	if m.has&hasName != 0 {
		var ok bool
		if dst, ok = appendString(appendKey(dst, "name"), m.name); !ok {
			return dst, fail(m.value.at, "a name that is not UTF-8")
		}
	}
	if m.has&hasAlias != 0 {
		dst = strconv.AppendUint(appendKey(dst, "alias"), m.alias, 10)
	}
	if m.has&hasTimestamp != 0 {
		dst = strconv.AppendUint(appendKey(dst, "timestamp"), m.timestamp, 10)
	}
	if m.has&hasType != 0 {
		dst = appendDatatype(appendKey(dst, "datatype"), m.datatype)
	}
	if m.value.kind != noScalar || m.null { // else a request to read, or a BIRTH without a value
		if dst, err = d.scalar(appendKey(dst, "value"), m.datatype, &m.value, depth); err != nil {
			return dst, err
		}
	}
	if m.historical {
		dst = append(appendKey(dst, "historical"), "true"...)
	}
	if m.transient {
		dst = append(appendKey(dst, "transient"), "true"...)
	}
	if m.null {
		dst = append(appendKey(dst, "null"), "true"...)
	}
	if m.has&(1<<8) != 0 {
		if dst, err = d.metadata(appendKey(dst, "metadata"), m.metadata, m.metadataAt); err != nil {
			return dst, err
		}
	}
	if m.has&(1<<9) != 0 {
		if dst, err = d.propertySet(appendKey(dst, "properties"), m.properties, m.propertiesAt, depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}
