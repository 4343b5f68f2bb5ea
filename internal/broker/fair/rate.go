package fair

import (
	"context"
	"math"
	"sync"
	"time"
)

// Rate limits how many requests are served in a second, and lets as many as that come at once. Of
// the rate each party that has sent requests lately may have an equal share. A party below its share
// waits for its turn when the rate is used up; a party that has had its share is refused at once.
// Its methods may be called from many goroutines.
type Rate struct {
	each float64 // requests a second; 0 means no limit

	mu     sync.Mutex
	have   float64 // requests that may be served now
	at     time.Time
	used   map[Key]use
	pruned time.Time
	queue  queue
	timer  *time.Timer
}

// use counts a party's requests of about the last second, including those that wait.
type use struct {
	n  float64 // at the time at; it decays
	at time.Time
}

func (u use) now(now time.Time) float64 {
	return u.n * math.Exp(-now.Sub(u.at).Seconds()/usedFor.Seconds())
}

const (
	usedFor    = time.Second            // the time constant with which a use decays
	leastUsed  = 0.05                   // below this a party has sent nothing lately
	pruneEvery = 100 * time.Millisecond // a look at all parties is too much for each request
	rateWait   = 5 * time.Second        // the longest wait
)

// NewRate returns a limit of each requests a second. 0 means no limit.
func NewRate(each float64) *Rate { return &Rate{each: each, used: make(map[Key]use)} }

// Take waits for the turn of a request and reports whether it came. It does not wait where the rate
// is not used up, and where k has had its share.
func (r *Rate) Take(ctx context.Context, k Key) bool {
	if r.each <= 0 {
		return true
	}
	r.mu.Lock()
	now := time.Now()
	r.refresh(now)
	used := r.used[k].now(now)
	if r.have >= 1 && r.queue.n == 0 {
		r.have--
		r.used[k] = use{used + 1, now}
		r.mu.Unlock()
		return true
	}
	if used+1 > r.share(k) || float64(r.queue.n+1) > r.each*rateWait.Seconds() {
		r.mu.Unlock()
		return false
	}
	w := &wait{key: k, done: make(chan bool, 1)}
	r.used[k] = use{used + 1, now}
	r.queue.push(w)
	r.arm()
	r.mu.Unlock()
	select {
	case <-w.done:
		return true
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.queue.remove(w) {
		now := time.Now()
		r.used[k] = use{max(0, r.used[k].now(now)-1), now}
	}
	return false
}

// share returns how many requests a second k may have now. r.mu is held.
func (r *Rate) share(k Key) float64 {
	parties := len(r.used)
	if _, ok := r.used[k]; !ok {
		parties++
	}
	return max(1, r.each/float64(parties))
}

// refresh brings the counts up to date. r.mu is held.
func (r *Rate) refresh(now time.Time) {
	most := max(1, r.each)
	if r.at.IsZero() {
		r.have = most
	} else {
		r.have = min(most, r.have+now.Sub(r.at).Seconds()*r.each)
	}
	r.at = now
	if now.Sub(r.pruned) < pruneEvery {
		return
	}
	r.pruned = now
	for k, u := range r.used {
		if u.now(now) < leastUsed {
			delete(r.used, k)
		}
	}
}

// arm has serve called when the next request may be served. r.mu is held.
func (r *Rate) arm() {
	wait := time.Duration((1 - r.have) / r.each * float64(time.Second))
	if wait = max(wait, 0) + time.Microsecond; r.timer == nil {
		r.timer = time.AfterFunc(wait, r.serve)
		return
	}
	r.timer.Reset(wait)
}

// serve serves the requests for which there is room.
func (r *Rate) serve() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refresh(time.Now())
	for r.have >= 1 {
		w := r.queue.pop()
		if w == nil {
			return
		}
		r.have--
		w.done <- true
	}
	if r.queue.n > 0 {
		r.arm()
	}
}
