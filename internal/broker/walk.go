package broker

import (
	"slices"
	"strings"
	"time"
)

// walk delivers the retained messages of one subscription, from the store, as fast as the client
// reads them. The walks of a session run one after the other, before its queue: messages that are
// published meanwhile wait there. A walk outlives the connection if the session does, and a
// restart: messages that were in flight are sent again.
//
// session.mu guards its fields.
type walk struct {
	sub    *subscription // nil once it was abandoned
	from   string
	serial uint64
	absent walkView // its from and to, after its client was away
	begun  int      // changes when the walk begins again
}

// walkSize is the memory that a walk takes, in bytes, about.
const walkSize = 80

// addWalk adds a walk for a subscription. An unfinished walk of the same filter begins again. mu is
// held.
func (s *session) addWalk(sub *subscription, from string, serial uint64) {
	r := &s.b.retained
	r.newest.Store(max(serial, r.newest.Load())) // no lost update: serial is the same for all goroutines that hold r.mu
	if s.client != nil {
		s.countWalks(true)
	}
	if w := sub.walk; w != nil {
		w.from, w.serial, w.absent = from, serial, walkView{}
		w.begun++
		return
	}
	sub.walk = &walk{sub: sub, from: from, serial: serial}
	s.walks = append(s.walks, sub.walk)
}

// replace moves the walk of old to sub, which replaces old. mu is held.
func (s *session) replace(old, sub *subscription) {
	sub.since = old.since
	if sub.walk = old.walk; sub.walk != nil {
		sub.walk.sub = sub
	}
}

// abandonWalk ends the walk of a subscription that is removed. mu is held.
func (s *session) abandonWalk(sub *subscription) {
	if sub.walk == nil {
		return
	}
	sub.walk.sub = nil
	if s.idleWalks++; 2*s.idleWalks > len(s.walks) {
		s.walks = slices.DeleteFunc(s.walks, func(w *walk) bool { return w.sub == nil })
		s.idleWalks = 0
	}
}

// firstWalk returns the walk in progress, nil if there is none. mu is held.
func (s *session) firstWalk() *walk {
	for len(s.walks) > 0 && s.walks[0].sub == nil {
		s.walks[0] = nil
		s.walks = s.walks[1:]
		s.idleWalks--
	}
	if len(s.walks) == 0 {
		s.walks = nil
		s.countWalks(false)
		return nil
	}
	return s.walks[0]
}

// countWalks sets whether older retained messages are kept for the session. mu is held.
func (s *session) countWalks(on bool) {
	r := &s.b.retained
	switch {
	case on && !s.counted:
		r.walks.Add(1)
	case !on && s.counted:
		r.walks.Add(-1)
	}
	s.counted = on
}

// resumeWalk starts the goroutine that delivers retained messages, if it is not running and can
// deliver some now. session.mu is held.
func (c *client) resumeWalk() {
	s := c.s
	if c.walking || c.subscribing || c.closing || len(c.resend) > 0 || c.out.n >= c.b.opt.HighWater {
		return
	}
	w := s.firstWalk()
	if w == nil || w.sub.QoS > 0 && s.sender.Free() == 0 {
		return
	}
	s.countWalks(true)
	c.walking = true
	c.b.wg.Add(1)
	go c.walk() // ends when the client has no room, or ends; Close waits for it
}

// walk delivers retained messages in steps while the client has room. All walks of the broker share
// the work slots.
func (c *client) walk() {
	defer c.b.wg.Done()
	msgs := make([]*Message, 0, stepMessages)
	pause := time.Duration(0)
	for more := true; more; {
		select {
		case c.b.workSlots <- struct{}{}:
		case <-c.dying:
			c.s.mu.Lock()
			c.walking = false
			c.s.mu.Unlock()
			return
		}
		var wait bool
		more, wait = c.step(msgs)
		<-c.b.workSlots
		if pause = min(2*pause, time.Second); !wait {
			pause = 0
		} else {
			pause = max(pause, minPause)
			t := time.NewTimer(pause)
			select {
			case <-t.C:
			case <-c.dying:
			}
			t.Stop()
		}
	}
	c.b.trimRetained()
}

// trimRetained removes expired retained messages, and older versions that no walk needs any more.
func (b *Broker) trimRetained() {
	r := &b.retained
	for more := true; more && !b.aborted.Load(); {
		bt := b.batch(nil)
		r.mu.Lock()
		before := r.bytes
		r.expire(bt.time(), expiredAtOnce, b.dropRetained)
		more = r.trim(expiredAtOnce)
		b.countRetained(before)
		r.mu.Unlock()
		bt.finish()
	}
}

// minPause is the first pause of a walk that waits for memory.
const minPause = 20 * time.Millisecond

