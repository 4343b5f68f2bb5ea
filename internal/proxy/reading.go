package proxy

import (
	"errors"
	"os"
	"time"

	"mqtt/internal/faults"
)

// keepLarge is how long a direction in which nothing comes keeps a large buffer.
const keepLarge = 50 * time.Millisecond

// read reads once.
func (l *lane) read() error {
	for {
		room := l.window.room(mostWhole)
		if room == nil {
			l.forced = true
			return nil
		}
		l.limits()
		n, err := l.from.Read(room)
		if n > 0 {
			l.window.read(n)
			l.count(n)
			l.came = time.Now()
			return nil
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			again, failed := l.expired(time.Now())
			if failed != nil {
				return failed
			}
			if again {
				continue
			}
		}
		if l.in && !l.began {
			return l.early(err)
		}
		return err
	}
}

func (l *lane) count(n int) {
	l.moved.Add(1)
	if l.in {
		l.c.bytesIn.Add(uint64(n))
	} else {
		l.c.bytesOut.Add(uint64(n))
	}
}

// expired handles a deadline of reading. again is false if the direction has to end.
func (l *lane) expired(now time.Time) (again bool, err error) {
	if l.apply.Held() && !now.Before(l.flush) {
		return true, l.release()
	}
	if l.idle.IsZero() || now.Before(l.idle) {
		return false, nil
	}
	l.window.shrink()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle = time.Time{}
	l.deadline()
	return true, nil
}

// release forwards the packet that waits for the next one.
func (l *lane) release() error {
	out := l.apply.Flush(nil)
	l.c.altered(l, out)
	return l.write(out)
}

// limits sets the deadlines of the next read: while a packet waits for the next one, and while there
// is a large buffer. Only this goroutine sets flush and idle.
func (l *lane) limits() {
	held, large := l.apply.Held(), l.window.spare()
	start := held && l.flush.IsZero()
	keep := large && l.idle.Sub(l.came) < keepLarge/2
	if !start && !keep && held == !l.flush.IsZero() && (large || l.idle.IsZero()) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !held:
		l.flush = time.Time{}
	case start:
		l.flush = time.Now().Add(faults.ReorderWait)
	}
	switch {
	case !large:
		l.idle = time.Time{}
	case keep:
		l.idle = time.Now().Add(keepLarge) // since came, a write may have waited
	}
	l.deadline()
}

// unhurried ends the deadline of the large buffer: what comes next is not read into it.
func (l *lane) unhurried() {
	if l.idle.IsZero() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle = time.Time{}
	l.deadline()
}

// limit makes the lane end after d at the latest, unless it waits for its writer.
func (l *lane) limit(d time.Duration) { l.until(time.Now().Add(d)) }

// until makes reading end at that time; the zero time means never.
func (l *lane) until(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.by = at
	l.deadline()
}

// deadline sets the nearest deadline of reading. mu is held.
func (l *lane) deadline() {
	var nearest time.Time
	for _, at := range [...]time.Time{l.by, l.flush, l.idle} {
		if nearest.IsZero() || !at.IsZero() && at.Before(nearest) {
			nearest = at
		}
	}
	l.from.SetReadDeadline(nearest)
}
