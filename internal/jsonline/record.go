package jsonline

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"mqtt/internal/proto"
)

// Fields is a set of keys of a line.
type Fields byte

// The keys in Record.Has.
const (
	HasTime Fields = 1 << iota
	HasTopic
	HasQoS
	HasRetain
	HasPayload
	HasProperties
)

// Record is a message read from a line of JSON, with the buffers that it is in. Fields
// of keys that the line does not have are zero.
type Record struct {
	Has     Fields    // which keys the line has
	Time    time.Time // UTC
	Publish proto.Publish
	// Forward is Publish.Props without the topic alias and the subscription
	// identifiers, which belong to the delivery that was recorded: a client must not
	// send subscription identifiers [MQTT-3.3.4-6].
	Forward proto.Props
	// Unknown is the first key of the line that is not known, empty if there is none.
	// Keys of the properties have the prefix "properties.".
	Unknown []byte

	in             reader
	clock          clock
	topic, payload []byte
	props          proto.Props // of the message
	hopProps       proto.Props // of its delivery
	key, value     []byte      // of a property
	encodedPayload bool        // payload_encoding is base64
	stringPayload  bool        // payload is a string
}

// Error says what is wrong with a line.
type Error struct {
	Key    string // such as properties.topic_alias; empty if the line is wrong
	Offset int    // in bytes from the start of the line
	What   string
}

// Error returns key, fault and place; the place is counted from 1.
func (e *Error) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("json: %s at byte %d", e.What, e.Offset+1)
	}
	return fmt.Sprintf("json: %s: %s at byte %d", e.Key, e.What, e.Offset+1)
}

// Parse reads line, an object with the keys of an Encoder or of mosquitto: time, topic,
// qos, retain, properties, and one of payload and payload_base64. Types are strict. The
// keys dup, mid, tst and payloadlen, which belong to a delivery, are skipped, as is
// decoded, which says again what the payload says; so are unknown keys, and into.Unknown
// is the first one.
//
// A payload that is a string is its text, or bytes if payload_encoding is "base64". A
// payload of null is empty. Any other value is a payload of exactly the bytes in the
// line.
//
// Parse overwrites into, which is good until the next call. An error is an *Error.
func Parse(line []byte, into *Record) error {
	r := into
	r.Has, r.Time, r.Publish, r.Forward = 0, time.Time{}, proto.Publish{}, nil
	r.topic, r.payload, r.props, r.hopProps = r.topic[:0], r.payload[:0], r.props[:0], r.hopProps[:0]
	r.encodedPayload, r.stringPayload, r.Unknown = false, false, r.Unknown[:0]
	if !utf8.Valid(line) {
		what := "text that is not UTF-8"
		if bytes.HasPrefix(line, []byte("\xff\xfe")) || bytes.HasPrefix(line, []byte("\xfe\xff")) {
			what = "text in UTF-16, not in UTF-8"
		}
		return &Error{Offset: firstInvalid(line), What: what}
	}
	r.in.reset(line)
	if err := r.readLine(); err != nil {
		return err
	}
	if err := r.decodePayload(); err != nil {
		return err
	}
	r.Publish.Topic, r.Publish.Payload = r.topic, r.payload
	return r.setProps()
}

