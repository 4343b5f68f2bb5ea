package rules

import (
	"time"

	"mqtt/internal/proto"
)

// Broken judges bytes in direction way that are not an MQTT packet. err is the *proto.Error that
// says why.
func (o *Observer) Broken(way Way, bytes []byte, err error, at time.Time) []Violation {
	if o.over {
		return nil
	}
	o.found, o.now = nil, at
	s := &o.sides[way]
	if !s.bye && len(bytes) > 0 {
		o.broken(way, s, bytes)
	}
	s.sent, s.lastSent = true, at
	o.sides[1-way].lost = true
	return o.found
}

// broken reports what is wrong with bytes whose fixed header cannot be read.
func (o *Observer) broken(way Way, s *side, bytes []byte) {
	t := proto.Type(bytes[0] >> 4)
	if way == In && !o.hello.seen {
		f, size, err := proto.Split(bytes, 0)
		switch {
		case t != proto.CONNECT:
			o.report(way, ruleFirstConnect, bytes, "the first bytes are not CONNECT")
			return
		case err == nil && size > 0: // of a protocol with another name
			o.connectSent(s, f, bytes[:size])
			return
		}
	}
	continued := 0 // bytes of the Remaining Length that say that one more follows
	for continued < 4 && continued+1 < len(bytes) && bytes[1+continued] >= 0x80 {
		continued++
	}
	switch {
	case continued == 4:
		o.report(way, ruleRemaining, bytes, "a Remaining Length of more than four bytes")
	case continued > 0 && continued+1 < len(bytes) && bytes[1+continued] == 0:
		o.report(way, ruleVarint, bytes, "a Remaining Length with more bytes than it needs")
	}
}

// Closed tells that the peer that sends in direction way closed or reset its side.
func (o *Observer) Closed(way Way, at time.Time) []Violation {
	if o.over {
		return nil
	}
	o.found, o.now = nil, at
	s := &o.sides[way]
	if !s.closed && !o.sides[1-way].closed {
		o.checkSilence(way)
	}
	// A peer that has closed its side may still read: what is delivered to it counts.
	s.closed = true
	if o.sides[1-way].closed {
		o.detach()
		o.over = true
	}
	return o.found
}

// Cut tells that no more packets of this connection are shown to the observer: its owner ends the
// connection, or cannot follow it any more. Nothing is judged after it. What the peers still got is
// not known, so the session counts as one that was not seen. An owner that closes the connection and
// continues to show what is delivered until then calls Closed for both directions instead.
func (o *Observer) Cut(at time.Time) {
	if !o.over {
		o.session.spoil()
		o.detach()
		o.over = true
	}
}
