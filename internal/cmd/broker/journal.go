package broker

import (
	"io"
	"sync"
	"time"
)

// journal is where a broker logs to. A reader that has stopped must not stop those who log, which are those who serve: the line
// that is stuck is waited for once, and until it is through the lines behind it are left out, and counted.
type journal struct {
	w      io.Writer
	missed func(w io.Writer, lines int) // says how many were left out
	lock   sync.Mutex
	stuck  chan struct{} // closed when the line that is stuck is through; nil if none is
	out    int           // lines left out
}

// journalWait is how long one line may take.
const journalWait = 100 * time.Millisecond

// Write hands on one line. It keeps nothing of b.
func (j *journal) Write(b []byte) (int, error) {
	j.lock.Lock()
	defer j.lock.Unlock()
	if j.stuck != nil {
		select {
		case <-j.stuck:
			j.stuck = nil
		default:
			j.out++
			return len(b), nil
		}
	}
	line, left := append([]byte(nil), b...), j.out
	through := make(chan struct{})
	go func() { // ends when the line is written, or with the process
		defer close(through)
		if left > 0 {
			j.missed(j.w, left)
		}
		j.w.Write(line)
	}()
	j.out = 0
	late := time.NewTimer(journalWait)
	defer late.Stop()
	select {
	case <-through:
	case <-late.C:
		j.stuck = through
	}
	return len(b), nil
}
