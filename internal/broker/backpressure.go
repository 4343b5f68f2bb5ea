package broker

import (
	"time"

	"mqtt/internal/proto"
)

// This file decides how publishers wait for slow subscribers.
//
// A client is backlogged from Options.HighWater buffered bytes, or from softQueue queued messages.
// Clients that publish to it wait: after the batch that made it backlogged their connections are
// not read, and TCP slows them down. So no message at QoS 0 is lost when a publisher is faster than
// its subscriber.
//
// Two rules limit the wait. A subscriber that reads nothing for Options.Patience is lagging. A
// subscriber for which others wait is lagging, too, when the publisher has used up its credit.
// Credit is the time for which a publisher may wait while most of the topic's healthy subscribers
// have nothing to read. It is at most Patience and is restored at a twentieth of real time, so all
// slow readers together cost the others one second, and a twentieth of the time after that.
//
// No publisher waits for a lagging subscriber. At QoS 0 it misses messages, which are counted. At
// QoS 1 and 2 its queue grows up to its limit. It stops lagging when its output is at most half of
// HighWater and its queue at most half of softQueue.

// backlogged reports whether publishers should wait for c. session.mu is held.
func (c *client) backlogged() bool {
	return c.out.n >= c.b.opt.HighWater || c.s.queue.n >= softQueue
}

// moment returns t by the monotonic clock, in nanoseconds since Broker.since, and never 0. A jump
// of the wall clock must not shorten or prolong a wait.
func (b *Broker) moment(t time.Time) int64 { return int64(t.Sub(b.since)) + 1 }

// noteProgress notes that the client has read something. session.mu is held.
func (c *client) noteProgress() {
	c.moved++
	c.movedAt = c.b.moment(time.Now())
	if c.backloggedSince != 0 {
		c.backloggedSince = c.movedAt
	}
}

// resumePublishers wakes waiting publishers when there is room again. session.mu is held.
func (c *client) resumePublishers() {
	if c.out.n > c.b.opt.HighWater/2 {
		return
	}
	if c.s.queue.n <= softQueue/2 {
		c.lagging, c.backloggedSince = false, 0
	}
	if len(c.waiters) > 0 {
		c.releaseWaiters()
	}
}

// currentCredit returns the publisher's credit at the time now.
func (c *client) currentCredit(now time.Time) time.Duration {
	if c.creditAt.IsZero() {
		c.credit = c.b.opt.Patience
	} else {
		c.credit = min(c.b.opt.Patience, c.credit+now.Sub(c.creditAt)/20)
	}
	c.creditAt = now
	return c.credit
}

// blockPublisher makes the client p, which published by route rt, wait for c. rt is nil for
// retained messages that p itself asked for.
func (c *client) blockPublisher(p *client, rt *route) {
	p.waiting.Store(true)
	defer p.waiting.Store(false)
	var timer *time.Timer
	for began := time.Now(); ; {
		room, pause := c.addWaiter(p, rt, began)
		if room == nil {
			return
		}
		if timer == nil {
			timer = time.NewTimer(pause)
			defer timer.Stop()
		} else {
			timer.Reset(pause)
		}
		select {
		case <-room:
		case <-timer.C:
		case <-p.dying:
			return
		}
		now := time.Now()
		outOfCredit := false
		if rt.othersIdle(c, c.b.moment(began)) {
			p.currentCredit(now)
			p.credit -= now.Sub(began)
			outOfCredit = p.credit <= 0
		}
		c.endWait(room, now, outOfCredit)
		began = now
	}
}

// addWaiter adds p to the publishers that wait for c, and returns the longest time to wait. room is
// nil if p need not or must not wait.
func (c *client) addWaiter(p *client, rt *route, now time.Time) (room chan struct{}, pause time.Duration) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	// While p waits, its own acknowledgements are not read. If c waits, too, the two might wait for
	// each other.
	queueing := s.queue.n >= softQueue
	if s.client != c || c.closing || c.lagging || !c.backlogged() || queueing && (c == p || c.waiting.Load()) {
		return nil, 0
	}
	if c.backloggedSince == 0 {
		c.backloggedSince = c.b.moment(now) // it was not backlogged for a moment since the batch noticed it
	}
	room = make(chan struct{})
	c.waiters = append(c.waiters, room)
	pause = c.b.opt.Patience - time.Duration(c.b.moment(now)-c.backloggedSince)
	if rt != nil && len(rt.targets) > 1 {
		pause = min(pause, p.currentCredit(now))
	}
	if queueing {
		pause = min(pause, 10*time.Millisecond) // to check again whether c waits
	}
	return room, max(pause, time.Millisecond)
}

// endWait ends a wait for c, and decides whether c is lagging from now on.
func (c *client) endWait(room chan struct{}, now time.Time, outOfCredit bool) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	for i := range c.waiters {
		if c.waiters[i] == room {
			c.waiters = append(c.waiters[:i], c.waiters[i+1:]...)
			break
		}
	}
	if !c.backlogged() {
		return
	}
	if outOfCredit || c.backloggedSince != 0 && c.b.moment(now)-c.backloggedSince >= int64(c.b.opt.Patience) {
		c.lagging = true
		c.releaseWaiters()
	}
}

// othersIdle reports whether most of the route's other subscribers have nothing left to read, so
// that waiting for c delays them. It ignores subscribers that are slow themselves or have read
// nothing since the wait began. It looks at no more than 64 healthy subscribers.
func (rt *route) othersIdle(c *client, began int64) bool {
	if rt == nil {
		return false
	}
	healthy, empty := 0, 0
	for i := range rt.targets {
		s := rt.targets[i].s
		if s == c.s {
			continue
		}
		s.mu.Lock()
		if o := s.client; o != nil && !o.closing && !o.lagging && !o.backlogged() {
			switch {
			case o.out.n == 0 && !o.awake && s.queue.n == 0 && s.sender.Pending() == 0:
				healthy++
				empty++
			case o.movedAt > began:
				healthy++
			}
		}
		s.mu.Unlock()
		if healthy == 64 || i == 1000 {
			break
		}
	}
	return 2*empty > healthy
}

// awaitReader makes a client wait that does not read the replies to its packets: replies cannot be
// dropped, and must not accumulate. It returns an error if the client reads nothing for a minute.
func (c *client) awaitReader() error {
	const most = time.Minute
	timer := time.NewTimer(most)
	defer timer.Stop()
	late := false
	for {
		c.s.mu.Lock()
		if c.closing || c.out.n <= c.b.opt.HighWater/2 {
			c.s.mu.Unlock()
			return nil
		}
		moved := c.moved
		room := make(chan struct{})
		c.waiters = append(c.waiters, room)
		c.s.mu.Unlock()
		select {
		case <-room:
		case <-c.dying:
			return nil // the next read returns the reason
		case <-timer.C:
			c.s.mu.Lock()
			stuck := c.moved == moved
			c.s.mu.Unlock()
			switch {
			case !stuck:
				late = false
				timer.Reset(most)
			case late:
				return disconnectError(proto.QuotaExceeded, "the client does not read its replies")
			default: // the whole process may have been suspended: give the client one more second
				late = true
				timer.Reset(time.Second)
			}
		}
	}
}
