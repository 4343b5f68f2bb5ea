package broker

import (
	"log/slog"
	"slices"
	"sync/atomic"
	"time"
)

// group is a shared subscription. Each message goes to one of its members.
type group struct {
	filter  string // with $share and the name
	members atomic.Pointer[[]member]
	next    atomic.Uint32
	waiting atomic.Int64  // messages in the queues of its members
	all     *atomic.Int64 // sum of waiting of all groups

	missed   atomic.Int64 // messages that no member had room for and that have not been logged yet
	missedAt atomic.Int64 // time of the last log line about them, by Broker.moment, 0 if there was none
}

type member struct {
	s     *session
	grant *grant
}

// join adds a member, or replaces its grant. router.mu is held.
func (g *group) join(s *session, sub *subscription) {
	gr := *sub.grant
	gr.group = g
	members := []member{}
	if p := g.members.Load(); p != nil {
		members = slices.Clone(*p)
	}
	if i := slices.IndexFunc(members, func(m member) bool { return m.s == s }); i >= 0 {
		members[i].grant = &gr
	} else {
		members = append(members, member{s, &gr})
	}
	g.members.Store(&members)
}

// leave removes a member, and reports whether the group is empty. router.mu is held.
func (g *group) leave(s *session) (empty bool) {
	members := slices.DeleteFunc(slices.Clone(*g.members.Load()), func(m member) bool { return m.s == s })
	g.members.Store(&members)
	return len(members) == 0
}

// deliver delivers m to one member other than except. It prefers a member that can be sent m at
// once, then one that is connected and not congested, then any connected one, then one that is
// away. It skips members that may not read m.
func (g *group) deliver(bt *batch, m *Message, except *session) (all outcome) {
	members := *g.members.Load()
	n := len(members)
	if n == 0 {
		return 0
	}
	start := int(g.next.Add(1)) % n
	for want := idle; want <= congested+1; want++ {
		for i := range n {
			t := &members[(start+i)%n]
			load := congested + 1 // for a member that is away
			if t.s.online.Load() {
				load = t.s.load.Load()
			}
			if load != want || t.s == except {
				continue
			}
			if acl := bt.b.router.acl; acl != nil && !acl.Allow(t.s.who.Load(), string(m.Topic), Read) {
				continue
			}
			if all |= t.s.offer(bt, m, t.grant); all&accepted != 0 {
				return all
			}
		}
	}
	return all
}

// noteShare notes a message that no member of the group had room for. At debug level it notes every
// message, at other levels at most one in missPause.
func (bt *batch) noteShare(g *group, m *Message) {
	const why = "no member has room for it"
	b := bt.b
	if b.noting() {
		bt.count.note(slog.LevelDebug, "message dropped", slog.String("share", escaped(g.filter)), slog.String("topic", escaped(string(m.Topic))),
			slog.String("why", why))
	}
	g.missed.Add(1)
	now, last := b.moment(time.Now()), g.missedAt.Load()
	if (last == 0 || now-last >= int64(missPause)) && g.missedAt.CompareAndSwap(last, now) {
		bt.count.note(slog.LevelWarn, "share misses messages", slog.String("share", escaped(g.filter)), slog.Int64("messages", g.missed.Swap(0)),
			slog.String("why", why))
	}
}

// offerLeft delivers messages of shared subscriptions that a client cannot accept to other members.
func (bt *batch) offerLeft() {
	for i := 0; i < len(bt.count.left); i++ { // it may grow
		h := &bt.count.left[i]
		if h.g.group.deliver(bt, h.m, nil)&accepted == 0 {
			bt.count.dropped++
			bt.noteShare(h.g.group, h.m)
		}
	}
	clear(bt.count.left)
	bt.count.left = nil
}

// Messages that a session will not send are passed to other members passAtOnce at a time. After
// passTries messages that no member of a group accepts, the rest of that group's messages are
// dropped.
const (
	passAtOnce = 64
	passTries  = 16
)

// passToMembers delivers messages of shared subscriptions that their session will not send to other
// members. No lock may be held.
func (b *Broker) passToMembers(bt *batch, from *session, left []delivery) {
	failed := make(map[*group]int)
	for some := range slices.Chunk(left, passAtOnce) {
		if b.aborted.Load() {
			return
		}
		for i := range some {
			h := &some[i]
			g := h.g.group
			if failed[g] >= passTries || g.deliver(bt, h.m, from)&accepted == 0 {
				failed[g]++
				bt.count.dropped++
				bt.noteShare(g, h.m)
			}
			from.recordPassed(h)
		}
		bt.nextTransaction()
	}
}
