package bench

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

// memory counts the memory of all tracks of a run, so that neither loss nor a server that
// invents publishers and sequences can make them grow without limit.
type memory struct{ left atomic.Int64 }

// trackMemory is the limit for the tracks of a run. It has room for the bits of eight
// billion messages, and only those near a gap need any.
const trackMemory = 1 << 30

// mapEntry is about what an entry of a map needs besides the value that it points to.
const mapEntry = 48

func newMemory(limit int64) *memory {
	m := &memory{}
	m.left.Store(limit)
	return m
}

// take counts n bytes as used. It returns false if there are not so many.
func (m *memory) take(n int) bool {
	if m.left.Add(int64(-n)) >= 0 {
		return true
	}
	m.left.Add(int64(n))
	return false
}

// give counts n bytes as free.
func (m *memory) give(n int) { m.left.Add(int64(n)) }

// receipts has the tracks of all publishers for a subscriber, or for a shared subscription.
type receipts struct {
	memory    *memory
	mu        sync.Mutex // for shared subscriptions
	tracks    map[uint32]*track
	last      *track // of publisher
	publisher uint32
	unique    uint64 // messages without duplicates
	missing   int64  // messages before the last one of their publisher that did not come yet
	elsewhere uint64 // of unique, sent by other processes
}

// record records that message seq of a publisher was received.
func (l *receipts) record(publisher uint32, seq uint64) outcome {
	t := l.last
	if t == nil || l.publisher != publisher {
		if t = l.track(publisher); t == nil {
			return unknown
		}
		l.last, l.publisher = t, publisher
	}
	next := t.next
	out := t.record(seq, l.memory)
	if out.first() {
		l.unique++
	}
	switch out {
	case inOrder:
		l.missing += int64(t.next - next - 1)
	case late:
		l.missing--
	}
	return out
}

// track returns the track of a publisher, nil if there is no memory for it.
func (l *receipts) track(publisher uint32) *track {
	t := l.tracks[publisher]
	if t != nil || !l.memory.take(int(unsafe.Sizeof(track{}))+mapEntry) {
		return t
	}
	if l.tracks == nil {
		l.tracks = make(map[uint32]*track)
	}
	t = new(track)
	l.tracks[publisher] = t
	return t
}

// arrivals has the highest sequence that a member of a shared subscription received from
// each publisher. The order of messages is that of one member, because the members are
// served at the same time.
type arrivals struct {
	memory *memory
	next   map[uint32]*uint64 // one more than the highest sequence
}

// ascending records that seq was received, and reports whether no later message was
// received before.
func (a *arrivals) ascending(publisher uint32, seq uint64) bool {
	next := a.next[publisher]
	if next == nil {
		if !a.memory.take(8 + mapEntry) {
			return true // the receipts have no memory either and make the run unaccountable
		}
		if a.next == nil {
			a.next = make(map[uint32]*uint64)
		}
		next = new(uint64)
		a.next[publisher] = next
	}
	if seq < *next {
		return false
	}
	*next = seq + 1
	return true
}
