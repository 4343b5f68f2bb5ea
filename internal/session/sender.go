package session

import (
	"sort"
	"unsafe"

	"mqtt/internal/proto"
)

// state is the state of the exchange in a slot.
type state byte

const (
	free      state = iota
	request         // SUBSCRIBE or UNSUBSCRIBE, awaits SUBACK or UNSUBACK
	published       // QoS 1, awaits PUBACK
	assured         // QoS 2, awaits PUBREC
	released        // QoS 2, awaits PUBCOMP
)

const maxSlots = 65535 // number of packet identifiers

type slot[M any] struct {
	state state
	tag   uint64
	first uint64 // position of its first PUBLISH in the order of sending
	order uint64 // position of the packet that awaits an answer: PUBLISH or PUBREL
	m     M
}

// Sender stores the messages in flight at QoS 1 and 2, and assigns packet identifiers. An
// identifier is the index of a slot plus one, so there are as many slots as identifiers were ever
// in use at once. M is what the owner needs to send a message again. The zero value has a window of
// 0.
type Sender[M any] struct {
	slots []slot[M]
	idle  ring   // free identifiers, the longest unused first
	limit int    // the window
	out   int    // number of messages in flight, without requests
	order uint64 // of the last packet
}

// Limit sets the window: the number of messages that may be in flight, 1 to 65535. It is the
// smaller of the configured window and the peer's Receive Maximum [MQTT-4.9.0-1]. Messages that are
// in flight already stay in flight.
func (s *Sender[M]) Limit(n int) { s.limit = n }

// Free returns the number of messages that may be added now [MQTT-4.9.0-2]. Requests use
// identifiers too, so with a window of 65535 it may be less than the rest of the window.
func (s *Sender[M]) Free() int {
	return max(0, min(s.limit-s.out, s.idle.n+maxSlots-len(s.slots)))
}

// Pending returns the number of messages in flight.
func (s *Sender[M]) Pending() int { return s.out }

// Add assigns an unused packet identifier to a new message at QoS 1 or 2 [MQTT-2.2.1-3]. The caller
// sets *m, which still has the value of the slot's last message, so that its memory can be reused.
// m is valid until the next Add, Request or Restore. ok is false if the window is full.
func (s *Sender[M]) Add(qos byte, tag uint64) (id uint16, m *M, ok bool) {
	if s.out >= s.limit {
		return 0, nil, false
	}
	st := published
	if qos == 2 {
		st = assured
	}
	id, p := s.assign(st, tag)
	if p == nil {
		return 0, nil, false
	}
	s.out++
	return id, &p.m, true
}

// Request assigns a packet identifier to a SUBSCRIBE or UNSUBSCRIBE. ok is false if all 65535 are
// in use.
func (s *Sender[M]) Request(tag uint64) (id uint16, ok bool) {
	id, p := s.assign(request, tag)
	return id, p != nil
}

// assign puts a new exchange into a free slot. It returns nil if there is none.
func (s *Sender[M]) assign(st state, tag uint64) (uint16, *slot[M]) {
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

// Restore puts a message back into its slot that was in flight when the owner stopped. It is called
// in the order of sending. ok is false if id is 0 or in use.
func (s *Sender[M]) Restore(id uint16, qos byte, pubrec bool, tag uint64) (m *M, ok bool) {
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

// Step is the effect of an acknowledgement.
type Step struct {
	Tag     uint64
	Known   bool // the packet identifier is in use
	Release bool // PUBREL has to be sent [MQTT-4.3.3-4], with PacketIdentifierNotFound if Known is false
	Done    bool // the exchange has ended, and the packet identifier is free
}

// Acknowledge handles a PUBACK, PUBREC, PUBCOMP, SUBACK or UNSUBACK. A reason that is an error ends
// the exchange [MQTT-4.4.0-2]. If the slot awaits another type of packet, the error is a
// *proto.Error.
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
		s.free(id, p)
		step.Done = true
	case kind == proto.PUBREC && p.state == assured:
		s.order++
		p.state, p.order = released, s.order
		step.Release = true
	case kind == proto.PUBREC && p.state == released:
		step.Release = !r.Failed() // a repeated PUBREC
	case (kind == proto.SUBACK || kind == proto.UNSUBACK) && p.state == request:
		s.free(id, p)
		step.Done = true
	default:
		return step, &proto.Error{Type: kind, Reason: proto.ProtocolError, What: "acknowledges a packet of another kind"}
	}
	return step, nil
}

