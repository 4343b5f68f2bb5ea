package message

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"mqtt/internal/cli"
	"mqtt/internal/connect"
	"mqtt/internal/jsonline"
	"mqtt/internal/proto"
)

// RecordOptions say how records of JSON become messages.
type RecordOptions struct {
	Base       proto.Publish // has what a record does not name
	Pace       float64       // times the recorded speed; 0: as fast as possible
	AllowClear bool          // an empty payload that Base makes a retained message is not an error
	Way        string        // in or out: the PUBLISH packets of that way in a recording of mqtt proxy; "": messages
	Warn       func(string)  // told of names that are not known, and of a topic that ends in a carriage return, once each
}

// Records yields the messages of lines of JSON as sub -J writes them.
type Records struct {
	lines  *Lines
	o      RecordOptions
	record jsonline.Record

	start, first time.Time // when the first message was due, and the time recorded with it
	msg          Message
	due          time.Time // of msg
	waits        bool      // msg is not due yet
	warned       bool      // of a name
	warnedTopic  bool
}

// NewRecords returns the messages of the records in lines, and takes lines over.
func NewRecords(lines *Lines, o RecordOptions) *Records { return &Records{lines: lines, o: o} }

// Next reads a line, and returns its message once it is due.
func (r *Records) Next(now time.Time) (*Message, error) {
	if !r.waits {
		line, err := r.line(now)
		if err != nil {
			return nil, err
		}
		if err := r.parse(line.Payload, now); err != nil {
			return nil, err
		}
	}
	if r.waits = r.due.After(now); r.waits {
		return nil, ErrWait
	}
	return &r.msg, nil
}

// line returns the next line that is a message, and notes its number.
func (r *Records) line(now time.Time) (*Message, error) {
	for {
		line, err := r.lines.Next(now)
		if err != nil {
			return nil, err
		}
		r.msg.Number = line.Number
		if r.o.Way == "" {
			return line, nil
		}
		p, err := r.record.ParsePacketLine(line.Payload)
		switch {
		case err != nil:
			return nil, badLine(fmt.Sprintf("line %d: %v", line.Number, err), "expected a line of mqtt proxy --record")
		case p.Way == "":
			return nil, badLine(fmt.Sprintf(`line %d has no "way": it is not from mqtt proxy --record`, line.Number), "leave out --record-way")
		case p.Way != r.o.Way || p.Type != "PUBLISH":
			continue
		case p.Truncated:
			return nil, badLine(fmt.Sprintf("line %d has only the beginning of a large packet", line.Number), "--skip-bad goes on without it")
		case p.Malformed:
			return nil, badLine(fmt.Sprintf("line %d has a malformed packet", line.Number), "--skip-bad goes on without it")
		}
		return line, nil
	}
}

// Due returns the time of the message that is not due yet; zero while the next line has not come.
func (r *Records) Due() time.Time {
	if r.waits {
		return r.due
	}
	return r.lines.Due()
}

// Close closes the lines.
func (r *Records) Close() error { return r.lines.Close() }

// parse makes the record of a line the next message.
func (r *Records) parse(line []byte, now time.Time) error {
	rec, number := &r.record, r.msg.Number
	if number == 1 {
		line = bytes.TrimPrefix(line, byteOrderMark)
	}
	if err := jsonline.Parse(line, rec); err != nil {
		return badLine(fmt.Sprintf("line %d: %v", number, err), `expected {"topic":...,"payload":...}, as sub -J prints it`)
	}
	if string(rec.Unknown) == "connection" && r.o.Way == "" {
		return badLine(fmt.Sprintf("line %d is a packet that mqtt proxy recorded", number), "--record-way in publishes the messages of the clients")
	}
	if len(rec.Unknown) > 0 && !r.warned && r.o.Way == "" {
		r.warned = true
		r.o.Warn(fmt.Sprintf("line %d: unknown name %q: it is ignored", number, rec.Unknown))
	}
	m := r.o.Base
	if rec.Has&jsonline.HasTopic != 0 {
		m.Topic = rec.Publish.Topic
		if !r.warnedTopic && bytes.HasSuffix(m.Topic, []byte("\r")) {
			r.warnedTopic = true
			r.o.Warn(carriageReturn(number, m.Topic))
		}
	}
	if rec.Has&jsonline.HasQoS != 0 {
		m.QoS = rec.Publish.QoS
	}
	if rec.Has&jsonline.HasRetain != 0 {
		m.Retain = rec.Publish.Retain
	}
	if rec.Has&jsonline.HasProperties != 0 {
		m.Props = rec.Forward
	}
	m.Payload = rec.Publish.Payload
	if len(m.Topic) == 0 {
		return badLine(fmt.Sprintf("line %d has no topic", number), "give one for such lines with -t TOPIC")
	}
	if m.Retain && len(m.Payload) == 0 && !r.o.AllowClear && rec.Has&jsonline.HasRetain == 0 {
		return badLine(fmt.Sprintf("line %d has an empty payload: with -r it would clear the retained message", number),
			"--allow-clear allows it")
	}
	if rec.Has&jsonline.HasProperties == 0 { // properties of a record are published as they were recorded
		if err := connect.CheckPayload(lineName(number), m.Props, m.Payload); err != nil {
			return &BadLine{Err: err}
		}
	}
	r.msg.Publish, r.due = m, time.Time{}
	if r.o.Pace > 0 && rec.Has&jsonline.HasTime != 0 {
		if r.start.IsZero() {
			r.start, r.first = now, rec.Time
		}
		r.due = r.start.Add(time.Duration(float64(rec.Time.Sub(r.first)) / r.o.Pace))
	}
	return nil
}

// ParsePace parses the value of --pace: 1x, 2x, 0.5x. Nothing is 0.
func ParsePace(s string) (float64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseFloat(strings.TrimSuffix(s, "x"), 64)
	if err != nil || !(n > 0 && n < 1e9) {
		return 0, cli.BadValue("--pace", s, "expected 1x for the recorded speed, 2x for twice as fast")
	}
	return n, nil
}
