package broker

import (
	"bytes"

	"mqtt/internal/proto"
)

// Credentials is an Auth whose users may change while they are connected.
type Credentials interface {
	// Stamp returns a number that identifies the current credentials of who. It changes when they
	// change. The broker calls it before it accepts a client, and again at every Revise.
	Stamp(who *Identity) uint64
}

// stamp returns the stamp of who, 0 if its credentials cannot change.
func (b *Broker) stamp(who *Identity) uint64 {
	if c, ok := b.opt.Auth.(Credentials); ok {
		return c.Stamp(who)
	}
	return 0
}

// Revise makes the broker ask the hooks again, after users or rights have changed. It disconnects
// clients whose credentials have changed or are gone, and returns their number. Clients no longer
// get messages that the ACL forbids, and those in their queues are dropped.
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

// recheckStamp ends the connection of a client whose credentials have changed.
func (c *client) recheckStamp() bool {
	if c.b.stamp(c.who) == c.stamp.Load() {
		return false
	}
	c.b.opt.Log.Warn("client disconnected: its user was deleted or has another password", "client", escaped(c.who.ClientID), "user", escaped(c.user()))
	c.kill(proto.AdministrativeAction, "the user was deleted or has another password")
	return true
}

// dropForbidden drops the queued messages that a session may not read any more. Those of shared
// subscriptions go to other members.
func (b *Broker) dropForbidden(s *session) {
	bt := b.batch(nil)
	s.mu.Lock()
	left := s.dropForbidden(bt, s.client == nil)
	s.mu.Unlock()
	b.passToMembers(bt, s, left)
	bt.finish()
}

// dropForbidden drops the queued messages that the session may not read any more, and returns those
// of shared subscriptions, which the caller passes to other members. again is true if messages in
// flight would have to be sent again. s.mu is held.
func (s *session) dropForbidden(bt *batch, again bool) (left []delivery) {
	who := s.who.Load()
	var topic []byte // of the last verdict: many messages in a queue have the same
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
