package bench

import (
	"math/bits"
	"slices"
	"unsafe"
)

// maxGaps is the maximum number of gaps of a track. With more, it has blocks instead.
const maxGaps = 256

// gap is the range of sequences from from to before to, none of which was received.
type gap struct{ from, to uint64 }

// blockSize is the number of sequences of a block.
const blockSize = 1 << 15

// block has a bit for each of blockSize sequences, which is set if the sequence is missing.
type block struct {
	bits    [blockSize / 64]uint64
	missing int
}

// track records which sequences of a publisher were received. It stores those that are
// missing below the highest one, so that its size depends on the disorder and not on the
// number of messages: a few as gaps, many as bits. It is exact as long as memory has room.
type track struct {
	next   uint64 // one more than the highest sequence received
	unique uint64 // sequences received
	gaps   []gap  // ascending; not used with blocks
	blocks map[uint64]*block
	spare  *block // empty, for the next block
	blind  bool   // there was no memory: what was received is not known any more
}

// outcome says what kind of message a sequence was.
type outcome int

const (
	inOrder   outcome = iota
	late              // after a later one
	duplicate         // received before
	unknown           // first or again: there was no memory to remember
	outcomes          // number of outcomes
)

// first reports whether the message was received for the first time.
func (o outcome) first() bool { return o == inOrder || o == late }

// record records that seq was received. m is the memory for what is missing.
func (t *track) record(seq uint64, m *memory) outcome {
	switch {
	case seq == t.next && !t.blind:
		t.next++
		t.unique++
		return inOrder
	case t.blind:
		return unknown
	case seq > t.next:
		if !t.skip(t.next, seq, m) {
			t.forget(m)
			return unknown
		}
		t.next = seq + 1
		t.unique++
		return inOrder
	}
	found, ok := t.fill(seq, m)
	switch {
	case !ok:
		t.forget(m)
		return unknown
	case !found:
		return duplicate
	}
	t.unique++
	return late
}

// skip records that the sequences from from to before to are missing. It returns false if
// there is no memory for that.
func (t *track) skip(from, to uint64, m *memory) bool {
	if t.blocks == nil {
		if !t.room(m) {
			return false
		}
		t.gaps = append(t.gaps, gap{from, to})
		return len(t.gaps) <= maxGaps || t.useBlocks(m)
	}
	return t.set(gap{from, to}, m)
}

// room reports whether there is memory for another gap.
func (t *track) room(m *memory) bool {
	if len(t.gaps) < cap(t.gaps) {
		return true
	}
	n := max(2*cap(t.gaps), 4)
	if !m.take((n - cap(t.gaps)) * int(unsafe.Sizeof(gap{}))) {
		return false
	}
	gaps := make([]gap, len(t.gaps), n)
	copy(gaps, t.gaps)
	t.gaps = gaps
	return true
}

// fill records that seq, which is below next, was received. found says that it was missing,
// and ok that there was memory.
func (t *track) fill(seq uint64, m *memory) (found, ok bool) {
	if t.blocks != nil {
		return t.clear(seq, m), true
	}
	i, found := slices.BinarySearchFunc(t.gaps, seq, func(g gap, seq uint64) int {
		switch {
		case g.to <= seq:
			return -1
		case g.from > seq:
			return 1
		}
		return 0
	})
	if !found {
		return false, true
	}
	switch g := &t.gaps[i]; {
	case g.from == seq && g.to == seq+1:
		t.gaps = slices.Delete(t.gaps, i, i+1)
	case g.from == seq:
		g.from++
	case g.to == seq+1:
		g.to--
	default:
		if !t.room(m) {
			return false, false
		}
		rest := gap{seq + 1, t.gaps[i].to}
		t.gaps[i].to = seq
		t.gaps = slices.Insert(t.gaps, i+1, rest)
		return true, len(t.gaps) <= maxGaps || t.useBlocks(m)
	}
	return true, true
}

// useBlocks stores the gaps as blocks. It returns false if there is no memory for that.
func (t *track) useBlocks(m *memory) bool {
	t.blocks = make(map[uint64]*block)
	for _, g := range t.gaps {
		if !t.set(g, m) {
			return false
		}
	}
	m.give(cap(t.gaps) * int(unsafe.Sizeof(gap{})))
	t.gaps = nil
	return true
}

// set sets the bits of g. It returns false if there is no memory for that.
func (t *track) set(g gap, m *memory) bool {
	for from := g.from; from < g.to; {
		n := from / blockSize
		p := t.blocks[n]
		if p == nil {
			if p, t.spare = t.spare, nil; p == nil {
				if !m.take(int(unsafe.Sizeof(block{})) + mapEntry) {
					return false
				}
				p = new(block)
			}
			t.blocks[n] = p
		}
		to := min(g.to, (n+1)*blockSize)
		p.missing += int(to - from)
		for ; from < to; from++ {
			if from%64 == 0 && to-from >= 64 {
				p.bits[from%blockSize/64] = ^uint64(0)
				from += 63
				continue
			}
			p.bits[from%blockSize/64] |= 1 << (from % 64)
		}
	}
	return true
}

// clear clears the bit of seq and reports whether it was set.
func (t *track) clear(seq uint64, m *memory) bool {
	p := t.blocks[seq/blockSize]
	if p == nil {
		return false
	}
	word, bit := &p.bits[seq%blockSize/64], uint64(1)<<(seq%64)
	if *word&bit == 0 {
		return false
	}
	*word &^= bit
	if p.missing--; p.missing > 0 {
		return true
	}
	delete(t.blocks, seq/blockSize)
	if t.spare == nil {
		t.spare = p
	} else {
		m.give(int(unsafe.Sizeof(block{})) + mapEntry)
	}
	return true
}

// forget gives all memory back. The track is blind from now on.
func (t *track) forget(m *memory) {
	blocks := len(t.blocks)
	if t.spare != nil {
		blocks++
	}
	m.give(cap(t.gaps)*int(unsafe.Sizeof(gap{})) + blocks*(int(unsafe.Sizeof(block{}))+mapEntry))
	t.gaps, t.blocks, t.spare, t.blind = nil, nil, nil, true
}

// each calls f for each range of missing sequences. Ranges of one block ascend.
func (t *track) each(f func(g gap)) {
	for _, g := range t.gaps {
		f(g)
	}
	for n, p := range t.blocks {
		for i, word := range p.bits {
			for word != 0 {
				low := bits.TrailingZeros64(word)
				length := bits.TrailingZeros64(^(word >> low))
				from := n*blockSize + uint64(i*64+low)
				f(gap{from, from + uint64(length)})
				if low+length == 64 {
					break
				}
				word = word >> (low + length) << (low + length)
			}
		}
	}
}
