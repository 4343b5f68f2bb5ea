package broker

import (
	"net"
	"sort"
	"time"

	"mqtt/internal/proto"
)

// ClientInfo describes a connected client.
type ClientInfo struct {
	ID            string
	Username      string
	Version       proto.Version
	Remote        net.Addr
	Subscriptions int
	Queued        int // messages in its backlog
	InFlight      int // QoS 1 and 2 messages it has not acknowledged
	Waiting       int // bytes being written to it
	Lagging       bool
	Expiry        time.Duration // of its session; negative means never
}

// Clients returns the connected clients, sorted by identifier.
func (b *Broker) Clients() []ClientInfo {
	b.mu.Lock()
	all := make([]*session, 0, len(b.clients))
	for _, s := range b.sessions {
		all = append(all, s)
	}
	b.mu.Unlock()
	list := make([]ClientInfo, 0, len(all))
	for _, s := range all {
		s.mu.Lock()
		if c := s.client; c != nil {
			i := ClientInfo{ID: s.id, Username: c.who.Username, Version: c.v, Remote: c.who.Remote, Subscriptions: len(s.subs),
				Queued: s.queue.n, InFlight: s.sender.Pending(), Waiting: c.out.n + c.writing, Lagging: c.lagging,
				Expiry: time.Duration(s.expiry) * time.Second}
			if s.expiry == never {
				i.Expiry = -1
			}
			list = append(list, i)
		}
		s.mu.Unlock()
	}
	sort.Slice(list, func(i, j int) bool { return list[i].ID < list[j].ID })
	return list
}
