package broker

import (
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/tidwall/btree"
)

// retained holds the last retained message of each topic, sorted by topic, so that a walk over the
// topics that match a filter can stop and continue at any topic.
//
// Each change has a serial. A walk has the serial of the time of its subscription. It delivers
// messages up to that serial, and the router those that arrive later, so no subscriber gets a
// message twice, or an older value after a newer one. While walks are active, a message that is
// replaced or removed is kept for them if there is room.
type retained struct {
	mu       sync.RWMutex
	topics   *btree.BTreeG[stored]
	expiring *btree.BTreeG[stored] // messages that expire, soonest first
	serial   uint64                // of the newest change
	count    int
	reserved int      // places of messages that are being delivered before they are stored
	bytes    int      // of all messages, including older versions
	replaced []string // topics with older versions

	walks  atomic.Int64  // number of sessions with an active walk
	newest atomic.Uint64 // highest serial of a walk
	last   atomic.Uint64 // copy of serial that is read without the lock

	// Publishers of one topic take its lock, so that all subscribers get its values in the order in
	// which they are stored.
	topicLocks [64]sync.Mutex
	seed       maphash.Seed
}

// topicLock returns the lock of publishers to a topic.
func (r *retained) topicLock(topic string) *sync.Mutex {
	return &r.topicLocks[maphash.String(r.seed, topic)%uint64(len(r.topicLocks))]
}

// stored is the entry of one topic.
type stored struct {
	topic  string   // aliases m.Topic
	m      *Message // nil if it was removed and an older version is kept
	serial uint64
	old    *version
}

// version is a message that was replaced or removed while walks were active.
type version struct {
	m      *Message
	serial uint64
	old    *version
}

// storedSize is the memory that a retained message takes in the two trees, in bytes, about.
const storedSize = 120

func newTree(less func(a, b stored) bool) *btree.BTreeG[stored] {
	return btree.NewBTreeGOptions(less, btree.Options{NoLocks: true})
}

func (r *retained) init() {
	r.serial = 1 // 0 means none
	r.seed = maphash.MakeSeed()
	r.topics = newTree(func(a, b stored) bool { return topicBefore(a.topic, b.topic) })
	r.expiring = newTree(func(a, b stored) bool {
		if a.m.Expires != b.m.Expires {
			return a.m.Expires < b.m.Expires
		}
		return a.topic < b.topic
	})
}

// topicBefore reports whether topic a sorts before topic b: by bytes, but with / first, so that a
// topic is followed by all topics below it.
func topicBefore(a, b string) bool {
	n := min(len(a), len(b))
	for i := range n {
		if x, y := a[i], b[i]; x != y {
			return x == '/' || y != '/' && x < y
		}
	}
	return len(a) < len(b)
}

// limit returns the limit that forbids to store m, "" if none does. most is the maximum number of
// messages, and left the number of free bytes. A message that is no larger than the one it replaces
// is always allowed, and so is one without a payload, which removes the topic's message
// [MQTT-3.3.1-6].
func (r *retained) limit(m *Message, most int, left int64) string {
	if len(m.Payload) == 0 {
		return ""
	}
	grown := m.size()
	if old := r.get(string(m.Topic)); old != nil {
		grown -= old.size()
	} else {
		if r.count+r.reserved > most { // reserved includes m
			return "retained messages"
		}
		grown += storedSize
	}
	if grown > 0 && int64(grown) > left {
		return memoryLimit
	}
	return ""
}

// get returns the message of a topic, nil if there is none.
func (r *retained) get(topic string) *Message {
	at, _ := r.topics.Get(stored{topic: topic})
	return at.m
}

// put stores a copy of m for its topic, and returns the copy. keep is true if an older message is
// to be kept for walks that have not delivered it yet.
func (r *retained) put(m *Message, keep bool) *Message {
	kept := m.clone()
	r.set(unsafe.String(unsafe.SliceData(kept.Topic), len(kept.Topic)), kept, keep)
	return kept
}

// remove removes the message of a topic.
func (r *retained) remove(topic string, keep bool) {
	if r.get(topic) != nil {
		r.set(strings.Clone(topic), nil, keep)
	}
}

// set makes m the message of a topic; nil removes it.
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

// expire removes up to n expired messages, and calls gone for each.
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

// trim removes the older versions of up to n topics, once no walk is active. more is true if there
// are others.
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

// walkView is the set of messages that a walk delivers: those up to its serial, and of those that
// arrived while its client was away the ones at QoS 0, which are not queued.
type walkView struct {
	serial   uint64
	from, to uint64 // serials at the beginning and the end of the absence
	qos      byte   // of the subscription
}

// at returns the message of the topic that a walk with view v delivers, nil if there is none.
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
