package broker

import (
	"time"

	"mqtt/internal/proto"
)

// attach gives the client its session, old or new, and answers its CONNECT.
func (b *Broker) attach(c *client, o *opening) error {
	id := c.who.ClientID
	for {
		bt := b.batch(nil)
		b.mu.Lock()
		s := b.sessions[id]
		switch {
		case b.closed:
			b.mu.Unlock()
			bt.finish()
			return c.refuse(proto.ServerUnavailable, "the server is shutting down")
		case s == nil:
			s = &session{b: b, id: id}
			b.sessions[id] = s
			b.stats.sessions.Add(1)
			s.mu.Lock()
			c.enter(s, o, false, bt)
		default:
			s.mu.Lock()
			if s.ended {
				s.mu.Unlock()
				b.mu.Unlock()
				bt.finish()
				<-s.gone // who takes it apart waits for nobody
				continue
			}
			if old := s.client; old != nil {
				s.mu.Unlock()
				b.mu.Unlock()
				bt.finish()
				old.overtake(o.clean)
				<-old.done // its reader has seen it, and waits for nobody
				continue
			}
			if o.clean { // [MQTT-3.1.2-4]
				s.over()
				s.mu.Unlock()
				b.mu.Unlock()
				bt.finish()
				b.finish(s)
				continue
			}
			c.enter(s, o, true, bt) // [MQTT-3.1.2-5]
		}
		s.mu.Unlock()
		b.mu.Unlock()
		bt.finish()
		if b.opt.ACL != nil {
			b.router.revise() // the session may be somebody else's now
		}
		return nil
	}
}

// enter makes c the session's client. b.mu and session.mu are held.
func (c *client) enter(s *session, o *opening, present bool, bt *batch) {
	b := c.b
	c.s = s
	c.attached = true
	s.who.Store(c.who)
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
	s.client = c
	s.sender.Limit(c.limit)
	s.online.Store(true)
	if b.opt.Store != nil && (s.keep || s.expiry > 0) {
		s.keep = true
		b.opt.Store.PutSession(s.record())
	}
	c.out.add(&b.blocks, c.connack(o, present))
	c.out.sync = s.keep
	for _, f := range s.sender.Resend() { // [MQTT-4.4.0-1]
		if !f.Released {
			c.resend = append(c.resend, f)
			continue
		}
		rel := proto.Ack{Kind: proto.PUBREL, PacketID: f.ID}
		buf, _ := rel.Append(c.out.room(&b.blocks, 8), c.v)
		c.out.set(buf)
	}
	s.pump(bt.time(), &bt.count)
	s.charge()
	bt.touch(c)
}
