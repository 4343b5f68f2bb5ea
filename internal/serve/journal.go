package serve

import (
	"io"
	"sync"
	"time"
)

// Journal is the writer of a server's log. A reader that has stopped must not stop the goroutines that log, which
// serve clients. The journal waits journalWait for one line; until that line is written, it drops the following
// lines and counts them.
type Journal struct {
	W      io.Writer
	Missed func(w io.Writer, lines int) // writes how many lines were dropped

	mu      sync.Mutex
	stuck   chan struct{} // closed when the stuck line is written; nil if none is stuck
	dropped int           // lines dropped
}

// journalWait is how long one line may take.
const journalWait = 100 * time.Millisecond

// Write writes one line. It does not keep b.
func (j *Journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.stuck != nil {
		select {
		case <-j.stuck:
			j.stuck = nil
		default:
			j.dropped++
			return len(b), nil
		}
	}
	line, left := append([]byte(nil), b...), j.dropped
	through := make(chan struct{})
	go func() { // ends when the line is written, or with the process
		defer close(through)
		if left > 0 {
			j.Missed(j.W, left)
		}
		j.W.Write(line)
	}()
	j.dropped = 0
	late := time.NewTimer(journalWait)
	defer late.Stop()
	select {
	case <-through:
	case <-late.C:
		j.stuck = through
	}
	return len(b), nil
}
