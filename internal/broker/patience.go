package broker

import "time"

// How slow subscribers are treated. From Options.HighWater bytes or softQueue
// messages that wait for a connection, those who publish to it wait too: their
// readers stand still after the batch that filled it, and TCP slows their clients.
// So a publisher that is faster than its subscriber loses nothing at QoS 0.
//
// That has two bounds. A subscriber that takes nothing at all for Options.Patience
// lags. And one that keeps others waiting lags as well when its credit is used up:
// time in which a publisher waited for it while most of the topic's other
// subscribers had nothing to read. Credit is at most Patience and comes back at a
// twentieth of the time, so a trickling reader costs the others one second, then a
// twentieth. For one that lags nobody waits: at QoS 0 it misses messages, which are
// counted, at QoS 1 and 2 its queue grows to its bound. It has caught up when half
// of the high water is free again.

// crowded tells whether publishers should wait for c. session.mu is held.
func (c *client) crowded() bool {
	return c.out.n >= c.b.opt.HighWater || c.s.queue.n >= softQueue
}

// relieve lets waiting publishers go on when there is room again. session.mu is
// held.
func (c *client) relieve() {
	if c.out.n > c.b.opt.HighWater/2 || c.s.queue.n > softQueue/2 {
		return
	}
	if c.lagging && c.funds(time.Now()) > 0 {
		c.lagging = false
	}
	if len(c.room) > 0 {
		c.release()
	}
}

// funds returns the credit as of now. session.mu is held.
func (c *client) funds(now time.Time) time.Duration {
	most := c.b.opt.Patience
	if c.creditAt.IsZero() {
		c.credit = most
	} else {
		c.credit = min(most, c.credit+now.Sub(c.creditAt)/20)
	}
	c.creditAt = now
	return c.credit
}

// await makes the client p, which published by route rt, wait for c.
func (c *client) await(p *client, rt *route) {
	s := c.s
	patience := c.b.opt.Patience
	p.waiting.Store(true)
	defer p.waiting.Store(false)
	var timer *time.Timer
	defer func() {
		if timer != nil {
			timer.Stop()
		}
	}()
	began := time.Now()
	for {
		s.mu.Lock()
		// Its own acknowledgements are unread while p waits, and those of a client
		// that waits itself: that would never end.
		stuck := s.queue.n >= softQueue && (c == p || c.waiting.Load())
		if s.client != c || c.closing || c.lagging || !c.crowded() || stuck {
			s.mu.Unlock()
			return
		}
		moved := c.moved
		room := make(chan struct{})
		c.room = append(c.room, room)
		left := c.funds(began)
		s.mu.Unlock()

		pause := patience
		if len(rt.targets) > 1 {
			pause = min(pause, max(left, time.Millisecond))
		}
		if s.queueing() {
			pause = min(pause, 10*time.Millisecond) // to see whether c waits itself
		}
		if timer == nil {
			timer = time.NewTimer(pause)
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
		starved := rt.starved(c)
		s.mu.Lock()
		c.leaveRoom(room)
		if starved {
			c.funds(now)
			c.credit -= now.Sub(began)
			c.lagging = c.lagging || c.credit <= 0
		}
		if c.moved == moved && now.Sub(began) >= patience {
			c.lagging = true
		} else if c.moved != moved || starved {
			began = now
		}
		if c.lagging {
			c.release()
		}
		s.mu.Unlock()
	}
}

// queueing tells whether messages wait for the session, so that its client's
// acknowledgements are what it takes.
func (s *session) queueing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue.n >= softQueue
}

// leaveRoom takes a waiter off the list. session.mu is held.
func (c *client) leaveRoom(room chan struct{}) {
	for i := range c.room {
		if c.room[i] == room {
			c.room = append(c.room[:i], c.room[i+1:]...)
			return
		}
	}
}

// starved tells whether most of the route's other connected subscribers have
// nothing left to read, so that waiting for c costs them. It asks at most 64.
func (rt *route) starved(c *client) bool {
	there, empty := 0, 0
	for i := range rt.targets {
		s := rt.targets[i].s
		if s == c.s {
			continue
		}
		s.mu.Lock()
		if o := s.client; o != nil && !o.closing {
			there++
			if o.out.n == 0 && !o.awake && s.queue.n == 0 && s.sender.Pending() == 0 {
				empty++
			}
		}
		s.mu.Unlock()
		if there == 64 {
			break
		}
	}
	return 2*empty > there
}
