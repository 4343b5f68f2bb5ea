package watch

import (
	"time"

	"mqtt/internal/proto"
)

// A Message is what is kept of a message.
type Message struct {
	At      time.Time // when it was received
	Version proto.Version
	QoS     byte
	Retain  bool
	Dup     bool
	Size    int         // of the payload, in bytes, as received
	Payload []byte      // the first bytes
	Props   proto.Props // nil also if they had no room
	NoProps bool        // Props had no room
}

// Cut reports whether Payload is only a part.
func (m *Message) Cut() bool { return len(m.Payload) < m.Size }

// topicData is what is kept of one topic.
type topicData struct {
	count  uint64
	last   []Message // a ring; newest is the index of the newest one
	newest int

	behind uint64  // messages since the pause
	next   Message // the newest of them
}

// How much is kept of a topic. The focused topic is the one that a screen shows in detail.
const (
	focusedPayload = 64 << 10 // bytes of a payload
	focusedHistory = 60       // messages
	payloadKept    = 1 << 10
	historyKept    = 10
	leastKept      = 128 // bytes of a payload when Limits.Bytes is reached
	messageSize    = 120 // bytes of a Message without its slices
)

// latest returns the newest message. There is one once count is above 0.
func (t *topicData) latest() *Message { return &t.last[t.newest] }

// store keeps p as the newest message of n.
func (m *Model) store(n *node, v proto.Version, p *proto.Publish, now time.Time) {
	m.overwrite(n, m.place(n), v, p, now)
}

// keep keeps a message that overwrite has made as the newest one of n.
func (m *Model) keep(n *node, msg Message) {
	slot := m.place(n)
	m.bytes -= cap(slot.Payload) + cap(slot.Props)
	*slot = msg
}

// place returns the place for the next message of n: a new one, or that of the oldest one.
func (m *Model) place(n *node) *Message {
	t := n.own
	depth := historyKept
	if n == m.focused {
		depth = focusedHistory
	}
	switch room := n == m.focused || m.bytes < m.limits.Bytes; {
	case len(t.last) == 0, room && len(t.last) < depth:
		t.unroll()
		t.last = append(t.last, Message{})
		t.newest = len(t.last) - 1
		m.bytes += messageSize
	default:
		t.newest = (t.newest + 1) % len(t.last)
	}
	return t.latest()
}

// unroll puts the oldest message first.
func (t *topicData) unroll() {
	if len(t.last) == 0 || t.newest == len(t.last)-1 {
		return
	}
	ordered := make([]Message, 0, len(t.last)+1)
	ordered = append(append(ordered, t.last[t.newest+1:]...), t.last[:t.newest+1]...)
	t.last, t.newest = ordered, len(ordered)-1
}

// overwrite sets slot to p, in the memory that slot has.
func (m *Model) overwrite(n *node, slot *Message, v proto.Version, p *proto.Publish, now time.Time) {
	limit := payloadKept
	switch {
	case n == m.focused:
		limit = focusedPayload
	case m.bytes >= m.limits.Bytes:
		limit = leastKept
	}
	m.bytes -= cap(slot.Payload) + cap(slot.Props)
	payload, props := slot.Payload[:0], slot.Props[:0]
	if cap(payload) > limit {
		payload = nil
	}
	payload = append(payload, p.Payload[:min(len(p.Payload), limit)]...)
	noProps := len(p.Props) > limit
	if noProps || cap(props) > limit {
		props = nil
	}
	if !noProps {
		props = append(props, p.Props...)
	}
	m.bytes += cap(payload) + cap(props)
	*slot = Message{At: now, Version: v, QoS: p.QoS, Retain: p.Retain, Dup: p.Dup, Size: len(p.Payload), Payload: payload, Props: props, NoProps: noProps}
}

// focus keeps more of n than of other topics, from now on. n may be nil.
func (m *Model) focus(n *node) {
	old := m.focused
	if n == old {
		return
	}
	m.focused = n
	if old == nil || old.own == nil {
		return
	}
	t := old.own
	t.unroll()
	if surplus := len(t.last) - historyKept; surplus > 0 {
		for i := range t.last[:surplus] {
			m.bytes -= messageSize + cap(t.last[i].Payload) + cap(t.last[i].Props)
		}
		t.last = append([]Message(nil), t.last[surplus:]...)
		t.newest = len(t.last) - 1
	}
	for i := range t.last {
		m.shrink(&t.last[i])
	}
	m.shrink(&t.next)
}

// shrink cuts a message of a topic that was focused.
func (m *Model) shrink(msg *Message) {
	if cap(msg.Payload) > payloadKept {
		m.bytes -= cap(msg.Payload)
		msg.Payload = append([]byte(nil), msg.Payload[:min(len(msg.Payload), payloadKept)]...)
		m.bytes += cap(msg.Payload)
	}
	if len(msg.Props) > payloadKept {
		m.bytes -= cap(msg.Props)
		msg.Props, msg.NoProps = nil, true
	}
}
