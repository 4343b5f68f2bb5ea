package rules

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"mqtt/internal/faults"
	"mqtt/internal/proto"
)

// world is a client and a server that both keep to the standard, and a relay with faults between
// them. It has no goroutines: random numbers decide who does the next step.
type world struct {
	random   *rand.Rand
	v        proto.Version
	plan     *faults.Plan
	sessions *Sessions
	links    []*link
	client   *ledger
	server   *ledger // nil: it has no session
	history  []string
	blamed   bool
	packets  int // that were sent
	steps    int
}

// link is one connection.
type link struct {
	w        *world
	number   int
	observer *Observer // nil if it cannot follow the connection
	faults   faults.Connection
	lanes    [2]faults.Lane
	pending  [2][]byte    // what is to be delivered next
	came     [2]time.Time // when the newest packet was sent
	bad      [2]bool      // and a flipped bit hides where its packets end
	stalled  [2]bool
	over     [2]bool // the relay has seen the end of the direction
	peers    [2]*rightPeer
}

func (w *world) note(l *link, format string, args ...any) {
	w.history = append(w.history, fmt.Sprintf("%d: ", l.number)+fmt.Sprintf(format, args...))
}

// open opens a connection.
func (w *world) open() {
	l := &link{w: w, number: len(w.history), observer: w.sessions.Connection(), faults: w.plan.Connection()}
	l.peers = [2]*rightPeer{newPeer(w, false), newPeer(w, true)}
	c, s := l.peers[0], l.peers[1]
	c.ledger, s.ledger = w.client, newLedger()
	s.connected = func(p *proto.Connect) {
		for _, other := range w.links {
			if other != l && other.peers[1].ready {
				other.peers[1].gone = true // the session is taken over
			}
		}
		present := !p.CleanStart && w.server != nil && !w.server.brief && (w.v == proto.V31 || w.random.IntN(6) > 0)
		if !present {
			w.server = newLedger()
			w.server.brief = p.CleanStart && w.v < proto.V5
		}
		s.ledger = w.server
		s.resend = slices.Clone(s.sending)
		s.take(p, present)
	}
	w.links = append(w.links, l)
	c.connect(w.random.IntN(4) == 0)
}

// step lets one of those who can do something do it.
func (w *world) step() {
	w.steps++
	w.links = slices.DeleteFunc(w.links, func(l *link) bool { return l.over[0] && l.over[1] })
	current := len(w.links) > 0 && !w.links[len(w.links)-1].peers[0].gone
	if !current {
		w.open()
		return
	}
	l := w.links[w.random.IntN(len(w.links))]
	way := w.random.IntN(2)
	p := l.peers[way]
	switch w.random.IntN(4) {
	case 0:
		if !p.gone && len(p.in) > 0 {
			l.read(p)
		} else if !p.gone && p.ended {
			p.gone = true
		}
	case 1:
		if !p.gone {
			p.act()
		}
	default:
		l.relay(Way(way))
	}
}

// read lets a peer read a packet. A client that is accepted goes on with its session, or begins another one.
func (l *link) read(p *rightPeer) {
	before := p.ready
	if !p.server && !before && proto.Type(p.in[0][0]>>4) == proto.CONNACK {
		var a proto.Connack
		f, _, _ := proto.Split(p.in[0], 0)
		if a.Decode(f, p.v) == nil && a.Reason == proto.Success {
			if a.SessionPresent && !p.known && (p.v == proto.V5 || p.chance(2)) {
				p.gone = true
				return
			}
			if !a.SessionPresent && p.v >= proto.V311 && p.most == 0 {
				*p.ledger = *newLedger()
			}
			p.known = true
			if p.most == 0 {
				p.resend = slices.Clone(p.sending)
			}
		}
	}
	p.read()
}

// relay moves one packet on.
func (l *link) relay(way Way) {
	from, to := l.peers[way], l.peers[1-way]
	now := l.came[way]
	switch {
	case len(l.pending[way]) > 0 || l.bad[way]:
		l.deliver(way, to, now)
	case l.over[way]:
	case len(from.out) > 0:
		b := from.out[0]
		from.out = from.out[1:]
		l.came[way] = time.Unix(0, int64(b.step))
		l.pass(way, b.packet, l.came[way])
	case l.lanes[way].Held() && l.w.random.IntN(4) == 0:
		l.pending[way] = l.lanes[way].Flush(nil)
	case from.gone:
		if l.lanes[way].Held() {
			l.pending[way] = l.lanes[way].Flush(nil)
			return
		}
		l.close(way, now)
	}
}

// pass shows a packet to the observer and lets faults happen to it.
func (l *link) pass(way Way, b []byte, now time.Time) {
	f, _, _ := proto.Split(b, 0)
	var a faults.Action
	if l.faults != nil {
		a = l.faults.Packet(faults.Packet{In: way == In, Type: f.Type(), Size: len(b), Client: "c"})
	}
	if l.stalled[way] {
		a = faults.Action{Stall: true}
	}
	l.w.packets++
	l.w.note(l, "%s %s %x %s", way.sender(), f.Type(), b, a.Word())
	if l.observer != nil {
		for _, v := range l.observer.Sent(way, b, now) {
			l.w.blamed = true
			l.w.note(l, "the %s is blamed for %s of MQTT %s: %s", v.Broken, v.Name(), v.Version, v.Got)
		}
	}
	switch {
	case a.Stall:
		l.stalled[way] = true
	case a.Cut:
		l.close(In, now)
		l.close(Out, now)
		l.peers[0].out, l.peers[1].out = nil, nil
	default:
		l.bad[way] = a.Corrupt && a.Bit/8 < 5
		l.pending[way] = l.lanes[way].Packet(nil, a, b, len(b))
	}
}

// deliver gives a peer what faults have made of packets.
func (l *link) deliver(way Way, to *rightPeer, now time.Time) {
	out := l.pending[way]
	l.pending[way] = nil
	if l.bad[way] && l.observer != nil {
		l.observer.Cut(now)
		l.observer = nil
	}
	hidden := l.bad[way]
	l.bad[way] = false
	for len(out) > 0 {
		size, err := proto.PacketSize(out)
		if err != nil || size == 0 || size > len(out) {
			to.ended = true // what comes now makes no sense to it
			if l.observer != nil && !hidden {
				l.observer.Cut(now)
				l.observer = nil
			}
			return
		}
		if l.observer != nil {
			l.observer.Delivered(way, out[:size], now)
		}
		l.w.note(l, "delivered to the %s %x", (1 - way).sender(), out[:size])
		to.in = append(to.in, slices.Clone(out[:size]))
		out = out[size:]
	}
}

// close tells that a direction has ended.
func (l *link) close(way Way, now time.Time) {
	l.over[way] = true
	l.w.note(l, "%s closed", way.sender())
	if l.observer != nil {
		l.observer.Closed(way, now)
	}
	to := l.peers[1-way]
	to.ended = true
	if l.peers[way].gone = true; l.w.random.IntN(3) == 0 {
		to.in = to.in[:l.w.random.IntN(len(to.in)+1)] // a reset discards what was not read
	}
}
