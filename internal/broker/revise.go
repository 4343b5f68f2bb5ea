package broker

import "mqtt/internal/proto"

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
// subscriptions go to other members. The ACL is asked without the session's lock.
func (b *Broker) dropForbidden(s *session) {
	who, allowed := s.who.Load(), s.waitingTopics()
	for topic := range allowed {
		allowed[topic] = b.opt.ACL.Allow(who, topic, Read)
	}
	bt := b.batch(nil)
	s.mu.Lock()
	var left []delivery
	if s.who.Load() == who { // a client that has resumed the session meanwhile is checked by sendQueued
		left = s.dropTopics(bt, allowed)
	}
	s.mu.Unlock()
	b.passToMembers(bt, s, left)
	bt.finish()
}

// waitingTopics returns the topics of the messages that a session has not been sent, or would have
// to be sent again.
func (s *session) waitingTopics() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	topics := make(map[string]bool)
	add := func(topic []byte) {
		if _, ok := topics[string(topic)]; !ok {
			topics[string(topic)] = false
		}
	}
	for i := range s.queue.n {
		add(s.queue.at(i).m.Topic)
	}
	if s.client == nil {
		for _, f := range s.sender.Resend() {
			if !f.Released {
				add(f.Message.m.Topic)
			}
		}
	}
	return topics
}

// dropTopics drops the waiting messages of topics that are not allowed, and returns those of shared
// subscriptions, which the caller passes to other members. Messages whose topics are not listed
// were queued since, with the new rights. s.mu is held.
func (s *session) dropTopics(bt *batch, allowed map[string]bool) (left []delivery) {
	denied := func(h *delivery) bool {
		ok, listed := allowed[string(h.m.Topic)]
		return listed && !ok
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
	if s.client == nil {
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
