package faults

import (
	"sync"
	"time"

	"mqtt/internal/proto"
)

// MaxWhole is the size of the largest packet that is duplicated or reordered, in bytes.
const MaxWhole = 1 << 20

// Connection decides the faults of one connection. Its methods may be called by two goroutines, one
// for each direction.
type Connection interface {
	// Refuse returns the reason code of CONNACK for that client, Success to accept it.
	Refuse(client string) proto.Reason
	// Packet returns what to do with the next packet.
	Packet(p Packet) Action
}

// Packet describes a packet.
type Packet struct {
	In     bool // the client sent it
	Type   proto.Type
	Size   int    // in bytes, with the fixed header
	Client string // client identifier; "" while it is not known
	Topic  []byte // of a PUBLISH, with a topic alias resolved; nil if it is not known
}

// Action is what happens to one packet: first the delay, then the rest. The zero value forwards the
// packet. At most one of Drop, Duplicate, Reorder and Corrupt is set.
type Action struct {
	Delay     time.Duration // of this packet and all that follow it
	Speed     int64         // at which it passes, in bytes a second; 0 means no limit
	Drop      bool          // discard the packet
	Duplicate bool          // forward the packet twice
	Reorder   bool          // forward the packet after the next one
	Corrupt   bool          // flip Bit
	Bit       int           // number of the bit, in the order of transmission
	Cut       bool          // close the connection instead
	Stall     bool          // forward nothing more in this direction, without closing
}

// Word returns the word of the fault that has the strongest effect on the packet, "" for none.
func (a Action) Word() string {
	switch {
	case a.Cut:
		return "cut"
	case a.Stall:
		return "stall"
	case a.Drop:
		return "drop"
	case a.Duplicate:
		return "duplicate"
	case a.Reorder:
		return "reorder"
	case a.Corrupt:
		return "corrupt"
	case a.Delay > 0:
		return "delay"
	case a.Speed > 0:
		return "throttle"
	}
	return ""
}

// state is the state of the faults of one connection. Each direction has random numbers of its own.
type state struct {
	plan    *Plan
	out, in randoms

	mu       sync.Mutex // of the following, and of the random numbers
	packets  int        // of both directions
	bytes    int        // of both directions
	swapping [2]bool    // a packet waits for the next one, by direction
	judged   bool       // the client was held against the pattern
	selected bool       // and has faults
}

// suffers reports whether the connection has faults, once the client is known. mu is held.
func (s *state) suffers(client string) bool {
	p := s.plan
	if p.client == "" {
		return true
	}
	if !s.judged && client != "" {
		s.judged = true
		s.selected = matches(p.client, client) && (p.first < 0 || p.matching.Add(1) <= p.first)
	}
	return s.selected
}

// Refuse implements Connection.
func (s *state) Refuse(client string) proto.Reason {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.suffers(client) {
		return proto.Success
	}
	return s.plan.refuse
}

// chances are the random numbers of one packet. Each packet uses all of them, so that the decisions
// about one packet do not depend on those about another.
type chances struct{ delay, drop, duplicate, reorder, corrupt, bit float64 }

func (r randoms) draw() chances {
	return chances{r.first.Float64(), r.first.Float64(), r.first.Float64(), r.later.Float64(), r.later.Float64(), r.later.Float64()}
}

// Packet implements Connection.
func (s *state) Packet(q Packet) (a Action) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.plan
	random, lane := s.out, &s.swapping[0]
	if q.In {
		random, lane = s.in, &s.swapping[1]
	}
	c := random.draw()
	s.packets++
	s.bytes += q.Size
	if !s.suffers(q.Client) {
		return a
	}
	a.Cut = p.cutAfter >= 0 && s.packets > p.cutAfter || p.cutBytes >= 0 && s.bytes > p.cutBytes
	a.Stall = !a.Cut && p.stallAfter >= 0 && s.packets > p.stallAfter
	if p.selects(q) {
		p.disturb(&a, q, c, *lane)
	}
	switch {
	case a.Reorder:
		*lane = true
	case !a.Drop:
		*lane = false // the packet that waited follows this one
	}
	return a
}

// selects reports whether packets such as q have faults.
func (p *Plan) selects(q Packet) bool {
	if q.In && !p.in || !q.In && !p.out || p.packets&(1<<q.Type) == 0 {
		return false
	}
	return p.topic == "" || q.Type == proto.PUBLISH && q.Topic != nil && proto.Match(p.topic, q.Topic)
}

// disturb sets the faults of a packet that is selected. waiting tells that a packet of its direction
// waits for it.
func (p *Plan) disturb(a *Action, q Packet, c chances, waiting bool) {
	a.Delay = p.minDelay + time.Duration(c.delay*float64(p.maxDelay-p.minDelay))
	if !q.In && answers(q.Type) {
		a.Delay += p.answerDelay
	}
	a.Speed = p.speed
	if q.Type == proto.CONNECT || q.Type == proto.CONNACK {
		return
	}
	whole := q.Size <= MaxWhole
	switch {
	case c.drop < p.drop:
		a.Drop = true
	case whole && c.duplicate < p.duplicate:
		a.Duplicate = true
	case whole && !waiting && c.reorder < p.reorder:
		a.Reorder = true
	case c.corrupt < p.corrupt:
		a.Corrupt, a.Bit = true, int(c.bit*float64(8*q.Size))
	}
}

// answers reports whether a packet of the server answers one of the client.
func answers(t proto.Type) bool {
	return t != proto.PUBLISH && t != proto.DISCONNECT && t != proto.PUBREL
}
