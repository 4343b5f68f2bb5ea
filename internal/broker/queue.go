package broker

// queue holds messages in order. The zero value is empty.
type queue struct {
	ring  []held // its length is a power of two
	head  int
	n     int
	zeros int // messages at QoS 0 among them
	bytes int // of all
}

func (q *queue) push(h held) {
	if q.n == len(q.ring) {
		grown := make([]held, max(16, 2*len(q.ring)))
		for i := range q.n {
			grown[i] = q.ring[(q.head+i)&(len(q.ring)-1)]
		}
		q.ring, q.head = grown, 0
	}
	q.ring[(q.head+q.n)&(len(q.ring)-1)] = h
	q.n++
	q.bytes += h.m.size()
	if h.qos == 0 {
		q.zeros++
	}
}

// first returns the oldest message, which must exist.
func (q *queue) first() *held { return &q.ring[q.head] }

// drop takes the oldest message off.
func (q *queue) drop() {
	h := q.first()
	q.bytes -= h.m.size()
	if h.qos == 0 {
		q.zeros--
	}
	*h = held{}
	q.head = (q.head + 1) & (len(q.ring) - 1)
	if q.n--; q.n == 0 && len(q.ring) > 256 {
		q.ring, q.head = nil, 0
	}
}

// filter takes out every message for which out returns true, in order.
func (q *queue) filter(out func(*held) bool) {
	for range q.n {
		h := *q.first()
		q.drop()
		if !out(&h) {
			q.push(h)
		}
	}
}
