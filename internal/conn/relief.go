package conn

import (
	"errors"
	"os"
	"sync/atomic"
	"time"
)

// relief reads while a write is stuck, so that two sides that both write first do
// not lock each other. Its goroutine is started by the timer that arm sets, and
// ended by disarm before the owner goes on.
type relief struct {
	c     *Conn
	timer *time.Timer
	ended atomic.Bool // disarm was called
	over  chan struct{}
}

func newRelief(c *Conn) *relief {
	r := &relief{c: c, over: make(chan struct{}, 1)}
	r.timer = time.AfterFunc(time.Hour, r.read)
	r.timer.Stop()
	return r
}

// arm comes before a write.
func (r *relief) arm() { r.timer.Reset(stuck) }

// disarm comes after it, and waits for a reader that has begun.
func (r *relief) disarm() {
	if r.timer.Stop() {
		return
	}
	r.ended.Store(true)
	r.c.src.forget()
	r.c.nc.SetReadDeadline(past)
	<-r.over
	r.ended.Store(false)
}

// read takes in what comes, up to a bound, until disarm. It runs while the owner is
// inside Write, and touches nothing but the Reader.
func (r *relief) read() {
	c := r.c
	c.src.look(false, time.Time{})
	for c.r.Len() < reliefMax {
		c.nc.SetReadDeadline(time.Time{}) // the deadline first, then the flag
		if r.ended.Load() {
			break
		}
		if err := c.r.Fill(); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			break // the owner will meet it too
		}
	}
	r.over <- struct{}{}
}
