package broker

import (
	"sync/atomic"
	"unsafe"
)

// queue is a first-in first-out queue of messages. The zero value is empty.
type queue struct {
	ring  []delivery // its length is a power of two
	head  int
	n     int
	zeros int // number of QoS 0 messages

	unchecked int // messages at the front that the ACL must allow again before they are sent

	shared atomic.Int32 // number of messages of shared subscriptions; read without a lock
	bytes  int          // of all messages

	soonest int64 // no message expires before that time; 0 if none expires
}

// reset drops all messages. shared is read without the lock of the session, so q is not replaced as a
// whole.
func (q *queue) reset() {
	q.ring, q.head, q.n, q.zeros, q.unchecked, q.bytes, q.soonest = nil, 0, 0, 0, 0, 0, 0
	q.shared.Store(0)
}

func (q *queue) push(h delivery) {
	if q.n == len(q.ring) {
		q.resize(max(minRing, 2*len(q.ring)))
	}
	q.ring[(q.head+q.n)&(len(q.ring)-1)] = h
	q.n++
	q.bytes += h.size()
	if at := h.m.Expires; at != 0 && (q.soonest == 0 || at < q.soonest) {
		q.soonest = at
	}
	if h.qos == 0 {
		q.zeros++
	}
	q.count(&h, 1)
}

// minRing is the smallest ring of a queue that is not empty, in messages. idleSlots is how many
// slots a connected client keeps while it has no messages, in its queue and in its ledger.
const (
	minRing   = 16
	idleSlots = 256
)

// shrink frees the ring of an empty queue if it has more than keep slots.
func (q *queue) shrink(keep int) {
	if q.n == 0 && len(q.ring) > keep {
		q.ring, q.head = nil, 0
	}
}

// resize changes the ring to n slots, which must be a power of two.
func (q *queue) resize(n int) {
	ring := make([]delivery, n)
	for i := range q.n {
		ring[i] = *q.at(i)
	}
	q.ring, q.head = ring, 0
}

// size returns how many bytes the ring takes.
func (q *queue) size() int { return len(q.ring) * int(unsafe.Sizeof(delivery{})) }

// count adds n to the counters if h belongs to a shared subscription.
func (q *queue) count(h *delivery, n int32) {
	if h.g == nil || h.g.group == nil {
		return
	}
	q.shared.Add(n)
	h.g.group.waiting.Add(int64(n))
	if all := h.g.group.all; all != nil {
		all.Add(int64(n))
	}
}

// first returns the oldest message. The queue must not be empty.
func (q *queue) first() *delivery { return &q.ring[q.head] }

// at returns message i, counted from the oldest.
func (q *queue) at(i int) *delivery { return &q.ring[(q.head+i)&(len(q.ring)-1)] }

// pop removes the oldest message.
func (q *queue) pop() {
	h := q.first()
	q.bytes -= h.size()
	if h.qos == 0 {
		q.zeros--
	}
	q.count(h, -1)
	*h = delivery{}
	q.head = (q.head + 1) & (len(q.ring) - 1)
	q.unchecked = max(0, q.unchecked-1)
	if q.n--; q.n == 0 {
		q.shrink(idleSlots)
	} else if len(q.ring) > idleSlots && q.n < len(q.ring)/8 {
		q.resize(len(q.ring) / 4)
	}
}

// removeIf removes the messages for which out returns true. It keeps the order.
func (q *queue) removeIf(out func(*delivery) bool) {
	unchecked, first := 0, q.unchecked
	for i := range q.n {
		h := *q.first()
		q.pop()
		if out(&h) {
			continue
		}
		q.push(h)
		if i < first {
			unchecked++
		}
	}
	q.unchecked = unchecked
}
