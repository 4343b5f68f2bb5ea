package broker

import (
	"sync/atomic"
	"unsafe"
)

// queue holds messages in order. The zero value is empty.
type queue struct {
	ring  []delivery // its length is a power of two
	head  int
	n     int
	zeros int // messages at QoS 0 among them

	shared atomic.Int32 // messages of shares among them; read without a lock
	bytes  int          // of all

	soonest int64 // no message among them expires before that, 0 if none does
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

// leastRing is how many messages the ring of a queue has room for that is not empty, and keptSlots
// for how many a connected client keeps room, in its queue and in flight, when there are none.
const (
	minRing   = 16
	idleSlots = 256
)

// shrink gives back the ring of an empty queue with room for more than keep messages.
func (q *queue) shrink(keep int) {
	if q.n == 0 && len(q.ring) > keep {
		q.ring, q.head = nil, 0
	}
}

// resize gives the ring room for n messages, a power of two.
func (q *queue) resize(n int) {
	ring := make([]delivery, n)
	for i := range q.n {
		ring[i] = *q.at(i)
	}
	q.ring, q.head = ring, 0
}

// size returns how many bytes the ring takes.
func (q *queue) size() int { return len(q.ring) * int(unsafe.Sizeof(delivery{})) }

// count notes a message of a share that comes or goes.
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

// first returns the oldest message, which must exist.
func (q *queue) first() *delivery { return &q.ring[q.head] }

// at returns the message that has i before it.
func (q *queue) at(i int) *delivery { return &q.ring[(q.head+i)&(len(q.ring)-1)] }

// drop takes the oldest message off.
func (q *queue) pop() {
	h := q.first()
	q.bytes -= h.size()
	if h.qos == 0 {
		q.zeros--
	}
	q.count(h, -1)
	*h = delivery{}
	q.head = (q.head + 1) & (len(q.ring) - 1)
	if q.n--; q.n == 0 {
		q.shrink(idleSlots)
	} else if len(q.ring) > idleSlots && q.n < len(q.ring)/8 {
		q.resize(len(q.ring) / 4)
	}
}

// filter takes out every message for which out returns true, in order.
func (q *queue) removeIf(out func(*delivery) bool) {
	for range q.n {
		h := *q.first()
		q.pop()
		if !out(&h) {
			q.push(h)
		}
	}
}