// firstInvalid returns the index of the first byte of line that is not UTF-8.
func firstInvalid(line []byte) int {
	for i := 0; ; {
		c, n := utf8.DecodeRune(line[i:])
		if c == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
}

// readLine reads the object, which must be the whole line.
func (r *Record) readLine() error {
	in := &r.in
	if in.i == len(in.line) {
		return in.fail("", "empty line")
	}
	if in.peek() != '{' {
		return in.fail("", "want an object")
	}
	for in.open(); in.next(); {
		if err := r.member(); err != nil {
			return err
		}
	}
	if in.why != "" {
		return in.syntax(in.why)
	}
	if in.i = skipSpace(in.line, in.i); in.i < len(in.line) {
		return in.fail("", "text after the object")
	}
	return nil
}

// decodePayload applies payload_encoding, which may come before or after the payload.
func (r *Record) decodePayload() error {
	if !r.encodedPayload || r.Has&HasPayload == 0 {
		return nil
	}
	if !r.stringPayload {
		return r.in.fail("payload_encoding", "payload is not a string")
	}
	n, err := base64.StdEncoding.Decode(r.payload, r.payload)
	if err != nil {
		return r.in.fail("payload", "malformed base64")
	}
	r.payload = r.payload[:n]
	return nil
}

// setProps sets the properties of the message and checks them.
func (r *Record) setProps() error {
	if len(r.props)+len(r.hopProps) == 0 {
		return nil
	}
	n := len(r.props)
	r.props = append(r.props, r.hopProps...)
	r.Publish.Props, r.Forward = r.props, r.props[:n:n]
	err := r.props.Check(proto.PUBLISH)
	if err == nil {
		return nil
	}
	what := err.Error()
	if e, ok := errors.AsType[*proto.Error](err); ok {
		what = e.What
	}
	return &Error{Key: "properties", What: what}
}

// once notes that the line has a key, and fails if it had it before.
func (r *Record) once(f Fields, key string) error {
	if r.Has&f != 0 {
		if f == HasPayload {
			return r.in.fail(key, "a second payload")
		}
		return r.in.fail(key, "given twice")
	}
	r.Has |= f
	return nil
}

// member reads the value of the current member of the line.
func (r *Record) member() (err error) {
	in := &r.in
	switch string(in.key) {
	case "time":
		if err = r.once(HasTime, "time"); err == nil {
			err = r.readTime()
		}
	case "topic":
		if err = r.once(HasTopic, "topic"); err == nil {
			r.topic, err = in.string(r.topic, "topic")
		}
	case "qos":
		var n uint32
		if err = r.once(HasQoS, "qos"); err == nil {
			n, err = in.integer("qos", 0, 2)
			r.Publish.QoS = byte(n)
		}
	case "retain":
		if err = r.once(HasRetain, "retain"); err == nil {
			r.Publish.Retain, err = in.bool("retain")
		}
	case "payload":
		if err = r.once(HasPayload, "payload"); err == nil {
			err = r.readPayload()
		}
	case "payload_base64":
		if err = r.once(HasPayload, "payload_base64"); err == nil {
			r.payload, err = in.base64(r.payload, "payload_base64")
		}
	case "payload_encoding":
		err = r.readPayloadEncoding()
	case "properties":
		if err = r.once(HasProperties, "properties"); err == nil {
			err = r.readProperties()
		}
	case "dup", "mid", "tst", "payloadlen", "decoded":
		err = in.skip()
	default:
		err = r.skipUnknown("")
	}
	return err
}

// skipUnknown skips the value of a key that is not known.
func (r *Record) skipUnknown(prefix string) error {
	if len(r.Unknown) == 0 {
		r.Unknown = append(append(r.Unknown, prefix...), r.in.key...)
	}
	return r.in.skip()
}

func (r *Record) readTime() (err error) {
	if r.value, err = r.in.string(r.value[:0], "time"); err != nil {
		return err
	}
	if !r.clock.parse(r.value, &r.Time) {
		return r.in.fail("time", "want a time such as 2026-11-20T15:04:05.123Z")
	}
	return nil
}

func (r *Record) readPayloadEncoding() (err error) {
	if r.value, err = r.in.string(r.value[:0], "payload_encoding"); err != nil {
		return err
	}
	switch string(r.value) {
	case "base64":
		r.encodedPayload = true
	case "text", "utf8":
	default:
		return r.in.fail("payload_encoding", `want "base64" or "text"`)
	}
	return nil
}

func (r *Record) readPayload() (err error) {
	in := &r.in
	switch in.peek() {
	case '"':
		r.stringPayload = true
		r.payload, err = in.string(r.payload, "payload")
		return err
	case 'n':
		return in.skip()
	}
	start := in.i
	if err = in.skip(); err == nil {
		r.payload = append(r.payload, in.line[start:in.i]...)
	}
	return err
}
