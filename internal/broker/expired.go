package broker

import (
	"maps"
	"slices"
	"time"
)

// Expired messages are dropped before anything is refused for lack of room: among retained messages
// (see reserve), in a queue that is full, and everywhere once memory is low.

const (
	sweepPause = 100 * time.Millisecond // between two scans of one queue
	clearPause = time.Second            // between two scans of all queues, while memory is low
)

// dropExpired drops the expired messages of the queue, and reports whether there were any. It scans
// the whole queue, but at most once in sweepPause. s.mu is held.
func (s *session) dropExpired(now int64, count *tally) bool {
	q := &s.queue
	if q.soonest == 0 || now < q.soonest || now-s.sweptAt < int64(sweepPause) {
		return false
	}
	s.sweptAt = now
	before := q.n
	q.soonest = 0 // push sets it again
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

// startClearing starts to drop expired messages periodically, because memory is low. It stops when
// there is enough memory.
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

// memoryLow reports whether so little memory is left for messages that startClearing is due.
func (b *Broker) memoryLow(left int64) bool { return left < b.opt.Memory/4 }

// clearExpired drops all expired messages, and schedules itself for the next message that expires.
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

// clearRetained drops the expired retained messages, in steps. It returns the time when the next
// one expires, 0 if none does.
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
