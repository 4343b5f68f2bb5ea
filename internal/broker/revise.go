package broker

import (
	"bytes"

	"mqtt/internal/proto"
)

// Credentials is an Auth whose users may change while they are connected.
type Credentials interface {
	// Stamp is a number for what lets who in: another one once that is another. It is
	// asked before who is let in, and again at every Revise.
	Stamp(who *Identity) uint64
}

// stamp is 0 where nothing that could change lets who in.
func (b *Broker) stamp(who *Identity) uint64 {
	if c, ok := b.opt.Auth.(Credentials); ok {
		return c.Stamp(who)
	}
	return 0
}

// Revise makes the broker ask the hooks anew, and tells how many clients had to go: those
// who came in with credentials that are no more, or are others. What the ACL does not
// let a client read any more stops, and what waits of it is dropped.
func (b *Broker) Revise() (gone int) {
	b.revision.Add(1)
	b.router.invalidate()
	b.mu.Lock()
	var clients []*client
	for c := range b.clients {
		if c.attached {
			clients = append(clients, c)
		}
	}
	sessions := make([]*session, 0, len(b.sessions))
	for _, s := range b.sessions {
		sessions = append(sessions, s)
	}
	b.mu.Unlock()
	for _, c := range clients {
		if c.recheckStamp() {
			gone++
		}
	}
	if b.opt.ACL == nil {
		return gone
	}
	for _, s := range sessions {
		b.dropForbidden(s)
	}
	return gone
}

// revised ends the connection of a client whose credentials have changed.
func (c *client) recheckStamp() bool {
	if c.b.stamp(c.who) == c.stamp.Load() {
		return false
	}
	c.b.opt.Log.Warn("client sent away: its user is gone or has another password", "client", escaped(c.who.ClientID), "user", escaped(c.user()))
	c.kill(proto.AdministrativeAction, "the user is gone or has another password")
	return true
}

// withhold drops what waits for a session that it may not read any more. Of a shared
// subscription somebody else gets it.
func (b *Broker) dropForbidden(s *session) {
	bt := b.batch(nil)
	s.mu.Lock()
	left := s.dropForbidden(bt, s.client == nil)
	s.mu.Unlock()
	b.passToMembers(bt, s, left)
	bt.finish()
}

// withhold is Broker.withhold, but for what others get: the caller passes left on. again
// is true if what is in flight would have to be sent again. s.mu is held.
func (s *session) dropForbidden(bt *batch, again bool) (left []delivery) {
	who := s.who.Load()
	var topic []byte // of the last verdict: many that wait have the same
	var verdict bool
	denied := func(h *delivery) bool {
		if topic == nil || !bytes.Equal(topic, h.m.Topic) {
			topic = h.m.Topic
			verdict = !s.b.opt.ACL.Allow(who, string(topic), Read)
		}
		return verdict
	}
	s.queue.removeIf(func(h *delivery) bool {
		if !denied(h) {
			return false
		}
		if h.g.group != nil {
			left = append(left, *h)
			s.bytes -= h.size()
			return true
		}
		bt.count.drop(s, h.m, 1, whyRights)
		gone := *h
		s.completed(&gone)
		return true
	})
	if again {
		for _, f := range s.sender.Resend() {
			if !f.Released && denied(f.Message) {
				bt.count.drop(s, f.Message.m, 1, whyRights)
				s.abandon(f.ID, f.Message)
			}
		}
	}
	s.charge()
	return left
}
