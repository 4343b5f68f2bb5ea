package pub

import (
	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// poisonMessage finds the message at which every connection ends: the oldest in flight on
// connections that ended one after the other without an acknowledgement. Before version 5 a server
// closes the connection without a reason when a message is too large or malformed, and would do so
// forever.
type poisonMessage struct {
	tag   uint64
	times int
}

// poisonAfter is the number of connections in a row after which the message is named.
const poisonAfter = 3

// met notes that a connection ended without an acknowledgement. Once it is clear which message is
// the cause, met returns its number and the size of its payload; else named is false.
func (o *poisonMessage) met(s *session.Session) (tag uint64, size int, named bool) {
	flights := s.Sender.Resend()
	if len(flights) == 0 || flights[0].Released {
		*o = poisonMessage{}
		return 0, 0, false
	}
	f := flights[0]
	if o.tag != f.Tag {
		*o = poisonMessage{tag: f.Tag}
	}
	if o.times++; o.times != poisonAfter {
		return 0, 0, false
	}
	var m proto.Publish
	frame, _, err := proto.Split(*f.Message, 0)
	if err == nil {
		err = m.Decode(frame, s.Version)
	}
	return f.Tag, len(m.Payload), err == nil
}
