package broker

import (
	"time"

	"mqtt/internal/proto"
)

// Message is an application message as its publisher sent it. It is immutable and
// shared by all who wait for it.
type Message struct {
	Topic   []byte
	Props   proto.Props // without topic alias, subscription identifiers and will delay
	Payload []byte
	From    string // the publisher's client identifier, for no-local
	QoS     byte
	Retain  bool
	Came    int64 // Unix time in nanoseconds
	Expires int64 // likewise, 0 for never
}

// overhead is what a message takes in memory besides its bytes, about.
const messageOverhead = 160

// size is what the message counts for against the limits, in bytes.
func (m *Message) size() int {
	return len(m.Topic) + len(m.Props) + len(m.Payload) + len(m.From) + messageOverhead
}

// expired tells whether the message must not be sent any more [MQTT-3.3.2-5].
func (m *Message) expired(now int64) bool { return m.Expires != 0 && now >= m.Expires }

// clone copies the message out of whatever memory it stands in.
func (m *Message) clone() *Message {
	n := *m
	b := make([]byte, 0, len(m.Topic)+len(m.Props)+len(m.Payload))
	b = append(b, m.Topic...)
	b = append(b, m.Props...)
	b = append(b, m.Payload...)
	t, p := len(m.Topic), len(m.Topic)+len(m.Props)
	n.Topic, n.Props, n.Payload = b[:t:t], proto.Props(b[t:p:p]), b[p:]
	return &n
}

// expires returns when a message with these properties that came at now expires, 0 for never.
func expires(ps proto.Props, now int64) int64 {
	if p, ok := ps.Get(proto.MessageExpiryInterval); ok {
		return expiresIn(p.Num, now)
	}
	return 0
}

// expiresIn returns when a message with a Message Expiry Interval that came at now expires. One
// with an interval of 0 still goes to all to whom it can be sent at once.
func expiresIn(seconds uint32, now int64) int64 {
	return now + max(1, int64(seconds)*int64(time.Second))
}

// appendCounted appends the message's properties with what is left of the expiry
// interval [MQTT-3.3.2-6]. Only for messages that expire.
func (m *Message) appendCounted(dst proto.Props, now int64) proto.Props {
	left := max(1, (m.Expires-now+int64(time.Second)-1)/int64(time.Second))
	for p := range m.Props.All() {
		if p.ID == proto.MessageExpiryInterval {
			p.Num = uint32(min(left, int64(p.Num)))
		}
		dst = dst.Append(p)
	}
	return dst
}

// grant is what a session's matching subscriptions come to for one topic.
type grant struct {
	qos   byte
	rap   bool        // retain as published
	ids   proto.Props // the subscription identifiers, as properties
	group *group      // the shared subscription it came by, nil if none
}

// held is a message that waits for a session, in its queue or in flight.
type delivery struct {
	m      *Message
	g      *grant
	seq    uint64 // of the session's messages, for the Store
	qos    byte
	retain bool
	sent   bool // it has been on the way: the next time it is a repeat
}

// size is what h counts for against the limits of its session, in bytes. A message is counted in
// each session that has it.
func (h *delivery) size() int { return h.m.size() + len(h.g.ids) }
