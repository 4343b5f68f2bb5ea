package faults

import (
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
)

type counter struct{ atomic.Int64 }

// Connection implements broker.Fault.
func (p *Plan) Connection(net.Addr) broker.Fate {
	n := p.next.Add(1)
	if p.first >= 0 && n > p.first || p.chances(uint64(n), 0).Float64() >= p.share {
		return nil
	}
	return &fate{plan: p, chances: [2]*rand.Rand{p.chances(uint64(n), 1), p.chances(uint64(n), 2)}}
}

// fate is what happens to one connection. What counts for a cut is guarded, the rest
// belongs to its direction.
type fate struct {
	plan    *Plan
	chances [2]*rand.Rand // out, in

	mu      sync.Mutex
	packets int
	bytes   int
}

// Refuse implements broker.Fate.
func (f *fate) Refuse() proto.Reason { return f.plan.refuse }

// Packet implements broker.Fate.
func (f *fate) Packet(in bool, t proto.Type, size int) (a broker.Action) {
	p := f.plan
	f.mu.Lock()
	f.packets++
	f.bytes += size
	packets, bytes := f.packets, f.bytes
	f.mu.Unlock()
	a.Cut = p.cutAfter >= 0 && packets > p.cutAfter || p.cutBytes >= 0 && bytes > p.cutBytes
	a.Stall = !a.Cut && p.stallAfter >= 0 && packets > p.stallAfter

	r := f.chances[0]
	if in {
		r = f.chances[1]
	}
	// Each packet takes the same chances, so that one decision does not move others.
	wait, drop, double := r.Float64(), r.Float64(), r.Float64()
	if in && !p.in || !in && !p.out || p.packets&(1<<t) == 0 {
		return a
	}
	a.Delay = p.delay + time.Duration(wait*float64(p.delayMost-p.delay))
	if !in && t != proto.PUBLISH && t != proto.DISCONNECT && t != proto.PUBREL {
		a.Delay += p.late
	}
	if t == proto.CONNECT || t == proto.CONNACK {
		return a
	}
	a.Drop = drop < p.drop
	a.Duplicate = !a.Drop && double < p.duplicate
	return a
}
