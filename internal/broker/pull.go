package broker

// A message of a shared subscription goes to a member that can be sent it at once. If there is
// none, it is queued for one of the members, connected or not. A member whose own queue is empty
// pulls messages from the queues of the others, so no message waits for a member that is away or
// acknowledges nothing while another member has room.

const (
	pullAtOnce  = 64   // messages moved under one pair of locks
	pullLook    = 1024 // messages at the front of a queue that are searched
	pullGroups  = 64   // groups of a session that are tried
	pullMembers = 1024 // members of a group that are tried
	pullRounds  = 16   // of pullAtOnce messages, before other clients have their turn

	shareMembers = 16 // members that pull when a client leaves
)

// These are the loads of a session, for the choice among the members of a group.
const (
	idle      uint32 = iota // it can be sent a message at once
	waiting                 // its queue is not empty, or it cannot be sent a message now
	congested               // its backlog or output is so large that publishers are slowed
)

// currentLoad returns the session's load at QoS 1. s.mu is held.
func (s *session) currentLoad() uint32 {
	c := s.client
	switch {
	case s.queue.n >= softQueue, c != nil && c.out.n >= s.b.opt.HighWater:
		return congested
	case s.queue.n > 0, len(s.walks) > 0, c != nil && len(c.resend) > 0, s.sender.Free() == 0:
		return waiting
	}
	return idle
}

// joined and departed maintain the list of the session's groups. router.mu is held.
func (s *session) joined(g *group) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.groups == nil {
		s.groups = make(map[*group]struct{})
	}
	s.groups[g] = struct{}{}
	s.shares.Store(int32(len(s.groups)))
}

func (s *session) departed(g *group) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.groups, g)
	s.shares.Store(int32(len(s.groups)))
}

// capacity returns how many messages can be sent to the session's client at once, at most
// pullAtOnce, and the client. s.mu is held.
func (s *session) capacity() (int, *client) {
	c := s.connected()
	if c == nil || s.currentLoad() != idle {
		return 0, nil
	}
	return min(pullAtOnce, s.sender.Free()), c
}

// pull moves messages that are queued for other members of the session's groups to the session, if
// its own queue is empty. No lock is held except the batch's transaction.
func (bt *batch) pull(s *session) {
	if s.shares.Load() == 0 || bt.b.router.waiting.Load() == 0 {
		return
	}
	var groups []*group
	s.mu.Lock()
	if n, _ := s.capacity(); n > 0 {
		looked := 0
		for g := range s.groups { // map order varies, so no group is always last
			if g.waiting.Load() > 0 {
				groups = append(groups, g)
			}
			if looked++; looked == 16*pullGroups || len(groups) == pullGroups {
				break
			}
		}
	}
	s.mu.Unlock()
	rounds := 0
	for _, g := range groups {
		for rounds < pullRounds && g.pull(bt, s) {
			rounds++
			bt.nextTransaction()
		}
	}
}

// redistribute makes idle members of the session's groups pull the messages that are queued for it,
// after its client has left. They pull later what they have no room for now. No lock is held except
// the batch's transaction.
func (bt *batch) redistribute(s *session) {
	if s.shares.Load() == 0 || s.queue.shared.Load() == 0 {
		return
	}
	s.mu.Lock()
	groups := make([]*group, 0, min(len(s.groups), pullGroups))
	for g := range s.groups {
		if groups = append(groups, g); len(groups) == pullGroups {
			break
		}
	}
	s.mu.Unlock()
	asked := 0
	for _, g := range groups {
		members := *g.members.Load()
		start := int(g.next.Add(1))
		for i := range min(len(members), pullMembers) {
			m := members[(start+i)%len(members)].s
			if g.waiting.Load() == 0 || asked == shareMembers {
				break
			}
			if m != s && m.online.Load() && m.load.Load() == idle {
				bt.pull(m)
				asked++
			}
		}
	}
}

// pull moves messages of the group from one other member to s, and reports whether there were any.
func (g *group) pull(bt *batch, s *session) bool {
	s.mu.Lock()
	n, c := s.capacity()
	who := s.who.Load()
	s.mu.Unlock()
	members := *g.members.Load()
	own := grantOf(members, s)
	if n == 0 || own == nil {
		return false
	}
	acl := bt.b.router.acl
	may := func(h *delivery) bool {
		return (acl == nil || acl.Allow(who, string(h.m.Topic), Read)) && c.surelyFitsPacketLimit(h)
	}
	start := int(g.next.Add(1))
	for i := range min(len(members), pullMembers) {
		other := members[(start+i)%len(members)].s
		if other == s || other.queue.shared.Load() == 0 {
			continue
		}
		some := other.takeShared(g, n, may)
		for j := range some {
			h := &some[j]
			if s.offer(bt, h.m, own)&accepted == 0 && g.deliver(bt, h.m, nil)&accepted == 0 {
				bt.count.dropped++
				bt.noteShare(g, h.m)
			}
		}
		if len(some) > 0 {
			return true
		}
	}
	return false
}

// grantOf returns the grant of the member s, nil if it is not a member.
func grantOf(members []member, s *session) *grant {
	for i := range members {
		if members[i].s == s {
			return members[i].grant
		}
	}
	return nil
}

// takeShared removes at most n messages of the group from the queue, and returns them. It chooses
// those for which may returns true among the pullLook oldest. Messages that were sent remain
// [MQTT-4.8.2-5].
func (s *session) takeShared(g *group, n int, may func(*delivery) bool) (some []delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	some = s.queue.removeSome(pullLook, n, func(h *delivery) bool { return h.g.group == g && may(h) })
	for i := range some {
		h := some[i]
		s.completed(&h)
	}
	s.charge()
	return some
}

// removeSome removes messages for which out returns true, at most n of the first look ones, and
// returns them in order.
func (q *queue) removeSome(look, n int, out func(*delivery) bool) (some []delivery) {
	look = min(look, q.n)
	var chosen []int
	unchecked := q.unchecked
	for i := 0; i < look && len(chosen) < n; i++ {
		if h := q.at(i); out(h) {
			chosen = append(chosen, i)
			if i < q.unchecked {
				unchecked--
			}
			some = append(some, *h)
		}
	}
	if len(chosen) == 0 {
		return nil
	}
	to, next := chosen[len(chosen)-1], len(chosen)-1
	for i := to; i >= 0; i-- { // the remaining messages move back over the removed ones
		if next >= 0 && chosen[next] == i {
			next--
			continue
		}
		*q.at(to) = *q.at(i)
		to--
	}
	for i := range some { // the slots at the front are free now: pop updates the counts for each removed message
		*q.first() = some[i]
		q.pop()
	}
	q.unchecked = unchecked
	return some
}

// surelyFitsPacketLimit reports whether the message fits into the client's Maximum Packet Size with
// any subscription identifier and alias. It needs no lock.
func (c *client) surelyFitsPacketLimit(h *delivery) bool {
	return c.maxPacket == 0 || len(h.m.Topic)+len(h.m.Props)+len(h.g.ids)+len(h.m.Payload)+maxPublishOverhead+pullSlack <= c.maxPacket
}

// pullSlack is an upper bound of the bytes of the identifier of another member's subscription.
const pullSlack = 8
