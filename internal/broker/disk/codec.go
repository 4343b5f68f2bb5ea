package disk

import (
	"encoding/binary"
	"fmt"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
)

func appendText[T string | []byte | proto.Props](b []byte, s T) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// appendMessage appends m in the form that reader.message reads.
func appendMessage(b []byte, m *broker.Message) []byte {
	flags := m.QoS
	if m.Retain {
		flags |= 4
	}
	b = append(b, flags)
	b = binary.AppendVarint(b, m.Came)
	b = binary.AppendVarint(b, m.Expires)
	b = appendText(b, m.Topic)
	b = appendText(b, m.From)
	b = appendText(b, m.Props)
	return appendText(b, m.Payload)
}

// The flags of a session.
const (
	sessionWill    = 1
	sessionNamed   = 2
	sessionUnowned = 4
)

// appendSession appends r in the form that reader.session reads.
func appendSession(b []byte, r *broker.SessionRecord) []byte {
	b = appendText(b, r.Client)
	b = appendText(b, r.User)
	b = binary.AppendUvarint(b, uint64(r.Expiry))
	b = appendTime(b, r.Left)
	flags := byte(0)
	if r.Will != nil {
		flags |= sessionWill
	}
	if r.Named {
		flags |= sessionNamed
	}
	if r.Unowned {
		flags |= sessionUnowned
	}
	b = append(b, flags)
	if r.Will == nil {
		return b
	}
	b = appendTime(b, r.WillDue)
	b = binary.AppendUvarint(b, uint64(r.Delay))
	return appendMessage(b, r.Will)
}

// appendTime appends t, which is after 1970 or zero.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return binary.AppendVarint(b, 0)
	}
	return binary.AppendVarint(b, t.UnixNano())
}

// appendSubscription appends r in the form that reader.subscription reads.
func appendSubscription(b []byte, r *broker.SubscriptionRecord) []byte {
	flags := r.QoS | r.RetainHandling<<2
	if r.NoLocal {
		flags |= 16
	}
	if r.RetainAsPublished {
		flags |= 32
	}
	if r.Walking {
		flags |= subscriptionWalking
	}
	b = append(b, flags)
	b = binary.AppendUvarint(b, uint64(r.ID))
	b = appendText(b, r.Filter)
	if r.Walking {
		b = appendText(b, r.From)
	}
	return b
}

// subscriptionWalking is the flag of a subscription with a position among the retained messages.
const subscriptionWalking = 64

// The flags of an entry.
const (
	entryQoS      = 3
	entryRetain   = 4
	entryReleased = 8
)

// entry is a message in the queue of one session, as a snapshot stores it.
type entry struct {
	seq    uint64
	packet uint16
	flags  byte
	extra  []byte // subscription identifiers and share, empty if there are none
}

// appendEntry appends e in the form that records.next reads.
func appendEntry(b []byte, e *entry) []byte {
	b = binary.AppendUvarint(b, e.seq)
	b = binary.BigEndian.AppendUint16(b, e.packet)
	return appendText(append(b, e.flags), e.extra)
}

// appendExtra appends subscription identifiers and a share, and nothing if there are none.
func appendExtra(b []byte, ids proto.Props, share string) []byte {
	if len(ids) == 0 && share == "" {
		return b
	}
	return appendText(appendText(b, ids), share)
}

// reader decodes fields from the front of b. After the first field that is incomplete, bad is set
// and all fields are zero.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.skip(n)
	return v
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.b)
	r.skip(n)
	return v
}

// skip removes n bytes. n is below 1 if a number was incomplete.
func (r *reader) skip(n int) {
	if n <= 0 {
		r.bad, r.b = true, nil
		return
	}
	r.b = r.b[n:]
}

// complete returns an error if a field was incomplete.
func (r *reader) complete() error {
	if r.bad {
		return fmt.Errorf("%w: %w", ErrDamaged, errShort)
	}
	return nil
}

func (r *reader) uint16() uint16 { return uint16(r.byte())<<8 | uint16(r.byte()) }

// bytes returns a length and that many bytes, which alias b.
func (r *reader) bytes() []byte {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	s := r.b[:n:n]
	r.b = r.b[n:]
	return s
}

func (r *reader) time() time.Time {
	if n := r.int(); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

// message copies what it reads into one allocation.
func (r *reader) message() *broker.Message {
	flags := r.byte()
	m := &broker.Message{QoS: flags & 3, Retain: flags&4 != 0, Came: r.int(), Expires: r.int()}
	topic, from, props, payload := r.bytes(), r.bytes(), r.bytes(), r.bytes()
	b := make([]byte, 0, len(topic)+len(props)+len(payload))
	b = append(append(append(b, topic...), props...), payload...)
	t, p := len(topic), len(topic)+len(props)
	m.Topic, m.Props, m.Payload = b[:t:t], proto.Props(b[t:p:p]), b[p:]
	m.From = string(from)
	if len(props) == 0 {
		m.Props = nil
	}
	return m
}

func (r *reader) session() (s broker.SessionRecord) {
	s.Client, s.User = string(r.bytes()), string(r.bytes())
	s.Expiry, s.Left = uint32(r.uint()), r.time()
	flags := r.byte()
	s.Named, s.Unowned = flags&sessionNamed != 0, flags&sessionUnowned != 0
	if flags&sessionWill != 0 {
		s.WillDue, s.Delay = r.time(), uint32(r.uint())
		s.Will = r.message()
	}
	return s
}

func (r *reader) subscription() (s broker.SubscriptionRecord) {
	flags := r.byte()
	s.QoS, s.RetainHandling = flags&3, flags>>2&3
	s.NoLocal, s.RetainAsPublished = flags&16 != 0, flags&32 != 0
	s.ID = uint32(r.uint())
	s.Filter = string(r.bytes())
	if s.Walking = flags&subscriptionWalking != 0; s.Walking {
		s.From = string(r.bytes())
	}
	return s
}
