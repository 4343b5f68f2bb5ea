package bench

import (
	"slices"
	"sync"
)

// maxGaps bounds what is remembered of one publisher by one subscriber.
const maxGaps = 512

// gap is a range of sequences that did not come: from from up to but not to.
type gap struct{ from, to uint64 }

// track follows the sequences of one publisher at one subscriber. What did not come
// is a list of gaps, so memory grows with the disorder and not with the messages.
type track struct {
	next   uint64 // one more than the highest that came
	floor  uint64 // gaps below were given up
	unique uint64
	gaps   []gap // ascending
}

// outcome is what a sequence turned out to be.
type outcome int

const (
	inOrder outcome = iota
	late            // behind a later one
	again           // a repeat
	blurred         // so old that it is taken for a repeat, but may be late
)

// take notes that seq came.
func (t *track) take(seq uint64) outcome {
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
			return blurred
		}
		return again
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

// ledger is what one subscriber, or one shared group, got of each publisher.
type ledger struct {
	mu     sync.Mutex // of a group; a subscriber's own is never contended
	tracks map[uint32]*track
	last   *track
	who    uint32
	unique uint64
}

// take notes a message.
func (l *ledger) take(publisher uint32, seq uint64) outcome {
	t := l.last
	if t == nil || l.who != publisher {
		if t = l.tracks[publisher]; t == nil {
			if l.tracks == nil {
				l.tracks = make(map[uint32]*track)
			}
			t = new(track)
			l.tracks[publisher] = t
		}
		l.last, l.who = t, publisher
	}
	out := t.take(seq)
	if out <= late {
		l.unique++
	}
	return out
}
