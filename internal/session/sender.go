package session

import (
	"slices"
	"unsafe"

	"mqtt/internal/proto"
)

// state is how far the exchange in a slot has come.
type state byte

const (
	free      state = iota
	request         // SUBSCRIBE or UNSUBSCRIBE, awaits SUBACK or UNSUBACK
	published       // QoS 1, awaits PUBACK
	assured         // QoS 2, awaits PUBREC
	released        // QoS 2, awaits PUBCOMP
)

const maxSlots = 65535 // identifiers

type slot[M any] struct {
	state state
	tag   uint64
	first uint64 // when its PUBLISH was sent first
	order uint64 // when what it awaits an answer to was sent: PUBLISH or PUBREL
	m     M
}

// Sender holds what was sent at QoS 1 and 2 and the peer has not finished, and gives
// out packet identifiers. The identifier is the slot's place plus one, so slots are
// as many as were ever in use at once. M is what the owner keeps to send a message
// again. The zero value has a window of 0.
type Sender[M any] struct {
	slots []slot[M]
	idle  ring // identifiers that are free, longest first
	limit int
	out   int // messages in flight; requests are not among them
	order uint64
}

// Limit sets the window: how many messages may be in flight, 1 to 65535. It is the
// smaller of our own wish and the peer's Receive Maximum [MQTT-4.9.0-1]. What is in
// flight beyond a smaller window stays so.
func (s *Sender[M]) Limit(n int) { s.limit = n }

// Free tells how many messages may begin now [MQTT-4.9.0-2]: requests hold
// identifiers, so at a window of 65535 it may be less than the window has room for.
func (s *Sender[M]) Free() int {
	return max(0, min(s.limit-s.out, s.idle.n+maxSlots-len(s.slots)))
}

// Pending tells how many messages are in flight.
func (s *Sender[M]) Pending() int { return s.out }

// Add gives a new message at QoS 1 or 2 an identifier that is not in use
// [MQTT-2.2.1-3]. The caller fills *kept, which holds what the slot's last message
// left, for its memory to be used again; it is good until the next Add, Request or
// Restore. ok is false if the window is full.
func (s *Sender[M]) Add(qos byte, tag uint64) (id uint16, kept *M, ok bool) {
	if s.out >= s.limit {
		return 0, nil, false
	}
	st := published
	if qos == 2 {
		st = assured
	}
	id, p := s.take(st, tag)
	if p == nil {
		return 0, nil, false
	}
	s.out++
	return id, &p.m, true
}

// Request gives a SUBSCRIBE or UNSUBSCRIBE an identifier. ok is false if all 65535
// are in use.
func (s *Sender[M]) Request(tag uint64) (id uint16, ok bool) {
	id, p := s.take(request, tag)
	return id, p != nil
}

func (s *Sender[M]) take(st state, tag uint64) (uint16, *slot[M]) {
	id, ok := s.idle.pop()
	if !ok {
		if len(s.slots) == maxSlots {
			return 0, nil
		}
		s.slots = append(s.slots, slot[M]{})
		id = uint16(len(s.slots))
	}
	p := &s.slots[id-1]
	s.order++
	p.state, p.tag, p.first, p.order = st, tag, s.order, s.order
	return id, p
}

// Restore puts a message that was in flight when the owner stopped back into its
// slot. Calls come in the order of sending. ok is false if id is 0 or in use.
func (s *Sender[M]) Restore(id uint16, qos byte, pubrec bool, tag uint64) (kept *M, ok bool) {
	if id == 0 || int(id) <= len(s.slots) && s.slots[id-1].state != free {
		return nil, false
	}
	for len(s.slots) < int(id) {
		s.slots = append(s.slots, slot[M]{})
		s.idle.push(uint16(len(s.slots)))
	}
	s.idle.remove(id)
	p := &s.slots[id-1]
	s.order++
	p.state, p.tag, p.first, p.order = published, tag, s.order, s.order
	if qos == 2 {
		p.state = assured
		if pubrec {
			p.state = released
		}
	}
	s.out++
	return &p.m, true
}

// Step is what an acknowledgement led to.
type Step struct {
	Tag     uint64
	Known   bool // false: nothing in flight awaits this packet
	Release bool // send PUBREL [MQTT-4.3.3-4], with PacketIdentifierNotFound if not Known
	Done    bool // the exchange has ended and the identifier is free
}

