package watch

import (
	"time"

	"mqtt/internal/proto"
)

// Limits bounds the memory of a Model.
type Limits struct {
	Topics int // topics with a message
	Nodes  int // levels of all topics
	Names  int // bytes of all topics
	Bytes  int // bytes of messages, beyond a few for each topic
}

// DefaultLimits returns limits that keep a Model below about 100 MiB.
func DefaultLimits() Limits {
	return Limits{Topics: 100_000, Nodes: 300_000, Names: 16 << 20, Bytes: 32 << 20}
}

// Model holds what was received, by topic.
type Model struct {
	limits Limits
	root   node
	topics map[string]*node // those with a message
	list   []*node          // the same, in order of arrival

	nodes, names, bytes int // used, of the limits

	received uint64 // messages, with those below
	unlisted uint64 // messages whose topic had no room
	focused  *node  // the topic of which more is kept

	paused bool
	behind uint64 // messages since the pause

	window  [windowTicks]time.Duration // length of each interval
	total   counter
	ticks   int
	ticked  time.Time
	rates   uint64 // number of calls of Tick that changed rates
	version uint64 // of the tree's structure

	wanted filter
}

// New returns an empty Model.
func New(limits Limits) *Model {
	return &Model{limits: limits, topics: make(map[string]*node)}
}

// Put adds a message that was received at version v. It does not keep p.
func (m *Model) Put(v proto.Version, p *proto.Publish, now time.Time) {
	m.received++
	n := m.topics[string(p.Topic)]
	if n == nil {
		if n = m.add(string(p.Topic)); n == nil {
			m.unlisted++
			return
		}
	}
	if m.paused {
		m.behind++
		n.own.behind++
		m.overwrite(n, &n.own.next, v, p, now)
		return
	}
	n.countUp(1, now)
	n.own.count++
	m.store(n, v, p, now)
}

// Summary describes a whole Model.
type Summary struct {
	Received uint64  // messages
	Rate     float64 // messages a second
	Topics   int
	Unlisted uint64 // messages of topics that had no room
	Paused   bool
	Behind   uint64 // messages since the pause, which are not shown
}

// Summary returns the totals.
func (m *Model) Summary() Summary {
	return Summary{Received: m.received, Rate: m.rate(&m.total), Topics: len(m.list), Unlisted: m.unlisted, Paused: m.paused, Behind: m.behind}
}

// Pause stops changing what is shown. Messages that arrive are counted, and the newest of each
// topic is kept.
func (m *Model) Pause() { m.paused = true }

// Resume shows what has arrived since Pause. The history of a topic has the newest of these
// messages only.
func (m *Model) Resume() {
	if !m.paused {
		return
	}
	m.paused, m.behind = false, 0
	for _, n := range m.list {
		t := n.own
		if t.behind == 0 {
			continue
		}
		n.countUp(t.behind, t.next.At)
		t.count += t.behind
		t.behind = 0
		m.keep(n, t.next)
		t.next = Message{}
	}
	m.restartRates()
	m.version++
}
