package broker

import (
	"time"

	"mqtt/internal/proto"
)

// Message is an application message as its publisher sent it. It is immutable and shared by all
// sessions that have it.
type Message struct {
	Topic   []byte
	Props   proto.Props // without topic alias, subscription identifiers and will delay
	Payload []byte
	From    string // the publisher's client identifier, for no-local
	QoS     byte
	Retain  bool
	Came    int64 // time of arrival, Unix nanoseconds
	Expires int64 // Unix nanoseconds, 0 for never
}

// messageOverhead is the memory that a message takes besides its contents, in bytes, about.
const messageOverhead = 160

// size returns how many bytes the message counts against the limits.
func (m *Message) size() int {
	return len(m.Topic) + len(m.Props) + len(m.Payload) + len(m.From) + messageOverhead
}

// expired reports whether the message must not be sent any more [MQTT-3.3.2-5].
func (m *Message) expired(now int64) bool { return m.Expires != 0 && now >= m.Expires }

// clone returns a copy of the message in memory of its own.
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

// expires returns when a message with these properties that arrived at now expires, 0 for never.
func expires(ps proto.Props, now int64) int64 {
	if p, ok := ps.Get(proto.MessageExpiryInterval); ok {
		return expiresIn(p.Num, now)
	}
	return 0
}

// expiresIn returns when a message with a Message Expiry Interval that arrived at now expires. With
// an interval of 0 it is still sent to subscribers that can be sent it at once.
func expiresIn(seconds uint32, now int64) int64 {
	return now + max(1, int64(seconds)*int64(time.Second))
}

// appendCounted appends the message's properties with the rest of its expiry interval
// [MQTT-3.3.2-6]. The message must expire.
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

// grant combines the options of a session's subscriptions that match one topic.
type grant struct {
	qos   byte
	rap   bool        // retain as published
	ids   proto.Props // the subscription identifiers, as properties
	group *group      // the shared subscription, nil if it is none
}

// delivery is a message for one session, in its queue or in flight.
type delivery struct {
	m      *Message
	g      *grant
	seq    uint64 // number within the session, for the Store
	qos    byte
	retain bool
	sent   bool // it was sent before: DUP is set when it is sent again
}

// size returns how many bytes the delivery counts against the limits of its session. A message is
// counted in each session that has it.
func (h *delivery) size() int { return h.m.size() + len(h.g.ids) }
