package faults

import (
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
)

// Connection implements broker.Fault.
func (p *Plan) Connection(net.Addr) broker.ConnFaults {
	n := p.connections.Add(1)
	if p.first >= 0 && n > p.first || p.random(uint64(n), 0).Float64() >= p.share {
		return nil
	}
	return &state{plan: p, out: p.random(uint64(n), 1), in: p.random(uint64(n), 2)}
}

// state is the state of the faults of one connection. Each direction has random numbers of
// its own. mu guards the counters, which both directions use.
type state struct {
	plan    *Plan
	out, in *rand.Rand

	mu      sync.Mutex
	packets int
	bytes   int
}

// Refuse implements broker.ConnFaults.
func (s *state) Refuse() proto.Reason { return s.plan.refuse }

// Packet implements broker.ConnFaults.
func (s *state) Packet(in bool, t proto.Type, size int) (a broker.Action) {
	p := s.plan
	packets, bytes := s.count(size)
	a.Cut = p.cutAfter >= 0 && packets > p.cutAfter || p.cutBytes >= 0 && bytes > p.cutBytes
	a.Stall = !a.Cut && p.stallAfter >= 0 && packets > p.stallAfter

	random := s.out
	if in {
		random = s.in
	}
	// Every packet uses three random numbers, so that the decisions about one packet do not
	// depend on those about another.
	delay, drop, duplicate := random.Float64(), random.Float64(), random.Float64()
	if in && !p.in || !in && !p.out || p.packets&(1<<t) == 0 {
		return a
	}
	a.Delay = p.minDelay + time.Duration(delay*float64(p.maxDelay-p.minDelay))
	if !in && answers(t) {
		a.Delay += p.answerDelay
	}
	if t == proto.CONNECT || t == proto.CONNACK {
		return a
	}
	a.Drop = drop < p.drop
	a.Duplicate = !a.Drop && duplicate < p.duplicate
	return a
}

// count adds a packet of that size and returns the new totals.
func (s *state) count(size int) (packets, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.packets++
	s.bytes += size
	return s.packets, s.bytes
}

// answers reports whether a packet of the broker answers one of the client.
func answers(t proto.Type) bool {
	return t != proto.PUBLISH && t != proto.DISCONNECT && t != proto.PUBREL
}
