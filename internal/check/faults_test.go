package check

import (
	"net"
	"slices"
	"sync"

	"mqtt/internal/proto"
)

// mutant is a server with one planted fault: our broker behind a relay that changes packets.
type mutant struct {
	name string
	in   func(m *link, p proto.Packet) []proto.Packet // of the client; nil: unchanged
	out  func(m *link, p proto.Packet) []proto.Packet // of the server; nil: unchanged

	// raw changes the bytes of a packet of one direction, before the others look at it; nil: unchanged
	raw func(m *link, b []byte, in bool) []byte

	// The rules that the fault breaks, in 5.0 and in 3.1.1, which must be among those of the failures.
	v5, v311 string
	also     string // further cases that are needed to see it

	open   bool // the end of the server's connection is hidden from the client, and PINGREQ answered
	abrupt bool // DISCONNECT of the client becomes a lost connection

	farewell bool // the server sends DISCONNECT before it closes
}

// link is one connection of a mutant.
type link struct {
	mu     sync.Mutex
	v      proto.Version
	client net.Conn
	server net.Conn
	seen   map[string]int // what a fault counts
	held   []proto.Packet
}

// count returns how often it was called with that name, from 1.
func (m *link) count(name string) int { return m.add(name, 1) }

// add adds n to what is counted under that name, and returns the sum.
func (m *link) add(name string, n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen == nil {
		m.seen = make(map[string]int)
	}
	m.seen[name] += n
	return m.seen[name]
}

// drop returns a fault that loses the packets of a type.
func drop(t proto.Type) func(*link, proto.Packet) []proto.Packet {
	return func(_ *link, p proto.Packet) []proto.Packet {
		if p.Type() == t {
			return nil
		}
		return []proto.Packet{p}
	}
}

// change returns a fault that changes packets of one kind.
func change[T proto.Packet](f func(T)) func(*link, proto.Packet) []proto.Packet {
	return func(_ *link, p proto.Packet) []proto.Packet {
		if t, ok := p.(T); ok {
			f(t)
		}
		return []proto.Packet{p}
	}
}

// without returns a fault that removes a property from packets.
func without(id proto.PropID) func(*link, proto.Packet) []proto.Packet {
	return func(_ *link, p proto.Packet) []proto.Packet {
		switch a := p.(type) {
		case *proto.Publish:
			a.Props = a.Props.Without(id)
		case *proto.Connect:
			a.Props = a.Props.Without(id)
			if a.Will != nil {
				a.Will.Props = a.Will.Props.Without(id)
			}
		case *proto.Subscribe:
			a.Props = a.Props.Without(id)
		case *proto.Disconnect:
			a.Props = a.Props.Without(id)
		}
		return []proto.Packet{p}
	}
}

// raw returns a fault that changes the bytes of the server's packets of a type.
func raw(t proto.Type, f func(b []byte) []byte) func(*link, []byte, bool) []byte {
	return func(_ *link, b []byte, in bool) []byte {
		if !in && proto.Type(b[0]>>4) == t {
			return f(slices.Clone(b))
		}
		return b
	}
}

// first returns a fault that sets bits of the first byte of the server's packets of a type.
func first(t proto.Type, bits byte) func(*link, []byte, bool) []byte {
	return raw(t, func(b []byte) []byte { b[0] ^= bits; return b })
}

// text5 returns a fault that changes the server's packets of MQTT 5.
func text5(f func(p proto.Packet)) func(*link, proto.Packet) []proto.Packet {
	return func(m *link, p proto.Packet) []proto.Packet {
		if m.v == proto.V5 {
			f(p)
		}
		return []proto.Packet{p}
	}
}

// reason returns a fault that puts a reason code into the acknowledgements of a type that succeed.
func reason(t proto.Type, code proto.Reason) func(*link, []byte, bool) []byte {
	return func(m *link, b []byte, in bool) []byte {
		if m.v != proto.V5 || in || proto.Type(b[0]>>4) != t || len(b) < 4 {
			return b
		}
		return []byte{b[0], 3, b[2], b[3], byte(code)}
	}
}

// accepts returns a fault that repairs the bytes of the client's packets, so that a wrong one is taken.
func accepts(repair func(v proto.Version, b []byte) []byte) func(*link, []byte, bool) []byte {
	return func(m *link, b []byte, in bool) []byte {
		if in {
			return repair(m.v, slices.Clone(b))
		}
		return b
	}
}
