package broker

import (
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/tidwall/btree"
)

// retained holds the last retained message of each topic, in the order of topics, so that a
// walk over those that a filter takes in can stop and go on at any topic.
//
// Each message has a serial. A walk has the serial of the moment of its subscription: it
// delivers what had come by then, and the router what comes later, so nobody gets a message
// twice, or an old value after a new one. While walks are under way, a message that is
// replaced or cleared is kept for them where there is room.
type retained struct {
	mu       sync.RWMutex
	topics   *btree.BTreeG[stored]
	expiring *btree.BTreeG[stored] // those that expire, soonest first
	serial   uint64                // of the message that came last
	count    int
	reserved int      // places of messages that are being delivered first
	bytes    int      // of all messages, replaced ones among them
	replaced []string // topics that have older messages

	walks  atomic.Int64  // sessions to which a walk is under way
	newest atomic.Uint64 // the highest serial of a walk
	last   atomic.Uint64 // serial, for reading without the lock

	// Publishers of one topic take turns, so that all subscribers get its values in the order
	// in which they are stored.
	topicLocks [64]sync.Mutex
	seed       maphash.Seed
}

// turn returns the lock of those who publish to a topic.
func (r *retained) topicLock(topic string) *sync.Mutex {
	return &r.topicLocks[maphash.String(r.seed, topic)%uint64(len(r.topicLocks))]
}

// stored is what is retained for a topic.
type stored struct {
	topic  string   // the bytes of m.Topic
	m      *Message // nil if it was cleared and an older one is kept
	serial uint64
	old    *version
}

// version is a message that was replaced or cleared while walks were under way.
type version struct {
	m      *Message
	serial uint64
	old    *version
}

// storedSize is what a retained message takes in memory besides itself, about: its place in
// two trees.
const storedSize = 120

func newTree(less func(a, b stored) bool) *btree.BTreeG[stored] {
	return btree.NewBTreeGOptions(less, btree.Options{NoLocks: true})
}

func (r *retained) init() {
	r.serial = 1 // 0 is none
	r.seed = maphash.MakeSeed()
	r.topics = newTree(func(a, b stored) bool { return topicBefore(a.topic, b.topic) })
	r.expiring = newTree(func(a, b stored) bool {
		if a.m.Expires != b.m.Expires {
			return a.m.Expires < b.m.Expires
		}
		return a.topic < b.topic
	})
}

// topicBefore reports whether topic a sorts before topic b: by bytes, but with / first, so
// that a topic and all topics below it are neighbours.
func topicBefore(a, b string) bool {
	n := min(len(a), len(b))
	for i := range n {
		if x, y := a[i], b[i]; x != y {
			return x == '/' || y != '/' && x < y
		}
	}
	return len(a) < len(b)
}

// limit returns what forbids to keep m, "" if nothing does: there are so many messages at
// most, and so many bytes left. One that is no larger than what it replaces may be kept,
// and one without a payload clears [MQTT-3.3.1-6].
func (r *retained) limit(m *Message, most int, left int64) string {
	if len(m.Payload) == 0 {
		return ""
	}
	grown := m.size()
	if old := r.get(string(m.Topic)); old != nil {
		grown -= old.size()
	} else {
		if r.count+r.reserved > most { // its own place is reserved
			return "retained messages"
		}
		grown += storedSize
	}
	if grown > 0 && int64(grown) > left {
		return memoryLimit
	}
	return ""
}

// get returns the message of that topic, nil if there is none.
func (r *retained) get(topic string) *Message {
	at, _ := r.topics.Get(stored{topic: topic})
	return at.m
}

// put keeps a copy of m for its topic, and returns it. keep says that an older message is to
// be kept for walks that have still to deliver it.
func (r *retained) put(m *Message, keep bool) *Message {
	kept := m.clone()
	r.set(unsafe.String(unsafe.SliceData(kept.Topic), len(kept.Topic)), kept, keep)
	return kept
}

// remove clears the message of a topic.
func (r *retained) remove(topic string, keep bool) {
	if r.get(topic) != nil {
		r.set(strings.Clone(topic), nil, keep)
	}
}

// set makes m, nil for none, the message of a topic.
func (r *retained) set(topic string, m *Message, keep bool) {
	r.serial++
	r.last.Store(r.serial)
	was, there := r.topics.Get(stored{topic: topic})
	next := stored{topic: topic, m: m, serial: r.serial, old: was.old}
	if was.m != nil {
		r.count--
		if was.m.Expires != 0 {
			r.expiring.Delete(was)
		}
		if keep && r.walks.Load() > 0 && was.serial <= r.newest.Load() {
			if was.old == nil {
				r.replaced = append(r.replaced, topic)
			}
			next.old = &version{was.m, was.serial, was.old}
			r.bytes += storedSize
		} else {
			r.bytes -= was.m.size()
		}
	}
	if m != nil {
		r.count++
		r.bytes += m.size()
		if m.Expires != 0 {
			r.expiring.Set(next)
		}
	}
	switch {
	case m == nil && next.old == nil:
		if r.topics.Delete(stored{topic: topic}); there {
			r.bytes -= storedSize
		}
	default:
		if r.topics.Set(next); !there {
			r.bytes += storedSize
		}
	}
}

// expire clears up to n messages that have expired, and calls gone for each.
func (r *retained) expire(now int64, n int, gone func(*Message)) {
	for range n {
		at, ok := r.expiring.Min()
		if !ok || !at.m.expired(now) {
			return
		}
		r.remove(at.topic, false)
		gone(at.m)
	}
}

// trim lets go of older messages of up to n topics, once no walk is under way. more says that
// there are others.
func (r *retained) trim(n int) (more bool) {
	for ; n > 0 && len(r.replaced) > 0 && r.walks.Load() == 0; n-- {
		last := len(r.replaced) - 1
		topic := r.replaced[last]
		r.replaced[last] = ""
		r.replaced = r.replaced[:last]
		at, ok := r.topics.Get(stored{topic: topic})
		if !ok {
			continue
		}
		for v := at.old; v != nil; v = v.old {
			r.bytes -= v.m.size() + storedSize
		}
		at.old = nil
		if at.m != nil {
			r.topics.Set(at)
			continue
		}
		r.topics.Delete(at)
		r.bytes -= storedSize
	}
	if len(r.replaced) == 0 {
		r.replaced = nil
	}
	return len(r.replaced) > 0 && r.walks.Load() == 0
}

// view is what a walk sees: what had come at its serial, and of what came while its client was away
// what is at QoS 0, since that does not wait in the queue.
type walkView struct {
	serial   uint64
	from, to uint64 // the serials before and at the end of the absence
	qos      byte   // of the subscription
}

// at returns the message of the topic that the walk is to deliver, nil if there is none.
func (x *stored) at(v walkView) *Message {
	if x.serial <= v.serial {
		return x.m
	}
	if x.m != nil && x.serial > v.from && x.serial <= v.to && min(x.m.QoS, v.qos) == 0 {
		return x.m
	}
	for old := x.old; old != nil; old = old.old {
		if old.serial <= v.serial {
			return old.m
		}
	}
	return nil
}
