package broker

import (
	"time"

	"mqtt/internal/proto"
)

// attach gives the client its session, old or new, and answers its CONNECT.
func (b *Broker) attach(c *client, o *opening) error {
	for {
		bt := b.batch(nil)
		b.mu.Lock()
		if b.closed {
			b.mu.Unlock()
			bt.finish()
			return c.refuse(proto.ServerUnavailable, "the server is shutting down")
		}
		var first func() error
		var left []held
		s, present := b.sessions[c.who.ClientID]
		if need := c.lasts(o, present); need > 0 && int64(need) > b.room(keeping, o.expiry > 0) {
			b.mu.Unlock()
			bt.finish()
			b.warn(shortage{memoryLimit, "a session"})
			return c.refuse(proto.QuotaExceeded, "the server's memory is used up")
		}
		if !present && b.full(c) {
			b.mu.Unlock()
			bt.finish()
			return c.refuse(proto.ServerBusy, "")
		}
		if !present {
			s = &session{b: b, id: c.who.ClientID}
			b.sessions[s.id] = s
			b.stats.sessions.Add(1)
		}
		s.mu.Lock()
		if present {
			first = c.before(s, o)
		}
		if first == nil {
			c.s, c.attached, s.client = s, true, c
			b.place(c)
		}
		b.mu.Unlock() // others may come and go while the ACL is asked
		if first == nil {
			left = c.enter(o, present, bt)
		}
		s.mu.Unlock()
		b.pass(bt, s, left)
		if first == nil {
			bt.pull(s)
		}
		bt.finish()
		if first == nil {
			if present && b.opt.ACL != nil {
				b.router.revise() // the ACL may see more of the client than its user
			}
			return nil
		}
		if err := first(); err != nil {
			return err
		}
	}
}

// lasts returns how many bytes the CONNECT asks for that outlive the connection.
func (c *client) lasts(o *opening, present bool) (n int) {
	if o.expiry > 0 && !present {
		n += unit + len(c.who.ClientID) + len(c.who.Username)
	}
	if o.will != nil {
		n += o.will.m.size()
	}
	return n
}

// before returns what must be done before c can enter a session that is there, nil if it
// may. b.mu and session.mu are held, and must not be when that is done.
func (c *client) before(s *session, o *opening) func() error {
	old := s.client
	switch {
	case s.ended:
		return func() error {
			<-s.gone // who takes it apart waits for nobody
			return nil
		}
	case !s.admits(c.who): // a stranger shall not read it, nor end it
		return func() error {
			return c.refuse(proto.ClientIdentifierNotValid, "the session of this client identifier is another user's")
		}
	case old != nil:
		c.takePlace(old)
		return func() error {
			old.overtake(o.clean)
			<-old.done // its reader has seen it, and waits for nobody
			return nil
		}
	case s.b.full(c):
		return func() error { return c.refuse(proto.ServerBusy, "") }
	case o.clean: // [MQTT-3.1.2-4]
		s.over()
		return func() error {
			s.b.finish(s)
			return nil
		}
	}
	return nil // [MQTT-3.1.2-5]
}

// enter gives c what is the session's, and returns messages of shared subscriptions that
// it may not read: others get them. session.mu is held since c became its client.
func (c *client) enter(o *opening, present bool, bt *batch) (left []held) {
	b, s := c.b, c.s
	s.who.Store(c.who)
	s.unowned = false
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	if s.will != nil {
		s.will.stop() // its client is back [MQTT-3.1.3-9]
	}
	if s.will = o.will; s.will != nil {
		s.will.s = s
	}
	s.expiry, s.left = o.expiry, time.Time{}
	s.sender.Limit(c.limit)
	s.online.Store(true)
	if b.opt.Store != nil && (s.keep || s.expiry > 0) {
		s.keep = true
		b.opt.Store.PutSession(s.record())
	}
	if present && b.opt.ACL != nil {
		left = s.withhold(bt, true) // the rights may be others than when it came
	}
	c.out.add(&b.blocks, c.connack(o, present))
	bt.count.answers++
	c.out.sync = s.keep
	for _, f := range s.sender.Resend() { // [MQTT-4.4.0-1]
		if !f.Released {
			c.resend = append(c.resend, f)
			continue
		}
		c.pubrel(f.ID, proto.Success)
	}
	s.pump(bt.time(), &bt.count)
	s.charge()
	bt.touch(c)
	return left
}
