package schema

import (
	"bytes"
	"hash/maphash"
	"slices"
)

// equal reports whether the value a of t and the value b of u are equal: 1 and 1.0 are, and the order of
// members does not matter.
func (t *tree) equal(a int32, u *tree, b int32) bool {
	x, y := &t.values[a], &u.values[b]
	if x.kind != y.kind || x.count != y.count {
		return false
	}
	switch x.kind {
	case boolKind:
		return x.on == y.on
	case stringKind:
		return bytes.Equal(x.text, y.text)
	case numberKind:
		if bytes.Equal(x.text, y.text) {
			return true
		}
		d, e := parseDecimal(x.text), parseDecimal(y.text)
		return d.compare(&e) == 0
	case arrayKind:
		for c, d, i := a+1, b+1, int32(0); i < x.slots; c, d, i = t.values[c].next, u.values[d].next, i+1 {
			if !t.equal(c, u, d) {
				return false
			}
		}
	case objectKind:
		for c, i := a+1, int32(0); i < x.slots; c, i = t.values[c].next, i+1 {
			if t.values[c].dead {
				continue
			}
			if d := u.member(b, t.values[c].key); d < 0 || !t.equal(c, u, d) {
				return false
			}
		}
	}
	return true
}

// hashed is an item of an array with its hash.
type hashed struct {
	hash uint64
	item int32 // its index in the tree
}

// twins returns two equal items of the array n, by their indexes in the tree. ok is false if there are
// none. buf is a buffer, which is returned. The work is that of one sort.
func (t *tree) twins(n int32, seed maphash.Seed, buf []hashed) (a, b int32, ok bool, _ []hashed) {
	buf = buf[:0]
	for c, i := n+1, int32(0); i < t.values[n].slots; c, i = t.values[c].next, i+1 {
		buf = append(buf, hashed{t.hash(c, seed), c})
	}
	slices.SortFunc(buf, func(x, y hashed) int {
		switch {
		case x.hash < y.hash:
			return -1
		case x.hash > y.hash:
			return 1
		}
		return int(x.item) - int(y.item)
	})
	for i := 1; i < len(buf); i++ {
		if x, y := buf[i-1], buf[i]; x.hash == y.hash && t.equal(x.item, t, y.item) {
			return x.item, y.item, true, buf
		}
	}
	return 0, 0, false, buf
}

// hash returns a hash of the value n, the same for all values that are equal to it.
func (t *tree) hash(n int32, seed maphash.Seed) uint64 {
	const prime = 0x100000001b3
	v := &t.values[n]
	h := uint64(v.kind)
	switch v.kind {
	case boolKind:
		if v.on {
			h += 100
		}
	case stringKind:
		h = maphash.Bytes(seed, v.text)
	case numberKind:
		d := parseDecimal(v.text)
		h += uint64(d.exp) << 8
		if d.neg {
			h ^= 1 << 63
		}
		for _, c := range d.digits {
			if c != '.' {
				h = (h ^ uint64(c)) * prime
			}
		}
		h = mix(h, seed)
	case arrayKind:
		for c, i := n+1, int32(0); i < v.slots; c, i = t.values[c].next, i+1 {
			h = mix(h*prime+t.hash(c, seed), seed)
		}
	case objectKind:
		for c, i := n+1, int32(0); i < v.slots; c, i = t.values[c].next, i+1 {
			if m := &t.values[c]; !m.dead { // the sum does not depend on the order
				h += mix(maphash.Bytes(seed, m.key)*prime+t.hash(c, seed), seed)
			}
		}
	}
	return h
}

// mix returns a hash of h that a stranger cannot foresee.
func mix(h uint64, seed maphash.Seed) uint64 { return maphash.Comparable(seed, h) }
