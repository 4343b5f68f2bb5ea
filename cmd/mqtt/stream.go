package main

import (
	"io"
	"os"
	"sync/atomic"
	"time"
)

// stream is stdout or stderr. It counts its writes, so that a signal can tell one that is stuck: the reader of a pipe may
// have stopped, a terminal may be at Ctrl-S, and nothing else ends such a write.
type stream struct {
	f            *os.File
	begun, ended atomic.Uint64
}

// Write writes a long text in pieces, so that a slow reader is not taken for one that has stopped.
func (s *stream) Write(b []byte) (n int, err error) {
	for {
		piece := b[n:min(len(b), n+outputBuffer)]
		s.begun.Add(1)
		m, err := s.f.Write(piece)
		s.ended.Add(1)
		n += m
		if err != nil || n == len(b) {
			return n, err
		}
	}
}

// Fd is for those who ask the size of a terminal.
func (s *stream) Fd() uintptr { return s.f.Fd() }

// inherited is w as a command of the user's may have it: the file itself, not a pipe to us.
func inherited(w io.Writer) io.Writer {
	if s, ok := w.(*stream); ok {
		return s.f
	}
	return w
}

// stuckAfter is how long a write may last after a signal.
const stuckAfter = time.Second

// stuck tells, each time that it is asked, whether the same write is under way as the time before.
func stuck(all ...*stream) func() bool {
	before := make([]uint64, len(all)) // the number of the write, 0 for none
	return func() bool {
		is := false
		for i, s := range all {
			ended := s.ended.Load()
			var now uint64
			if s.begun.Load() != ended {
				now = ended + 1
			}
			is = is || now != 0 && now == before[i]
			before[i] = now
		}
		return is
	}
}
