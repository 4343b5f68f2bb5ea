package session

import "slices"

// ring is a queue of packet identifiers. The length of ids is 0 or a power of two.
type ring struct {
	ids     []uint16
	head, n int
}

// push adds id at the end.
func (r *ring) push(id uint16) {
	if r.n == len(r.ids) {
		grown := make([]uint16, max(8, 2*len(r.ids)))
		for i := range r.n {
			grown[i] = r.ids[(r.head+i)&(len(r.ids)-1)]
		}
		r.ids, r.head = grown, 0
	}
	r.ids[(r.head+r.n)&(len(r.ids)-1)] = id
	r.n++
}

// pop removes the first identifier.
func (r *ring) pop() (uint16, bool) {
	if r.n == 0 {
		return 0, false
	}
	id := r.ids[r.head]
	r.head = (r.head + 1) & (len(r.ids) - 1)
	r.n--
	return id, true
}

// remove removes id, wherever it is.
func (r *ring) remove(id uint16) {
	all := make([]uint16, 0, r.n)
	for range r.n {
		x, _ := r.pop()
		all = append(all, x)
	}
	if i := slices.Index(all, id); i >= 0 {
		all = slices.Delete(all, i, i+1)
	}
	for _, x := range all {
		r.push(x)
	}
}
