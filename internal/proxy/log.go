package proxy

import (
	"errors"
	"io"
	"sync"
	"time"
)

// mostQueued is how many bytes wait for the writer of a Log before its sources wait, too.
const mostQueued = 1 << 20

// ErrStuck is the error of a Log whose writer did not finish in time.
var ErrStuck = errors.New("it takes no more")

// Log writes what many goroutines append, from one goroutine of its own: what comes while a write is
// in progress is one write then. It is safe for concurrent use.
type Log struct {
	w    io.Writer
	fail func(error) // called once, when a write has failed

	mu      sync.Mutex
	changed sync.Cond
	queue   []byte
	spare   []byte
	err     error // of a write; what is appended afterwards is discarded
	closing bool
	done    chan struct{}
}

// NewLog returns a Log that writes to w. fail is called when a write fails. Close ends its goroutine.
func NewLog(w io.Writer, fail func(error)) *Log {
	l := &Log{w: w, fail: fail, done: make(chan struct{})}
	l.changed.L = &l.mu
	go l.write()
	return l
}

// Append calls add, which appends to its argument. It waits while the writer is behind.
func (l *Log) Append(add func(dst []byte) []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) > mostQueued && l.err == nil && !l.closing {
		l.changed.Wait()
	}
	if l.err != nil {
		return
	}
	was := len(l.queue)
	l.queue = add(l.queue)
	if was == 0 {
		l.changed.Broadcast()
	}
}

func (l *Log) write() {
	defer close(l.done)
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for len(l.queue) == 0 && !l.closing {
			l.changed.Wait()
		}
		if len(l.queue) == 0 {
			return
		}
		b := l.queue
		l.queue = l.spare[:0]
		l.changed.Broadcast()
		l.mu.Unlock()
		_, err := l.w.Write(b)
		l.mu.Lock()
		if l.spare = b; cap(b) > 2*mostQueued {
			l.spare = nil // a very large packet
		}
		if err != nil {
			l.err, l.queue = err, nil
			l.changed.Broadcast()
			l.mu.Unlock()
			l.fail(err)
			l.mu.Lock()
			return
		}
	}
}

// Release ends all waiting in Append. What is appended afterwards is still written.
func (l *Log) Release() {
	l.mu.Lock()
	l.closing = true
	l.changed.Broadcast()
	l.mu.Unlock()
}

// Close waits until everything is written, for d at most, and returns the error of writing.
func (l *Log) Close(d time.Duration) error {
	l.Release()
	late := time.NewTimer(d)
	defer late.Stop()
	select {
	case <-l.done:
	case <-late.C:
		return ErrStuck
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}
