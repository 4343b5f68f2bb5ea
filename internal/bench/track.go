package bench

import (
	"slices"
	"sync"
)

// maxGaps is the maximum number of gaps of a track.
const maxGaps = 512

// gap is the range of sequences from from to before to, none of which was received.
type gap struct{ from, to uint64 }

// track records which sequences of a publisher a subscriber has received. It stores the
// gaps, so that its size depends on the disorder and not on the number of messages.
type track struct {
	next   uint64 // one more than the highest sequence received
	floor  uint64 // gaps below it were forgotten
	unique uint64 // sequences received
	gaps   []gap  // ascending
}

// outcome says what kind of message a sequence was.
type outcome int

const (
	inOrder   outcome = iota
	late              // after a later one
	duplicate         // received before
	ambiguous         // below floor: counted as a duplicate, but may be late
)

// record records that seq was received.
func (t *track) record(seq uint64) outcome {
	if seq == t.next {
		t.next++
		t.unique++
		return inOrder
	}
	if seq > t.next {
		t.gaps = append(t.gaps, gap{t.next, seq})
		t.next = seq + 1
		t.unique++
		if len(t.gaps) > maxGaps {
			t.floor = t.gaps[0].to
			t.gaps = slices.Delete(t.gaps, 0, 1)
		}
		return inOrder
	}
	i, ok := slices.BinarySearchFunc(t.gaps, seq, func(g gap, seq uint64) int {
		switch {
		case g.to <= seq:
			return -1
		case g.from > seq:
			return 1
		}
		return 0
	})
	if !ok {
		if seq < t.floor {
			return ambiguous
		}
		return duplicate
	}
	t.unique++
	switch g := &t.gaps[i]; {
	case g.from == seq && g.to == seq+1:
		t.gaps = slices.Delete(t.gaps, i, i+1)
	case g.from == seq:
		g.from++
	case g.to == seq+1:
		g.to--
	default:
		rest := gap{seq + 1, g.to}
		g.to = seq
		t.gaps = slices.Insert(t.gaps, i+1, rest)
	}
	return late
}

// receipts has the tracks of all publishers for a subscriber, or for a shared subscription.
type receipts struct {
	mu        sync.Mutex // for shared subscriptions
	tracks    map[uint32]*track
	last      *track // of publisher
	publisher uint32
	unique    uint64 // messages without duplicates
}

// record records that message seq of a publisher was received.
func (l *receipts) record(publisher uint32, seq uint64) outcome {
	t := l.last
	if t == nil || l.publisher != publisher {
		if t = l.tracks[publisher]; t == nil {
			if l.tracks == nil {
				l.tracks = make(map[uint32]*track)
			}
			t = new(track)
			l.tracks[publisher] = t
		}
		l.last, l.publisher = t, publisher
	}
	out := t.record(seq)
	if out <= late {
		l.unique++
	}
	return out
}
