package broker

import (
	"time"

	"mqtt/internal/proto"
)

// How slow subscribers are treated. From Options.HighWater bytes or softQueue
// messages that wait for a connection, those who publish to it wait too: their
// readers stand still after the batch that filled it, and TCP slows their clients.
// So a publisher that is faster than its subscriber loses nothing at QoS 0.
//
// That has two bounds. A subscriber that takes nothing at all for Options.Patience
// lags. And one that keeps others waiting lags when the publisher has no credit
// left: credit is time in which it may wait while most of a topic's healthy
// subscribers have nothing to read. It is Patience at most and comes back at a
// twentieth of the time, so all trickling readers together cost the others one
// second, then a twentieth. For one that lags nobody waits: at QoS 0 it misses
// messages, which are counted, at QoS 1 and 2 its queue grows to its bound. It has
// caught up when half of the high water is free again.

// crowded tells whether publishers should wait for c. session.mu is held.
func (c *client) backlogged() bool {
	return c.out.n >= c.b.opt.HighWater || c.s.queue.n >= softQueue
}

// moment is a time by the monotonic clock, in nanoseconds and never 0: a wall clock that
// jumps must not end or prolong anybody's patience.
func (b *Broker) moment(t time.Time) int64 { return int64(t.Sub(b.since)) + 1 }

// move notes that the client took something. session.mu is held.
func (c *client) noteProgress() {
	c.moved++
	c.movedAt = c.b.moment(time.Now())
	if c.backloggedSince != 0 {
		c.backloggedSince = c.movedAt
	}
}

// relieve lets waiting publishers go on when there is room again. session.mu is
// held.
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

// funds returns the publisher's credit as of now.
func (c *client) currentCredit(now time.Time) time.Duration {
	if c.creditAt.IsZero() {
		c.credit = c.b.opt.Patience
	} else {
		c.credit = min(c.b.opt.Patience, c.credit+now.Sub(c.creditAt)/20)
	}
	c.creditAt = now
	return c.credit
}

// await makes the client p, which published by route rt (nil: retained messages for
// itself), wait for c.
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
		broke := false
		if rt.othersIdle(c, c.b.moment(began)) {
			p.currentCredit(now)
			p.credit -= now.Sub(began)
			broke = p.credit <= 0
		}
		c.endWait(room, now, broke)
		began = now
	}
}

// queueUp puts p among those who wait for c, and says for how long at most. nil: it
// need not or should not wait.
func (c *client) addWaiter(p *client, rt *route, now time.Time) (room chan struct{}, pause time.Duration) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	// While p waits, its own acknowledgements are unread. If c waits too, the two
	// might wait for each other.
	queueing := s.queue.n >= softQueue
	if s.client != c || c.closing || c.lagging || !c.backlogged() || queueing && (c == p || c.waiting.Load()) {
		return nil, 0
	}
	if c.backloggedSince == 0 {
		c.backloggedSince = c.b.moment(now) // it had room for a moment since the batch noticed it
	}
	room = make(chan struct{})
	c.waiters = append(c.waiters, room)
	pause = c.b.opt.Patience - time.Duration(c.b.moment(now)-c.backloggedSince)
	if rt != nil && len(rt.targets) > 1 {
		pause = min(pause, p.currentCredit(now))
	}
	if queueing {
		pause = min(pause, 10*time.Millisecond) // to look whether c waits
	}
	return room, max(pause, time.Millisecond)
}

// judge ends a wait for c, and decides whether it was the last one for a while.
func (c *client) endWait(room chan struct{}, now time.Time, broke bool) {
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
	if broke || c.backloggedSince != 0 && c.b.moment(now)-c.backloggedSince >= int64(c.b.opt.Patience) {
		c.lagging = true
		c.releaseWaiters()
	}
}

// starved tells whether most of the route's other subscribers have nothing left to
// read, so that waiting for c costs them. Those who are slow themselves or have taken
// nothing since the wait began are left out. It asks at most 64.
func (rt *route) othersIdle(c *client, began int64) bool {
	if rt == nil {
		return false
	}
	there, empty := 0, 0
	for i := range rt.targets {
		s := rt.targets[i].s
		if s == c.s {
			continue
		}
		s.mu.Lock()
		if o := s.client; o != nil && !o.closing && !o.lagging && !o.backlogged() {
			switch {
			case o.out.n == 0 && !o.awake && s.queue.n == 0 && s.sender.Pending() == 0:
				there++
				empty++
			case o.movedAt > began:
				there++
			}
		}
		s.mu.Unlock()
		if there == 64 || i == 1000 {
			break
		}
	}
	return 2*empty > there
}

// breathe keeps a client waiting that does not read what it asks for: answers
// cannot be dropped, and must not pile up. One that takes nothing for a minute must
// go.
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
			return nil // the next read tells
		case <-timer.C:
			c.s.mu.Lock()
			stuck := c.moved == moved
			c.s.mu.Unlock()
			switch {
			case !stuck:
				late = false
				timer.Reset(most)
			case late:
				return disconnectError(proto.QuotaExceeded, "the answers are not read")
			default: // the whole process may have stood still: what it missed shows soon
				late = true
				timer.Reset(time.Second)
			}
		}
	}
}