// Acknowledge takes in a PUBACK, PUBREC, PUBCOMP, SUBACK or UNSUBACK. A reason of 0x80 or
// more ends the exchange [MQTT-4.4.0-2]. An acknowledgement of another kind than the
// one awaited is an *proto.Error.
func (s *Sender[M]) Acknowledge(kind proto.Type, id uint16, r proto.Reason) (Step, error) {
	if id == 0 || int(id) > len(s.slots) || s.slots[id-1].state == free {
		return Step{Release: kind == proto.PUBREC && !r.Failed()}, nil
	}
	p := &s.slots[id-1]
	step := Step{Tag: p.tag, Known: true}
	switch {
	case kind == proto.PUBACK && p.state == published, kind == proto.PUBCOMP && p.state == released,
		kind == proto.PUBREC && p.state == assured && r.Failed():
		s.out--
		s.end(id, p)
		step.Done = true
	case kind == proto.PUBREC && p.state == assured:
		s.order++
		p.state, p.order = released, s.order
		step.Release = true
	case kind == proto.PUBREC && p.state == released:
		step.Release = !r.Failed() // a repeat
	case (kind == proto.SUBACK || kind == proto.UNSUBACK) && p.state == request:
		s.end(id, p)
		step.Done = true
	default:
		return step, &proto.Error{Type: kind, Reason: proto.ProtocolError, What: "acknowledges a packet of another kind"}
	}
	return step, nil
}

// Awaits tells whether a message in flight is waiting for that acknowledgement, which
// Acknowledge will then take for its end, be it that it says PUBREC and 0x80 or more.
func (s *Sender[M]) Awaits(kind proto.Type, id uint16) bool {
	if id == 0 || int(id) > len(s.slots) {
		return false
	}
	switch s.slots[id-1].state {
	case published:
		return kind == proto.PUBACK
	case assured:
		return kind == proto.PUBREC
	case released:
		return kind == proto.PUBCOMP
	}
	return false
}

// Message returns the message in flight with identifier
// id, nil if there is none.
func (s *Sender[M]) Message(id uint16) *M {
	if id == 0 || int(id) > len(s.slots) || s.slots[id-1].state < published {
		return nil
	}
	return &s.slots[id-1].m
}

func (s *Sender[M]) end(id uint16, p *slot[M]) {
	p.state = free
	s.idle.push(id)
}

// Flight is a message in flight.
type Flight[M any] struct {
	ID       uint16
	QoS      byte
	Released bool // PUBREC came: PUBREL is to be sent again, never PUBLISH [MQTT-4.3.3-6]
	Tag      uint64
	Message  *M
}

// Resend returns the messages in flight in the order of sending [MQTT-4.6.0-1],
// to be sent again with their identifiers on a connection that resumes the session
// [MQTT-4.4.0-1]. Requests are given up: they belong to the connection that died.
func (s *Sender[M]) Resend() []Flight[M] {
	var again []Flight[M]
	for i := range s.slots {
		p := &s.slots[i]
		f := Flight[M]{ID: uint16(i + 1), QoS: 2, Tag: p.tag, Message: &p.m}
		switch p.state {
		case free:
			continue
		case request:
			s.end(f.ID, p)
			continue
		case published:
			f.QoS = 1
		case released:
			f.Released = true
		}
		again = append(again, f)
	}
	slices.SortFunc(again, func(a, b Flight[M]) int {
		if s.slots[a.ID-1].order < s.slots[b.ID-1].order {
			return -1
		}
		return 1
	})
	return again
}

// Renew makes every message in flight a new one that the peer has never seen, for a
// peer that has lost the session [MQTT-3.2.2-5]: what awaited PUBCOMP awaits PUBREC
// again. It returns how many of them are at QoS 2, which may so arrive twice.
func (s *Sender[M]) Renew() (twice int) {
	for i := range s.slots {
		switch p := &s.slots[i]; p.state {
		case released:
			p.state, p.order = assured, p.first // the order of PUBREL is of no use any more
			twice++
		case assured:
			twice++
		}
	}
	return twice
}

// Forget drops all that is in flight.
func (s *Sender[M]) Forget() {
	*s = Sender[M]{limit: s.limit, order: s.order}
}

// Cancel takes back an Add or Request whose packet was never sent. An identifier
// that is free stays so.
func (s *Sender[M]) Cancel(id uint16) {
	if id == 0 || int(id) > len(s.slots) || s.slots[id-1].state == free {
		return
	}
	p := &s.slots[id-1]
	if p.state >= published {
		s.out--
	}
	s.end(id, p)
}

// Freed returns what is kept in the slot of an exchange that has just ended, for
// memory that is worth giving back. id is one that was given out.
func (s *Sender[M]) Freed(id uint16) *M { return &s.slots[id-1].m }

// Released tells whether the message in flight with identifier id awaits PUBCOMP.
func (s *Sender[M]) Released(id uint16) bool {
	return id != 0 && int(id) <= len(s.slots) && s.slots[id-1].state == released
}

// keptSlots is how many slots a Sender keeps that has nothing in flight.
const keptSlots = 32

// Shrink gives back the memory of slots, if nothing is in flight and there are many. Nothing that
// Begin or Freed returned is good afterwards.
func (s *Sender[M]) Shrink() {
	if s.out == 0 && len(s.slots) > keptSlots && s.idle.n == len(s.slots) {
		s.slots, s.idle = nil, ring{}
	}
}

// Size returns how many bytes the slots take.
func (s *Sender[M]) Size() int {
	return cap(s.slots)*int(unsafe.Sizeof(slot[M]{})) + 2*len(s.idle.ids)
}