// step delivers some retained messages. more is false if c must not continue. wait is true if there
// is no memory for the next message: nothing signals when there is.
func (c *client) step(msgs []*Message) (more, wait bool) {
	b, s := c.b, c.s
	now := time.Now().UnixNano()
	s.mu.Lock()
	w := c.currentWalk()
	if w == nil {
		s.mu.Unlock()
		return false, false
	}
	sub, from, begun := w.sub, w.from, w.begun
	v := walkView{w.serial, w.absent.from, w.absent.to, sub.QoS}
	at := cursor{sub.path, from}
	n := stepMessages
	if sub.QoS > 0 {
		n = min(n, s.sender.Free())
	}
	s.mu.Unlock()

	left := stepTopics
	b.retained.mu.RLock()
	msgs, done := b.retained.next(&at, v, &left, n, msgs[:0])
	b.retained.mu.RUnlock()
	b.stats.walked.Add(int64(stepTopics - left))
	if done && strings.HasPrefix(sub.path, sysPrefix) {
		msgs = b.sysMatch(sub.path, from, msgs)
	}
	msgs = slices.DeleteFunc(msgs, func(m *Message) bool { return !c.maySendRetained(sub, m, now) })

	bt := b.batch(nil)
	defer bt.finish()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch now := c.currentWalk(); {
	case now == nil:
		return false, false
	case now != w || w.sub != sub || w.begun != begun:
		return true, false
	}
	sent := 0
	for _, m := range msgs {
		var ok bool
		if ok, wait = c.roomFor(m, min(m.QoS, sub.QoS)); !ok {
			break
		}
		c.sendRetained(m, sub, now, &bt.count)
		sent++
	}
	switch {
	case sent == len(msgs) && done:
		sub.walk, w.sub = nil, nil
		s.idleWalks++
		c.recordWalk(sub)
		if s.firstWalk() == nil {
			s.sendQueued(now, &bt.count)
		}
	case sent == len(msgs):
		w.from = at.from
		c.recordWalk(sub)
	case sent > 0:
		w.from = string(msgs[sent-1].Topic) + "/"
		c.recordWalk(sub)
	}
	if c.out.n > 0 || c.checking {
		bt.wakeWriter(c)
	}
	s.charge()
	if sent < len(msgs) && !wait {
		c.walking = false // acked and write continue it
		return false, false
	}
	return true, wait
}

// noteAway notes that the session's client has left, and noteReturn that it has reconnected. mu is
// held.
func (s *session) noteAway() { s.awayAt = s.b.retained.last.Load() }

func (s *session) noteReturn() {
	if s.awayAt == 0 {
		return
	}
	for _, w := range s.walks {
		if w.absent.to == 0 {
			w.absent.from = s.awayAt
		}
		w.absent.to = s.b.retained.last.Load()
	}
	s.awayAt = 0
}

// currentWalk returns the walk that c may continue. If it returns nil, the goroutine of c must end.
// session.mu is held.
func (c *client) currentWalk() *walk {
	s := c.s
	var w *walk
	if s.client == c && !c.closing && !c.subscribing && len(c.resend) == 0 && c.out.n < c.b.opt.HighWater {
		w = s.firstWalk()
	}
	if w == nil || w.sub.QoS > 0 && s.sender.Free() == 0 {
		c.walking = false
		return nil
	}
	return w
}

// maySendRetained reports whether a retained message is sent for a subscription.
func (c *client) maySendRetained(sub *subscription, m *Message, now int64) bool {
	acl := c.b.opt.ACL
	return !m.expired(now) && !(sub.NoLocal && m.From == c.s.id) && (acl == nil || acl.Allow(c.who, string(m.Topic), Read))
}

// roomFor reports whether there is room for a retained message now, and whether it is memory that
// is missing. session.mu is held.
func (c *client) roomFor(m *Message, qos byte) (ok, noMemory bool) {
	s := c.s
	if c.out.n >= c.b.opt.HighWater || qos > 0 && (s.sender.Free() == 0 || s.sender.Pending() > 0 && s.bytes-s.queue.bytes+m.size() > c.b.opt.QueueBytes) {
		return false, false
	}
	purpose, kept := forTransit, false
	if qos > 0 {
		purpose, kept = forInFlight, s.durable
	}
	if c.b.available(purpose, kept) < int64(m.size()) {
		return false, true
	}
	return true, false
}

// sendRetained sends a retained message. session.mu is held.
func (c *client) sendRetained(m *Message, sub *subscription, now int64, count *tally) {
	s := c.s
	h := delivery{m: m, g: sub.grant, qos: min(m.QoS, sub.QoS), retain: true} // 3.1.1 [MQTT-3.3.1-8]
	s.bytes += h.size()
	if h.qos > 0 {
		s.seq++
		h.seq = s.seq
		if s.durable {
			c.b.opt.Store.Enqueue(s.id, h.entry())
		}
	}
	s.send(now, &h, count)
}

// recordWalk records in the Store how far a walk has come. session.mu is held.
func (c *client) recordWalk(sub *subscription) {
	if sub.QoS > 0 {
		c.s.putSubscription(sub)
	}
}

// sendsRetained reports whether retained messages are sent for a subscription [MQTT-3.3.1-9],
// [MQTT-3.3.1-10], [MQTT-3.3.1-11].
func sendsRetained(sub *subscription, first bool) bool {
	return sub.share == "" && (sub.RetainHandling == 0 || sub.RetainHandling == 1 && first)
}
