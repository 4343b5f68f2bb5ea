package disk

import (
	"encoding/binary"
	"unsafe"

	"mqtt/internal/broker"
)

// The kinds of records. Most continue with the number of a session. Numbers are never used again,
// so a record about a session that has ended is not taken for another session of the same client.
// Messages are counted from 0 in each frame.
const (
	opSession     byte = 1 + iota // session, encoded session
	opEnd                         // session
	opSubscribe                   // session, encoded subscription
	opUnsubscribe                 // session, filter
	opMessage                     // encoded message
	opEnqueue                     // session, seq, message of the frame, flags, length, extra
	opInFlight                    // session, seq, packet identifier
	opPubrec                      // session, seq
	opSettle                      // session, seq
	opAccept                      // session, packet identifier
	opRelease                     // session, packet identifier
	opRetain                      // encoded message
	opClear                       // topic
	opCounters                    // snapshots only, first: highest number of a session
	opQueued                      // snapshots only: session, and an entry of the message before
)

// recentSize is how many messages the Store remembers to have recorded in the current frame; it
// is a power of two. A message for many sessions is recorded once or, if other messages took its
// slot meanwhile, again.
const recentSize = 1024

type recentMessage struct {
	m     *broker.Message
	index uint64 // in the frame
}

// begin locks s.mu and starts a record about a session. It returns false, with s.mu unlocked, if
// there is nothing to record: the Store has failed, or there is no such session.
func (s *Store) begin(op byte, client string) bool {
	if !s.lockRecords() {
		return false
	}
	if !s.head(op, client) {
		s.mu.Unlock()
		return false
	}
	return true
}

// lockRecords locks s.mu. It returns false, with s.mu unlocked, if the Store has failed.
func (s *Store) lockRecords() bool {
	s.mu.Lock()
	if s.failing {
		s.mu.Unlock()
		return false
	}
	return true
}

// head appends the kind of a record and the number of its session. It returns false if there is
// no such session; only opSession makes one.
func (s *Store) head(op byte, client string) bool {
	n, ok := s.numbers[client]
	if !ok {
		if op != opSession {
			return false
		}
		s.lastSession++
		n = s.lastSession
		s.numbers[client] = n
	}
	s.buf = binary.AppendUvarint(append(s.buf, op), n)
	return true
}

// end finishes a record and unlocks s.mu. The first record in an empty buffer starts the flush
// timer: records for which nobody calls Commit are written a little later.
func (s *Store) end() {
	first := s.recorded.Load() == s.taken
	s.recorded.Store(s.taken + uint64(len(s.buf)-frameHead))
	s.mu.Unlock()
	if first {
		select {
		case s.flushSoon <- struct{}{}:
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

// DropSession records that a session ended, with all that belongs to it.
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

// DropSubscription records that a subscription was removed.
func (s *Store) DropSubscription(client, filter string) {
	if s.begin(opUnsubscribe, client) {
		s.buf = appendText(s.buf, filter)
		s.end()
	}
}

// Enqueue records that a message was queued for a session.
func (s *Store) Enqueue(client string, e broker.Entry) {
	if !s.lockRecords() {
		return
	}
	if _, ok := s.numbers[client]; !ok {
		s.mu.Unlock()
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

// InFlight records the packet identifier under which an entry was sent.
func (s *Store) InFlight(client string, seq uint64, packet uint16) {
	if s.begin(opInFlight, client) {
		s.buf = binary.AppendUvarint(s.buf, seq)
		s.buf = binary.BigEndian.AppendUint16(s.buf, packet)
		s.end()
	}
}

// Pubrec records that PUBREC came for an entry, so that PUBREL is next.
func (s *Store) Pubrec(client string, seq uint64) { s.recordSeq(opPubrec, client, seq) }

// Settle records that an entry is acknowledged, expired or dropped.
func (s *Store) Settle(client string, seq uint64) { s.recordSeq(opSettle, client, seq) }

func (s *Store) recordSeq(op byte, client string, seq uint64) {
	if s.begin(op, client) {
		s.buf = binary.AppendUvarint(s.buf, seq)
		s.end()
	}
}

// Accept records the packet identifier of a QoS 2 message that was received.
func (s *Store) Accept(client string, packet uint16) { s.recordPacket(opAccept, client, packet) }

// Release records that PUBREL came for a packet identifier.
func (s *Store) Release(client string, packet uint16) { s.recordPacket(opRelease, client, packet) }

func (s *Store) recordPacket(op byte, client string, packet uint16) {
	if s.begin(op, client) {
		s.buf = binary.BigEndian.AppendUint16(s.buf, packet)
		s.end()
	}
}

// PutRetained records a message as the retained message of its topic.
func (s *Store) PutRetained(m *broker.Message) {
	if !s.lockRecords() {
		return
	}
	s.buf = appendMessage(append(s.buf, opRetain), m)
	s.end()
}

// DropRetained records that the retained message of a topic was removed.
func (s *Store) DropRetained(topic []byte) {
	if !s.lockRecords() {
		return
	}
	s.buf = appendText(append(s.buf, opClear), topic)
	s.end()
}

// message returns the index of m in the current frame. It records m if the frame does not have
// it. s.mu is held.
func (s *Store) message(m *broker.Message) uint64 {
	slot := &s.recent[uintptr(unsafe.Pointer(m))>>4&(recentSize-1)]
	if slot.m == m {
		return slot.index
	}
	slot.m, slot.index = m, s.messages
	s.messages++
	s.buf = appendMessage(append(s.buf, opMessage), m)
	return slot.index
}