// Awaits reports whether a message in flight awaits an acknowledgement of that type. Acknowledge
// then ends its exchange, or continues it after a PUBREC without an error.
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

// Message returns the message in flight with packet identifier id, or nil if there is none.
func (s *Sender[M]) Message(id uint16) *M {
	if id == 0 || int(id) > len(s.slots) || s.slots[id-1].state < published {
		return nil
	}
	return &s.slots[id-1].m
}

// free ends the exchange in a slot.
func (s *Sender[M]) free(id uint16, p *slot[M]) {
	p.state = free
	s.idle.push(id)
}

// Flight is a message in flight.
type Flight[M any] struct {
	ID       uint16
	QoS      byte
	Released bool // PUBREC was received: PUBREL is sent again, never PUBLISH [MQTT-4.3.3-6]
	Tag      uint64
	Message  *M
}

// Resend returns the messages in flight in the order of sending [MQTT-4.6.0-1]. They are sent again
// with their packet identifiers on a connection that resumes the session [MQTT-4.4.0-1]. Requests
// are dropped, because they belong to the connection that has ended.
func (s *Sender[M]) Resend() []Flight[M] {
	var again []Flight[M]
	for i := range s.slots {
		p := &s.slots[i]
		f := Flight[M]{ID: uint16(i + 1), QoS: 2, Tag: p.tag, Message: &p.m}
		switch p.state {
		case free:
			continue
		case request:
			s.free(f.ID, p)
			continue
		case published:
			f.QoS = 1
		case released:
			f.Released = true
		}
		again = append(again, f)
	}
	sort.Slice(again, func(i, j int) bool { return s.slots[again[i].ID-1].order < s.slots[again[j].ID-1].order })
	return again
}

// Renew makes every message in flight a new message, for a peer that has lost the session
// [MQTT-3.2.2-5]: messages that awaited PUBCOMP await PUBREC again. It returns the number of QoS 2
// messages, which the peer may deliver twice.
func (s *Sender[M]) Renew() (twice int) {
	for i := range s.slots {
		switch p := &s.slots[i]; p.state {
		case released:
			p.state, p.order = assured, p.first // the order of PUBREL no longer matters
			twice++
		case assured:
			twice++
		}
	}
	return twice
}

// Forget drops all messages and requests in flight.
func (s *Sender[M]) Forget() {
	*s = Sender[M]{limit: s.limit, order: s.order}
}

// Cancel undoes an Add or Request whose packet was not sent. It does nothing if id is free.
func (s *Sender[M]) Cancel(id uint16) {
	if id == 0 || int(id) > len(s.slots) || s.slots[id-1].state == free {
		return
	}
	p := &s.slots[id-1]
	if p.state >= published {
		s.out--
	}
	s.free(id, p)
}

// Freed returns the message in the slot of an exchange that has just ended, so that the owner can
// drop its memory. id must have been assigned before.
func (s *Sender[M]) Freed(id uint16) *M { return &s.slots[id-1].m }

// Released reports whether the message in flight with packet identifier id awaits PUBCOMP.
func (s *Sender[M]) Released(id uint16) bool {
	return id != 0 && int(id) <= len(s.slots) && s.slots[id-1].state == released
}

// Shrink gives back the memory of slots, if nothing is in flight and there are more than keep.
// Nothing that Add or Freed returned is good afterwards.
func (s *Sender[M]) Shrink(keep int) {
	if s.out == 0 && len(s.slots) > keep && s.idle.n == len(s.slots) {
		s.slots, s.idle = nil, ring{}
	}
}

// Size returns how many bytes the slots take.
func (s *Sender[M]) Size() int {
	return cap(s.slots)*int(unsafe.Sizeof(slot[M]{})) + 2*len(s.idle.ids)
}
