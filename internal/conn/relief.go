package conn

import (
	"errors"
	"os"
	"sync/atomic"
	"time"
)

const (
	reliefDelay = 20 * time.Millisecond // how long a write may wait before relief reads
	reliefMax   = 4 << 20               // bytes that relief buffers
)

// relief reads while a write is stuck, so that two peers that both write first do not block each
// other. Its goroutine is started by the timer of start, and ended by stop.
type relief struct {
	c       *Conn
	timer   *time.Timer
	stopped atomic.Bool // stop was called
	done    chan struct{}
}

func newRelief(c *Conn) *relief {
	r := &relief{c: c, done: make(chan struct{}, 1)}
	r.timer = time.AfterFunc(time.Hour, r.read)
	r.timer.Stop()
	return r
}

// start is called before a write.
func (r *relief) start() { r.timer.Reset(reliefDelay) }

// stop is called after the write. It waits for the goroutine if that has started.
func (r *relief) stop() {
	if r.timer.Stop() {
		return
	}
	r.stopped.Store(true)
	r.c.src.invalidate()
	r.c.nc.SetReadDeadline(past)
	<-r.done
	r.stopped.Store(false)
}

// read fills the Reader up to reliefMax, or until stop. It runs while the owner is blocked in
// Write, and uses only the Reader and the stream.
func (r *relief) read() {
	c := r.c
	c.src.poll(false, time.Time{})
	for c.r.Len() < reliefMax {
		c.nc.SetReadDeadline(time.Time{}) // before stopped is read, so that stop is not missed
		if r.stopped.Load() {
			break
		}
		if err := c.r.Fill(); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			break // the owner gets this error too
		}
	}
	r.done <- struct{}{}
}
