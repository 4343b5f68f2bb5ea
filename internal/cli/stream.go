package cli

import (
	"io"
	"os"
	"sync/atomic"
	"time"
)

// A Stream is stdout or stderr. It counts its writes, so that Stuck can tell whether one blocks:
// the reader of a pipe may have stopped, or a terminal may be held by Ctrl-S, and nothing else
// ends such a write.
type Stream struct {
	File *os.File

	started, finished atomic.Uint64
}

// Write writes b in chunks, so that a slow reader is not taken for one that has stopped.
func (s *Stream) Write(b []byte) (n int, err error) {
	for {
		chunk := b[n:min(len(b), n+OutputBuffer)]
		s.started.Add(1)
		m, err := s.File.Write(chunk)
		s.finished.Add(1)
		n += m
		if err != nil || n == len(b) {
			return n, err
		}
	}
}

// Fd returns the file descriptor, for those who ask for the size of a terminal.
func (s *Stream) Fd() uintptr { return s.File.Fd() }

// Inherit returns w as a started program gets it: the file itself, not a pipe to this process.
func Inherit(w io.Writer) io.Writer {
	if s, ok := w.(*Stream); ok {
		return s.File
	}
	return w
}

// StuckAfter is how long a write may block after a signal.
const StuckAfter = time.Second

// Stuck returns a function that reports whether a write that was in progress at its previous call
// still is.
func Stuck(all ...*Stream) func() bool {
	before := make([]uint64, len(all)) // the number of the write in progress, 0 for none
	return func() bool {
		stuck := false
		for i, s := range all {
			finished := s.finished.Load()
			var now uint64
			if s.started.Load() != finished {
				now = finished + 1
			}
			stuck = stuck || now != 0 && now == before[i]
			before[i] = now
		}
		return stuck
	}
}
