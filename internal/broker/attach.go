package broker

import (
	"time"

	"mqtt/internal/proto"
)

// attach gives the client its session, a stored one or a new one, and answers its CONNECT.
func (b *Broker) attach(c *client, o *connectRequest) error {
	for {
		bt := b.batch(nil)
		s, present, first := b.lockSession(c, o)
		if s == nil {
			bt.finish()
			return first()
		}
		if first == nil {
			c.enterSession(o, present, bt)
		}
		s.mu.Unlock()
		if first == nil {
			bt.pull(s)
		}
		bt.finish()
		if first == nil {
			return nil
		}
		if err := first(); err != nil {
			return err
		}
	}
}

// lockSession returns the session of the client's identifier with its lock held. first is nil if c
// is its client now. Otherwise the caller must call first, without the lock, and try again. s is
// nil if there is no session for c, and first returns the reason.
//
// Because another client may hold the session's lock for a while, Broker.mu is not held while
// waiting for it: every connecting client needs Broker.mu.
func (b *Broker) lockSession(c *client, o *connectRequest) (s *session, present bool, first func() error) {
	b.mu.Lock()
	s, present = b.sessions[c.who.ClientID]
	need := int64(c.lastingBytes(o, present))
	switch {
	case b.closed:
		first = func() error { return c.refuse(proto.ServerUnavailable, "the server is shutting down") }
	case need > 0 && need > b.available(forSession, o.expiry > 0):
		first = func() error {
			b.warn(shortage{memoryLimit, "a session"})
			return c.refuse(proto.QuotaExceeded, "the server's memory is used up")
		}
	case present:
		b.mu.Unlock()
		s.mu.Lock()
		return s, true, c.claim(s, o)
	case b.full(c):
		first = func() error { return c.refuse(proto.ServerBusy, "") }
	default:
		s = &session{b: b, id: c.who.ClientID}
		s.mu.Lock() // no other goroutine has it
		b.sessions[s.id] = s
		b.stats.sessions.Add(1)
		c.bind(s)
		b.mu.Unlock()
		return s, false, nil
	}
	b.mu.Unlock()
	return nil, false, first
}

// bind makes c the client of s. Both Broker.mu and session.mu are held.
func (c *client) bind(s *session) {
	c.s, c.attached, s.client = s, true, c
	c.b.assignPlace(c)
}

// lastingBytes returns how many bytes of what the CONNECT asks for outlive the connection.
func (c *client) lastingBytes(o *connectRequest, present bool) (n int) {
	if o.expiry > 0 && !present {
		n += unit + len(c.who.ClientID) + len(c.who.Username)
	}
	if o.will != nil {
		n += o.will.m.size()
	}
	return n
}

// claim makes c the client of an existing session, or returns what must be done first, without a
// lock. session.mu is held.
func (c *client) claim(s *session, o *connectRequest) func() error {
	b, old := c.b, s.client
	switch {
	case s.ended:
		return func() error {
			<-s.gone // endSession waits for nobody
			return nil
		}
	case !s.mayTakeOver(c.who): // another user must neither read nor end it
		return func() error {
			return c.refuse(proto.ClientIdentifierNotValid, "the session of this client identifier is another user's")
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return func() error { return c.refuse(proto.ServerUnavailable, "the server is shutting down") }
	case old != nil:
		c.inheritPlace(old)
		return func() error {
			old.takeOver(o.clean)
			<-old.done // its reader has been told, and waits for nobody
			return nil
		}
	case b.full(c):
		return func() error { return c.refuse(proto.ServerBusy, "") }
	case o.clean: // [MQTT-3.1.2-4]
		s.markEnded()
		return func() error {
			b.endSession(s)
			return nil
		}
	}
	c.bind(s) // [MQTT-3.1.2-5]
	return nil
}

// enterSession applies the CONNECT to the session. session.mu is held since c became the session's
// client.
func (c *client) enterSession(o *connectRequest, present bool, bt *batch) {
	b, s := c.b, c.s
	s.who.Store(c.who)
	if present && b.opt.ACL != nil {
		b.router.reidentify(s) // the ACL may look at more than the user
	}
	s.unowned = false
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	if s.will != nil {
		s.will.stop() // its client has reconnected [MQTT-3.1.3-9]
	}
	if s.will = o.will; s.will != nil {
		s.will.s = s
	}
	s.expiry, s.left = o.expiry, time.Time{}
	s.sender.Limit(c.limit)
	s.noteReturn()
	s.online.Store(true)
	if b.opt.Store != nil && (s.durable || s.expiry > 0) {
		s.durable = true
		b.opt.Store.PutSession(s.record())
	}
	if present && b.opt.ACL != nil {
		s.queue.unchecked = s.queue.n // the rights may have changed since they were queued
	}
	c.out.add(&b.blocks, c.connack(o, present))
	bt.count.answers++
	c.out.sync = s.durable
	for _, f := range s.sender.Resend() { // [MQTT-4.4.0-1]
		if !f.Released {
			c.resend = append(c.resend, f)
			continue
		}
		c.pubrel(f.ID, proto.Success)
	}
	s.sendQueued(bt.time(), &bt.count)
	s.charge()
	bt.wakeWriter(c)
}
