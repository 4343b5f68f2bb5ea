package broker

import (
	"sync"
	"time"
)

// rate lets so many events through a second, and a second's worth at once.
type rate struct {
	each float64 // 0 is no limit

	mu   sync.Mutex
	have float64
	at   time.Time
}

func (r *rate) allow(now time.Time) bool {
	if r.each <= 0 {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	most := max(1, r.each)
	if r.at.IsZero() {
		r.have = most
	} else {
		r.have = min(most, r.have+now.Sub(r.at).Seconds()*r.each)
	}
	r.at = now
	if r.have < 1 {
		return false
	}
	r.have--
	return true
}
