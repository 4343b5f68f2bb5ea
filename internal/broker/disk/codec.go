package disk

import (
	"encoding/binary"
	"errors"
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

// The flags of a session. Format 2 had the first only, and the user name of CONNECT for an
// owner; format 3 began without sessionOwned.
const (
	sessionWill  = 1
	sessionNamed = 2
	sessionOwned = 4 // the user is the owner
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
	if !r.Unowned {
		flags |= sessionOwned
		if r.Named {
			flags |= sessionNamed
		}
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
	b = append(b, flags)
	b = binary.AppendUvarint(b, uint64(r.ID))
	return appendText(b, r.Filter)
}

// The flags of an entry.
const (
	entryQoS      = 3
	entryRetain   = 4
	entryReleased = 8
)

// entry is a message of one session, as the log and the bbolt file have it.
type entry struct {
	message uint64 // its number
	packet  uint16
	flags   byte
	extra   []byte // subscription identifiers and share, empty if there are none
}

func appendEntry(b []byte, e *entry) []byte {
	b = append(b, e.flags)
	b = binary.AppendUvarint(b, e.message)
	b = binary.BigEndian.AppendUint16(b, e.packet)
	return append(b, e.extra...)
}

// appendExtra appends what most entries do not have.
func appendExtra(b []byte, ids proto.Props, share string) []byte {
	if len(ids) == 0 && share == "" {
		return b
	}
	return appendText(appendText(b, ids), share)
}

var errShort = errors.New("a record is not whole")

// reader takes fields off b. After the first that is not there, bad is set and all
// others are zero.
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

// skip takes n bytes off; n below 1 is a number that is not whole.
func (r *reader) skip(n int) {
	if n <= 0 {
		r.bad, r.b = true, nil
		return
	}
	r.b = r.b[n:]
}

func (r *reader) uint16() uint16 { return uint16(r.byte())<<8 | uint16(r.byte()) }

// bytes aliases b.
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

// message copies what it reads, in one piece.
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
	s.Named = flags&sessionNamed != 0 || s.User != ""
	s.Unowned = flags&(sessionNamed|sessionOwned) == 0
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
	return s
}

// entry aliases b, and takes all of it.
func (r *reader) entry() (e entry) {
	e.flags, e.message, e.packet = r.byte(), r.uint(), r.uint16()
	e.extra, r.b = r.b, nil
	return e
}
