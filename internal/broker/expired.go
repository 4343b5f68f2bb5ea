package broker

import (
	"maps"
	"slices"
	"time"
)

// What has expired makes room before anything is refused for want of it: among retained messages
// (see reserve), in the queue that is full, and everywhere once little memory is left.

const (
	sweepPause = 100 * time.Millisecond // between two looks at all messages of a queue
	clearPause = time.Second            // between two looks at all queues, while memory is short
)

// sweep drops messages that have expired from the queue, and reports whether there were any. It
// looks at all of them, but not more often than once in sweepPause. s.mu is held.
func (s *session) dropExpired(now int64, count *tally) bool {
	q := &s.queue
	if q.soonest == 0 || now < q.soonest || now-s.sweptAt < int64(sweepPause) {
		return false
	}
	s.sweptAt = now
	before := q.n
	q.soonest = 0 // push finds it anew
	q.removeIf(func(h *delivery) bool {
		if !h.m.expired(now) {
			return false
		}
		count.drop(s, h.m, 1, whyExpired)
		gone := *h
		s.completed(&gone)
		return true
	})
	s.charge()
	return q.n < before
}

// memoryShort notes that little memory is left: what has expired is dropped from then on, until there
// is more.
func (b *Broker) startClearing() {
	if b.clearingActive.Load() || !b.clearingActive.CompareAndSwap(false, true) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.clearing = time.AfterFunc(clearPause, b.clearExpired) // Close stops it
	}
}

// isShort reports whether so little memory is left for messages that memoryShort is due.
func (b *Broker) memoryLow(left int64) bool { return left < b.opt.Memory/4 }

// clearExpired drops everything that has expired, and comes again when something else has.
func (b *Broker) clearExpired() {
	next := b.clearRetained()
	b.mu.Lock()
	sessions := slices.Collect(maps.Values(b.sessions))
	b.mu.Unlock()
	for some := range slices.Chunk(sessions, passAtOnce) {
		if b.isClosed() {
			return
		}
		bt := b.batch(nil)
		for _, s := range some {
			s.mu.Lock()
			s.dropExpired(bt.time(), &bt.count)
			if at := s.queue.soonest; at != 0 && (next == 0 || at < next) {
				next = at
			}
			s.mu.Unlock()
		}
		bt.finish()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
	case next != 0 && b.memoryLow(b.available(forBacklog, true)):
		b.clearing.Reset(max(clearPause, time.Until(time.Unix(0, next))))
	default:
		b.clearingActive.Store(false)
	}
}

// clearRetained drops the retained messages that have expired, in steps, and returns when the next
// one does, 0 if none does.
func (b *Broker) clearRetained() (next int64) {
	r := &b.retained
	for more := true; more && !b.isClosed(); {
		bt := b.batch(nil)
		r.mu.Lock()
		before, count := r.bytes, r.count
		r.expire(bt.time(), expiredAtOnce, b.dropRetained)
		more = r.count < count
		next = 0
		if at, ok := r.expiring.Min(); ok {
			next = at.m.Expires
		}
		b.countRetained(before)
		r.mu.Unlock()
		bt.finish()
	}
	return next
}
