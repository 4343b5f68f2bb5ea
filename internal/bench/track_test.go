package bench

import (
	"math/rand/v2"
	"testing"
	"unsafe"
)

// TestTrack compares a track with a record of all sequences, with few gaps and with many.
func TestTrack(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(3, 4))
	for round := range 60 {
		n := 400
		if round%3 == 0 {
			n = 100_000 // more than a block
		}
		var k track
		m := newMemory(trackMemory)
		came := map[uint64]bool{}
		highest := int64(-1)
		var got, want [outcomes]int
		for i := range uint64(n) {
			for _, seq := range []uint64{i, uint64(rnd.IntN(int(i) + 1)), i + uint64(rnd.IntN(5)), i * 3} {
				if rnd.IntN(3) == 0 {
					continue
				}
				switch {
				case came[seq]:
					want[duplicate]++
				case int64(seq) < highest:
					want[late]++
				default:
					want[inOrder]++
				}
				came[seq] = true
				highest = max(highest, int64(seq))
				got[k.record(seq, m)]++
			}
		}
		if got != want || int(k.unique) != len(came) {
			t.Fatalf("round %d: outcomes %v, want %v; unique %d, want %d", round, got, want, k.unique, len(came))
		}
		missing := uint64(0)
		k.each(func(g gap) {
			for seq := g.from; seq < g.to; seq++ {
				if came[seq] {
					t.Fatalf("round %d: %d is missing and was received", round, seq)
				}
				missing++
			}
		})
		if missing+k.unique != k.next {
			t.Fatalf("round %d: %d missing, %d received, of %d", round, missing, k.unique, k.next)
		}
	}
}

// TestTrackOfAnyDisorder records sequences in orders with many gaps. Each was sent once, so
// none is a duplicate and none is missing.
func TestTrackOfAnyDisorder(t *testing.T) {
	t.Parallel()
	const n = 300_000
	backward := make([]uint64, n)
	for i := range backward {
		backward[i] = uint64(n - 1 - i)
	}
	evenThenOdd := make([]uint64, 0, n)
	for i := range uint64(n) {
		evenThenOdd = append(evenThenOdd, i*2%n+i*2/n)
	}
	shuffled := rand.New(rand.NewPCG(5, 6)).Perm(n)
	random := make([]uint64, n)
	for i, x := range shuffled {
		random[i] = uint64(x)
	}
	for name, order := range map[string][]uint64{"backward": backward, "even then odd": evenThenOdd, "random": random} {
		var k track
		m := newMemory(trackMemory)
		for i, seq := range order {
			if out := k.record(seq, m); !out.first() {
				t.Fatalf("%s: message %d with sequence %d: outcome %d", name, i, seq, out)
			}
		}
		if k.unique != n || k.next != n || len(k.gaps)+len(k.blocks) != 0 {
			t.Errorf("%s: %d of %d received, %d gaps, %d blocks", name, k.unique, k.next, len(k.gaps), len(k.blocks))
		}
		for _, seq := range order {
			if out := k.record(seq, m); out != duplicate {
				t.Fatalf("%s: sequence %d again: outcome %d", name, seq, out)
			}
		}
		k.forget(m)
		if left := m.left.Load(); left != trackMemory {
			t.Errorf("%s: %d bytes are not given back", name, trackMemory-left)
		}
	}
}

// TestTrackIsBounded checks that a track without memory says that it does not know, and
// gives all its memory back.
func TestTrackIsBounded(t *testing.T) {
	const blocks = 4
	m := newMemory(blocks * (int64(unsafe.Sizeof(block{})) + mapEntry))
	var k track
	var got [outcomes]int
	for n := range uint64(10 * blockSize) {
		if n%3 != 0 {
			got[k.record(n, m)]++
		}
	}
	if got[unknown] == 0 || got[duplicate]+got[late] != 0 || !k.blind || int(k.unique) != got[inOrder] {
		t.Errorf("outcomes %v, %d unique", got, k.unique)
	}
	if left := m.left.Load(); left != blocks*(int64(unsafe.Sizeof(block{}))+mapEntry) {
		t.Errorf("%d bytes are left", left)
	}
	l := &receipts{memory: newMemory(3 * (int64(unsafe.Sizeof(track{})) + mapEntry))}
	for publisher := range uint32(1000) { // a server invents publishers
		l.record(publisher, 0)
	}
	if len(l.tracks) != 3 {
		t.Errorf("%d tracks", len(l.tracks))
	}
	if out := l.record(7, 1<<60); out != unknown {
		t.Errorf("an invented sequence: %d", out)
	}
}

// BenchmarkTrack records messages in order, and as the members of a shared subscription
// receive them.
func BenchmarkTrack(b *testing.B) {
	for name, shuffle := range map[string]uint64{"order": 0, "disorder": 1023} {
		b.Run(name, func(b *testing.B) {
			l := &receipts{memory: newMemory(trackMemory)}
			for n := range uint64(b.N) {
				l.record(1, n^shuffle)
			}
		})
	}
}
