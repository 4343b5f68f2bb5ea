package format

import (
	"encoding/base64"
	"fmt"
	"time"
	"unicode/utf8"

	"mqtt/internal/proto"
)

// Fields is a set of keys that stood in a line.
type Fields byte

// The keys that the reader of a Record may want to know the presence of.
const (
	HasTime Fields = 1 << iota
	HasTopic
	HasQoS
	HasRetain
	HasPayload
	HasProperties
)

// Record is a message read from a line of JSON, with the buffers that it lies in.
// What a line does not name is zero; Has tells which it is.
type Record struct {
	Has     Fields
	Time    time.Time // UTC
	Publish proto.Publish
	// Forward is Publish.Props less the topic alias and the subscription
	// identifiers, which belong to the delivery that the message came by: a client
	// must not send the latter [MQTT-3.3.4-6].
	Forward proto.Props
	// Unknown is the first key that is not known, with properties. before it if it
	// stands there; empty if there is none.
	Unknown []byte

	topic, payload       []byte
	props, hop           proto.Props
	key, value, escaped  []byte
	check                values
	clock                clock
	encoded, payloadText bool
}

// RecordError says what is wrong with a line.
type RecordError struct {
	Key    string // the member, as properties.topic_alias; empty if it is the line
	Offset int    // in bytes from the line's first
	What   string
}

// Error names member, fault and place, counted from 1.
func (e *RecordError) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("json: %s at byte %d", e.What, e.Offset+1)
	}
	return fmt.Sprintf("json: %s: %s at byte %d", e.Key, e.What, e.Offset+1)
}

// ParseJSON reads a line as JSON and mosquitto's keys have it: an object with time,
// topic, qos, retain, properties and one of payload and payload_base64. Types are
// strict, keys that are not known are passed over but for a note in Unknown, and so
// are dup, mid, tst and payloadlen, which belong to a delivery. A payload that is a string is its text, or bytes if
// payload_encoding is "base64"; null is empty; any other value is the payload byte
// for byte as it stands in the line.
//
// into is overwritten; what it points to is good until the next line. An error is a
// *RecordError. Nothing is allocated once the buffers of into are large enough.
func ParseJSON(line []byte, into *Record) error {
	r := into
	r.Has, r.Time, r.Publish, r.Forward = 0, time.Time{}, proto.Publish{}, nil
	r.topic, r.payload, r.props, r.hop = r.topic[:0], r.payload[:0], r.props[:0], r.hop[:0]
	r.encoded, r.payloadText, r.Unknown = false, false, r.Unknown[:0]
	if !utf8.Valid(line) {
		return r.notText(line)
	}
	l := object{b: line, i: space(line, 0)}
	if l.i == len(line) {
		return l.fail("", "empty line")
	}
	if line[l.i] != '{' {
		return l.fail("", "want an object")
	}
	for l.open(); l.next(r); {
		if err := r.member(&l); err != nil {
			return err
		}
	}
	if l.why != "" {
		return l.fail("", l.why)
	}
	if l.i = space(line, l.i); l.i < len(line) {
		return l.fail("", "something behind the object")
	}
	if r.encoded && r.Has&HasPayload != 0 {
		if !r.payloadText {
			return l.fail("payload_encoding", "payload is not a string")
		}
		n, err := base64.StdEncoding.Decode(r.payload, r.payload)
		if err != nil {
			return l.fail("payload", "malformed base64")
		}
		r.payload = r.payload[:n]
	}
	r.Publish.Topic, r.Publish.Payload = r.topic, r.payload
	if len(r.props)+len(r.hop) > 0 {
		n := len(r.props)
		r.props = append(r.props, r.hop...)
		r.Publish.Props, r.Forward = r.props, r.props[:n:n]
		if err := r.props.Check(proto.PUBLISH); err != nil {
			return &RecordError{Key: "properties", What: err.(*proto.Error).What}
		}
	}
	return nil
}

func (r *Record) notText(line []byte) error {
	for i := 0; ; {
		c, n := utf8.DecodeRune(line[i:])
		if c == utf8.RuneError && n == 1 {
			return &RecordError{Offset: i, What: "text that is not UTF-8"}
		}
		i += n
	}
}

// once notes that a key stood there, which no two may.
func (r *Record) once(l *object, f Fields, name string) error {
	if r.Has&f != 0 {
		if f == HasPayload {
			return l.fail(name, "a second payload")
		}
		return l.fail(name, "given twice")
	}
	r.Has |= f
	return nil
}

// member reads the value of one member of the line.
func (r *Record) member(l *object) (err error) {
	switch string(l.key) {
	case "time":
		if err = r.once(l, HasTime, "time"); err == nil {
			r.value, err = l.string(r.value[:0], "time", r)
			if err == nil && !r.clock.parse(r.value, &r.Time) {
				err = l.fail("time", "want a time such as 2026-11-20T15:04:05.123Z")
			}
		}
	case "topic":
		if err = r.once(l, HasTopic, "topic"); err == nil {
			r.topic, err = l.string(r.topic, "topic", r)
		}
	case "qos":
		var n uint32
		if err = r.once(l, HasQoS, "qos"); err == nil {
			n, err = l.number("qos", 0, 2, r)
			r.Publish.QoS = byte(n)
		}
	case "retain":
		if err = r.once(l, HasRetain, "retain"); err == nil {
			r.Publish.Retain, err = l.bool("retain", r)
		}
	case "payload":
		if err = r.once(l, HasPayload, "payload"); err == nil {
			err = r.readPayload(l)
		}
	case "payload_base64":
		if err = r.once(l, HasPayload, "payload_base64"); err == nil {
			r.payload, err = l.base64(r.payload, "payload_base64", r)
		}
	case "payload_encoding":
		r.value, err = l.string(r.value[:0], "payload_encoding", r)
		switch {
		case err != nil:
		case string(r.value) == "base64":
			r.encoded = true
		case string(r.value) != "text" && string(r.value) != "utf8":
			err = l.fail("payload_encoding", `want "base64" or "text"`)
		}
	case "properties":
		if err = r.once(l, HasProperties, "properties"); err == nil {
			err = r.properties(l)
		}
	case "dup", "mid", "tst", "payloadlen":
		err = l.skip(r)
	default:
		err = r.pass(l, "")
	}
	return err
}

// pass steps over the value of a key that is not known.
func (r *Record) pass(l *object, within string) error {
	if len(r.Unknown) == 0 {
		r.Unknown = append(append(r.Unknown, within...), l.key...)
	}
	return l.skip(r)
}

func (r *Record) readPayload(l *object) (err error) {
	switch l.peek() {
	case '"':
		r.payloadText = true
		r.payload, err = l.string(r.payload, "payload", r)
		return err
	case 'n':
		return l.skip(r)
	}
	from := l.i
	if err = l.skip(r); err == nil {
		r.payload = append(r.payload, l.b[from:l.i]...)
	}
	return err
}
