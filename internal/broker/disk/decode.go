package disk

import (
	"errors"
	"fmt"
)

var errShort = errors.New("a record is incomplete")

// record is one decoded record. Which fields are set depends on op.
type record struct {
	op      byte
	session uint64
	seq     uint64
	message uint64
	packet  uint16
	flags   byte
	name    []byte // filter or topic
	data    []byte // session, subscription or message in encoded form; extra of an entry
	at      int64  // position of data in the file
}

// records decodes the records of a frame.
type records struct {
	reader
	start int64 // position of the frame's content in the file
	size  int   // of the content
}

func recordsOf(content []byte, start int64) *records {
	return &records{reader: reader{b: content}, start: start, size: len(content)}
}

func (r *records) more() bool { return len(r.b) > 0 }

// next decodes the next record. What it returns aliases the frame.
func (r *records) next() (rec record, err error) {
	rec.op = r.byte()
	switch rec.op {
	case opMessage, opRetain:
		before := r.b
		rec.name = r.skipMessage()
		r.setData(&rec, before[:len(before)-len(r.b)])
	case opClear:
		rec.name = r.bytes()
	case opCounters:
		rec.session = r.uint()
	default:
		rec.session = r.uint()
		err = r.ofSession(&rec)
	}
	if err == nil && r.bad {
		err = errShort
	}
	return rec, err
}

// ofSession decodes a record after the number of its session.
func (r *records) ofSession(rec *record) error {
	before := r.b
	switch rec.op {
	case opSession:
		r.session()
		r.setData(rec, before[:len(before)-len(r.b)])
	case opSubscribe:
		sub := r.subscription()
		rec.name = []byte(sub.Filter)
		r.setData(rec, before[:len(before)-len(r.b)])
	case opUnsubscribe:
		rec.name = r.bytes()
	case opEnqueue:
		rec.seq, rec.message, rec.flags = r.uint(), r.uint(), r.byte()
		r.setData(rec, r.bytes())
	case opQueued:
		rec.seq, rec.packet, rec.flags = r.uint(), r.uint16(), r.byte()
		r.setData(rec, r.bytes())
	case opInFlight:
		rec.seq, rec.packet = r.uint(), r.uint16()
	case opPubrec, opSettle:
		rec.seq = r.uint()
	case opAccept, opRelease:
		rec.packet = r.uint16()
	case opEnd:
	default:
		return fmt.Errorf("there is no record of kind %d", rec.op)
	}
	return nil
}

// setData stores bytes that end where the reader is.
func (r *records) setData(rec *record, b []byte) {
	rec.data = b
	rec.at = r.start + int64(r.size-len(r.b)-len(b))
}

// skipMessage skips an encoded message and returns its topic.
func (r *records) skipMessage() (topic []byte) {
	r.byte()
	r.int()
	r.int()
	topic = r.bytes()
	r.bytes()
	r.bytes()
	r.bytes()
	return topic
}
