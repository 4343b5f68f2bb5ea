package rules

import "time"

// Sessions keeps what must be known across the connections to one server. It is safe for concurrent
// use.
type Sessions struct{}

// NewSessions returns a Sessions that knows no session.
func NewSessions() *Sessions { return &Sessions{} }

// Connection returns the observer of a new connection.
func (s *Sessions) Connection() *Observer { return &Observer{sessions: s} }

// Observer holds the packets of one connection against the standard. It is not safe for concurrent
// use. A packet given to it is one whole packet with its fixed header, and is not kept.
type Observer struct {
	sessions *Sessions
}

// Observe is Sent followed by Delivered.
func (o *Observer) Observe(way Way, packet []byte, at time.Time) []Violation {
	found := o.Sent(way, packet, at)
	o.Delivered(way, packet, at)
	return found
}

// Sent judges a packet that was read from the peer that sends in direction way.
func (o *Observer) Sent(way Way, packet []byte, at time.Time) []Violation { return nil }

// Delivered tells that a packet is about to be written to the peer that receives in direction way.
// A packet that a relay drops has no Delivered, a duplicated one has two, and an altered one is
// delivered with its new bytes.
func (o *Observer) Delivered(way Way, packet []byte, at time.Time) {}

// Broken judges bytes in direction way that are not an MQTT packet. err is the *proto.Error that
// says why.
func (o *Observer) Broken(way Way, bytes []byte, err error, at time.Time) []Violation { return nil }

// Closed tells that the peer that sends in direction way closed or reset its side.
func (o *Observer) Closed(way Way, at time.Time) []Violation { return nil }

// Cut tells that the owner of the observer ended the connection. Nothing is judged after it.
func (o *Observer) Cut(at time.Time) {}
