package disk

import (
	"encoding/binary"
	"unsafe"

	"mqtt/internal/broker"
)

// The records of the log. Each begins with one of these, and most go on with the
// number of a session: numbers are never used again, so what is said about a session
// that has ended cannot be taken for another of the same name.
const (
	opSession     byte = 1 + iota // number, session
	opEnd                         // number
	opSubscribe                   // number, subscription
	opUnsubscribe                 // number, filter
	opMessage                     // number of the message, length, message
	opEnqueue                     // number, seq, number of the message, flags, length, extra
	opInFlight                    // number, seq, packet identifier
	opPubrec                      // number, seq
	opSettle                      // number, seq
	opAccept                      // number, packet identifier
	opRelease                     // number, packet identifier
	opRetain                      // length, message
	opClear                       // topic
)

// recent is how many messages the Store remembers to have written, a power of two:
// a message that goes to many sessions is written once or, where other messages came
// between, again.
const recent = 1024

type recorded struct {
	m      *broker.Message
	number uint64
}

// lock is s.mu.Lock. It is false, and has not locked, if the Store has failed.
func (s *Store) lock() bool {
	s.mu.Lock()
	if s.dead {
		s.mu.Unlock()
		return false
	}
	return true
}

// begin locks and starts a record about a session.
func (s *Store) begin(op byte, client string) bool {
	if !s.lock() {
		return false
	}
	s.head(op, client)
	return true
}

func (s *Store) head(op byte, client string) {
	n, ok := s.numbers[client]
	if !ok {
		s.sessions++
		n = s.sessions
		s.numbers[client] = n
	}
	s.buf = binary.AppendUvarint(append(s.buf, op), n)
}

// end finishes a record and unlocks. The first one after a cut wakes the clock: what
// nobody waits for is written a little later.
func (s *Store) end() {
	first := s.recorded.Load() == s.cut
	s.recorded.Store(s.cut + uint64(len(s.buf)-frameHead))
	s.mu.Unlock()
	if first {
		select {
		case s.kick <- struct{}{}:
		default:
		}
	}
}

// PutSession records a session, without its messages.
func (s *Store) PutSession(r broker.SessionRecord) {
	if s.begin(opSession, r.Client) {
		s.buf = appendSession(s.buf, &r)
		s.end()
	}
}

// DropSession records the end of a session and all that belongs to it.
func (s *Store) DropSession(client string) {
	if s.begin(opEnd, client) {
		delete(s.numbers, client)
		s.end()
	}
}

// PutSubscription records a subscription.
func (s *Store) PutSubscription(client string, r broker.SubscriptionRecord) {
	if s.begin(opSubscribe, client) {
		s.buf = appendSubscription(s.buf, &r)
		s.end()
	}
}

// DropSubscription records the end of one.
func (s *Store) DropSubscription(client, filter string) {
	if s.begin(opUnsubscribe, client) {
		s.buf = appendText(s.buf, filter)
		s.end()
	}
}

// Enqueue records that a message waits for a session.
func (s *Store) Enqueue(client string, e broker.Entry) {
	if !s.lock() {
		return
	}
	m := s.message(e.Message)
	s.head(opEnqueue, client)
	flags := e.QoS
	if e.Retain {
		flags |= entryRetain
	}
	s.buf = binary.AppendUvarint(s.buf, e.Seq)
	s.buf = append(binary.AppendUvarint(s.buf, m), flags)
	s.extra = appendExtra(s.extra[:0], e.IDs, e.Share)
	s.buf = appendText(s.buf, s.extra)
	s.end()
}

// InFlight records under which identifier a message was sent.
func (s *Store) InFlight(client string, seq uint64, packet uint16) {
	if s.begin(opInFlight, client) {
		s.buf = binary.AppendUvarint(s.buf, seq)
		s.buf = binary.BigEndian.AppendUint16(s.buf, packet)
		s.end()
	}
}

// Pubrec records that PUBREL is next for it.
func (s *Store) Pubrec(client string, seq uint64) { s.numbered(opPubrec, client, seq) }

// Settle records that it is done with.
func (s *Store) Settle(client string, seq uint64) { s.numbered(opSettle, client, seq) }

func (s *Store) numbered(op byte, client string, seq uint64) {
	if s.begin(op, client) {
		s.buf = binary.AppendUvarint(s.buf, seq)
		s.end()
	}
}

// Accept records the identifier of a QoS 2 message that came.
func (s *Store) Accept(client string, packet uint16) { s.packet(opAccept, client, packet) }

// Release records its PUBREL.
func (s *Store) Release(client string, packet uint16) { s.packet(opRelease, client, packet) }

func (s *Store) packet(op byte, client string, packet uint16) {
	if s.begin(op, client) {
		s.buf = binary.BigEndian.AppendUint16(s.buf, packet)
		s.end()
	}
}

// PutRetained records the retained message of its topic.
func (s *Store) PutRetained(m *broker.Message) {
	if !s.lock() {
		return
	}
	s.extra = appendMessage(s.extra[:0], m)
	s.buf = appendText(append(s.buf, opRetain), s.extra)
	s.end()
}

// DropRetained records that a topic has none any more.
func (s *Store) DropRetained(topic []byte) {
	if !s.lock() {
		return
	}
	s.buf = appendText(append(s.buf, opClear), topic)
	s.end()
}

// message returns the number of m in this piece of the log, which has it then. s.mu
// is held.
func (s *Store) message(m *broker.Message) uint64 {
	slot := &s.recent[uintptr(unsafe.Pointer(m))>>4&(recent-1)]
	if slot.m == m {
		return slot.number
	}
	s.messages++
	slot.m, slot.number = m, s.messages
	s.buf = binary.AppendUvarint(append(s.buf, opMessage), s.messages)
	s.extra = appendMessage(s.extra[:0], m)
	s.buf = appendText(s.buf, s.extra)
	return s.messages
}
