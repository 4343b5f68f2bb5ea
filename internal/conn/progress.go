package conn

import (
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"
)

// stalledError reports that the server took nothing of what was written for as long as after.
type stalledError struct{ after time.Duration }

// Error has the time in seconds.
func (e *stalledError) Error() string {
	return fmt.Sprintf("the server read nothing for %.3g s", e.after.Seconds())
}

// rawSocket returns the socket below nc, which may be TLS or a WebSocket. It returns nil if there is
// none.
func rawSocket(nc net.Conn) syscall.RawConn {
	for {
		if s, ok := nc.(syscall.Conn); ok {
			raw, err := s.SyscallConn()
			if err != nil {
				return nil
			}
			return raw
		}
		below, ok := nc.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		nc = below.NetConn()
	}
}

// unacked returns the number of bytes in the socket's send queue that the server has not taken, and
// -1 if that is unknown. A write says nothing of the kind: the system takes megabytes at once, and
// then none until a large part of them has gone.
func (s *source) unacked() int {
	if s.socket == nil {
		return -1
	}
	n := -1
	s.socket.Control(func(fd uintptr) { n = sendQueue(fd) })
	return n
}

// stall watches over one write that blocks: it ends the write when the server has taken nothing for
// as long as limit. The timer's goroutine is ended by stop.
type stall struct {
	src   *source
	limit time.Duration
	timer *time.Timer

	mu      sync.Mutex
	over    bool // the write has ended
	stalled bool // it was ended by the stall
	queue   int  // the last result of unacked
	since   time.Time
}

// looks is how often a stall looks at the queue within its limit.
const looks = 8

func newStall(src *source, limit time.Duration) *stall {
	w := &stall{src: src, limit: limit, queue: src.unacked(), since: time.Now()}
	w.mu.Lock()
	defer w.mu.Unlock() // look may be called before timer is set
	w.timer = time.AfterFunc(limit/looks, w.look)
	return w
}

func (w *stall) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return
	}
	now := time.Now()
	if queue := w.src.unacked(); queue != w.queue {
		w.queue, w.since = queue, now
	}
	if now.Sub(w.since) >= w.limit {
		w.stalled = true
		w.src.nc.SetWriteDeadline(past)
		return
	}
	w.timer.Reset(min(w.limit/looks, w.limit-now.Sub(w.since)))
}

// stop ends the watch and reports whether it has ended the write.
func (w *stall) stop() (stalled bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.timer.Stop()
	return w.stalled
}
