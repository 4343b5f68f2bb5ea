package fair

import (
	"context"
	"errors"
	"sync"
)

// ErrBusy means that too many requests of the same party, or of all parties, wait already.
var ErrBusy = errors.New("too many requests wait")

// Slots limits how many requests are served at once. A request waits for a free slot. Free slots
// go to the parties in turn, and to the users of a party in turn. Its methods may be called from
// many goroutines.
type Slots struct {
	perKey int // requests of one party that may wait
	all    int // requests that may wait

	mu    sync.Mutex
	free  int
	queue queue
}

// NewSlots returns n free slots. At most perKey requests of one party wait, and at most all of them
// together.
func NewSlots(n, perKey, all int) *Slots { return &Slots{free: n, perKey: perKey, all: all} }

// Take waits for a slot. Release must follow if the error is nil. Where too many requests wait, the
// party that has most of them loses its newest one, and within a party the user who has most: that
// request gets ErrBusy. The error is that of ctx if ctx ends first.
func (s *Slots) Take(ctx context.Context, k Key, user string) error {
	w := &wait{key: k, user: user, done: make(chan bool, 1)}
	s.mu.Lock()
	if s.free > 0 {
		s.free--
		s.mu.Unlock()
		return nil
	}
	if !s.room(k, user) {
		s.mu.Unlock()
		return ErrBusy
	}
	s.queue.push(w)
	s.mu.Unlock()
	select {
	case ok := <-w.done:
		if !ok {
			return ErrBusy
		}
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.queue.remove(w) && <-w.done {
		s.release() // the slot came at the same moment
	}
	return ctx.Err()
}

// room makes room for one more request, at the cost of another one if need be, and reports whether
// there is room. s.mu is held.
func (s *Slots) room(k Key, user string) bool {
	ofKey, ofUser := s.queue.count(k, user)
	if ofKey >= s.perKey {
		return s.evict(s.queue.keys[k], ofUser+1)
	}
	if s.queue.n < s.all {
		return true
	}
	l := s.queue.longest()
	return l != nil && l.n > ofKey+1 && s.evict(l, 0)
}

// evict refuses the newest request of the user of l who has the most, if that is more than least.
func (s *Slots) evict(l *line, least int) bool {
	w := s.queue.newest(l, least)
	if w == nil {
		return false
	}
	w.done <- false
	return true
}

// Release gives back a slot.
func (s *Slots) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release()
}

func (s *Slots) release() {
	if w := s.queue.pop(); w != nil {
		w.done <- true
		return
	}
	s.free++
}
