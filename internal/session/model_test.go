package session

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"mqtt/internal/proto"
)

// flight is a message or request of the model.
type flight struct {
	state        state
	tag          uint64
	first, order int
}

// model is a Sender as a simple map.
type model struct {
	limit int
	clock int
	at    map[uint16]*flight
}

func (m *model) messages() int {
	n := 0
	for _, f := range m.at {
		if f.state != request {
			n++
		}
	}
	return n
}

func (m *model) add(id uint16, st state, tag uint64) {
	m.clock++
	m.at[id] = &flight{st, tag, m.clock, m.clock}
}

// acknowledge returns the expected effect of a packet.
func (m *model) acknowledge(kind proto.Type, id uint16, r proto.Reason) (want Step, wrong bool) {
	f := m.at[id]
	if f == nil {
		return Step{Release: kind == proto.PUBREC && r < 0x80}, false
	}
	want = Step{Tag: f.tag, Known: true}
	awaited := map[state][]proto.Type{request: {proto.SUBACK, proto.UNSUBACK}, published: {proto.PUBACK}, assured: {proto.PUBREC}, released: {proto.PUBREC, proto.PUBCOMP}}
	if !slices.Contains(awaited[f.state], kind) {
		return want, true
	}
	if kind == proto.PUBREC && (f.state == released || r < 0x80) {
		if want.Release = r < 0x80; f.state == assured {
			m.clock++
			f.state, f.order = released, m.clock
		}
		return want, false
	}
	want.Done = true
	delete(m.at, id)
	return want, false
}

// again returns the identifiers to send again after a lost connection, in order. Requests are
// dropped.
func (m *model) again() []uint16 {
	maps.DeleteFunc(m.at, func(_ uint16, f *flight) bool { return f.state == request })
	list := slices.Collect(maps.Keys(m.at))
	slices.SortFunc(list, func(a, b uint16) int { return m.at[a].order - m.at[b].order })
	return list
}

// TestSenderModel compares a Sender with the model over thousands of random operations: messages,
// requests, acknowledgements of any type for any identifier, lost connections with and without a
// session at the peer, restarts, and changed windows. Identifiers are never 0 and never assigned
// twice [MQTT-2.2.1-3], [MQTT-4.3.2-1], [MQTT-4.3.3-1].
func TestSenderModel(t *testing.T) {
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var s Sender[uint64]
		m := model{at: make(map[uint16]*flight)}
		tag := uint64(1000)
		began := 0
		limits := []int{1, 2, 5, 20, 100}
		if seed%10 == 0 {
			limits = []int{3000, 5000}
		}
		setLimit := func() {
			m.limit = limits[rnd.IntN(len(limits))]
			s.Limit(m.limit)
		}
		setLimit()
		top := 1 // the highest identifier so far
		put := func(kind string, id uint16, st state) {
			if f := m.at[id]; id == 0 || f != nil {
				t.Fatalf("seed %d: %s got identifier %d, in use: %v", seed, kind, id, f)
			}
			m.add(id, st, tag)
			top = max(top, int(id))
		}
		known := func() uint16 { // one in flight if there is any
			for i, start := 0, rnd.IntN(top); i < top; i++ {
				if id := uint16(1 + (start+i)%top); m.at[id] != nil {
					return id
				}
			}
			return uint16(rnd.IntN(70000))
		}
		kinds := []proto.Type{proto.PUBACK, proto.PUBREC, proto.PUBCOMP, proto.SUBACK, proto.UNSUBACK}
		reasons := []proto.Reason{proto.Success, proto.Success, proto.NoMatchingSubscribers, proto.UnspecifiedError, proto.PacketIdentifierNotFound}
		for range 8000 {
			tag++
			switch what := rnd.IntN(1000); {
			case what < 430:
				qos := byte(1 + rnd.IntN(2))
				id, kept, ok := s.Add(qos, tag)
				if want := m.messages() < m.limit; ok != want {
					t.Fatalf("seed %d: Begin %v with %d of %d", seed, ok, m.messages(), m.limit)
				} else if !ok {
					break
				}
				*kept = tag
				began++
				put("Begin", id, []state{published, assured}[qos-1])
			case what < 480:
				id, ok := s.Request(tag)
				if !ok {
					t.Fatalf("seed %d: no identifier for a request", seed)
				}
				put("Request", id, request)
			case what < 880: // the acknowledgement that is awaited
				id := known()
				kind := kinds[rnd.IntN(len(kinds))]
				if f := m.at[id]; f != nil {
					kind = map[state]proto.Type{request: proto.SUBACK, published: proto.PUBACK, assured: proto.PUBREC, released: proto.PUBCOMP}[f.state]
				}
				checkSettle(t, &s, &m, kind, id, reasons[rnd.IntN(len(reasons))])
			case what < 960: // any to any
				id := known()
				if rnd.IntN(3) == 0 {
					id = uint16(rnd.IntN(70000))
				}
				checkSettle(t, &s, &m, kinds[rnd.IntN(len(kinds))], id, reasons[rnd.IntN(len(reasons))])
			case what < 970:
				id := known()
				s.Cancel(id)
				delete(m.at, id)
			case what < 980:
				setLimit()
			case what < 990:
				checkResend(t, &s, &m)
			case what < 994:
				want := 0
				for _, f := range m.at {
					if f.state == assured || f.state == released {
						want++
					}
					if f.state == released {
						f.state, f.order = assured, f.first
					}
				}
				if got := s.Renew(); got != want {
					t.Fatalf("seed %d: Renew counts %d, want %d", seed, got, want)
				}
				checkResend(t, &s, &m)
			case what < 998: // a restart: what was in flight goes into a new Sender
				again := s.Resend()
				m.again()
				s = Sender[uint64]{}
				s.Limit(m.limit)
				for _, f := range again {
					kept, ok := s.Restore(f.ID, f.QoS, f.Released, f.Tag)
					if !ok {
						t.Fatalf("seed %d: %d was not restored", seed, f.ID)
					}
					*kept = f.Tag
					m.clock++
					m.at[f.ID].first, m.at[f.ID].order = m.clock, m.clock
				}
				checkResend(t, &s, &m)
			default:
				s.Forget()
				clear(m.at)
			}
			if n := m.messages(); s.Pending() != n || s.Free() != max(0, m.limit-n) {
				t.Fatalf("seed %d: %d pending, %d free, want %d of %d", seed, s.Pending(), s.Free(), n, m.limit)
			}
		}
		if began < 500 {
			t.Errorf("seed %d: only %d messages began", seed, began)
		}
	}
}

func checkSettle(t *testing.T, s *Sender[uint64], m *model, kind proto.Type, id uint16, r proto.Reason) {
	t.Helper()
	if f := m.at[id]; f != nil && f.state != request {
		if kept := s.Message(id); kept == nil || *kept != f.tag {
			t.Fatalf("%d does not keep what was put there", id)
		}
	} else if s.Message(id) != nil {
		t.Fatalf("%d keeps something", id)
	}
	want, wrong := m.acknowledge(kind, id, r)
	got, err := s.Acknowledge(kind, id, r)
	if got != want || (err != nil) != wrong {
		t.Fatalf("%s %d %s: %+v, %v, want %+v, %v", kind, id, r, got, err, want, wrong)
	}
}

func checkResend(t *testing.T, s *Sender[uint64], m *model) {
	t.Helper()
	want := m.again()
	got := s.Resend()
	if len(got) != len(want) {
		t.Fatalf("%d to send again, want %d", len(got), len(want))
	}
	for i, f := range got {
		w := m.at[want[i]]
		qos := byte(2)
		if w.state == published {
			qos = 1
		}
		if f.ID != want[i] || f.Tag != w.tag || *f.Message != w.tag || f.QoS != qos || f.Released != (w.state == released) {
			t.Fatalf("flight %d is %+v, want identifier %d of %+v", i, f, want[i], *w)
		}
	}
}

// TestWrap sends more messages than there are identifiers, with windows that divide their number
// and others, and acknowledges them in any order.
func TestWrap(t *testing.T) {
	for _, window := range []int{1, 7, 1000, 65535} {
		rnd := rand.New(rand.NewPCG(uint64(window), 2))
		var s Sender[struct{}]
		s.Limit(window)
		var out []uint16
		var used [65536]bool
		for n := range 150000 {
			id, _, ok := s.Add(1, uint64(n))
			if !ok || id == 0 || used[id] {
				t.Fatalf("window %d, message %d: identifier %d, %v, in use %v", window, n, id, ok, used[id])
			}
			used[id] = true
			out = append(out, id)
			for s.Free() == 0 {
				i := rnd.IntN(len(out))
				done := out[i]
				out[i] = out[len(out)-1]
				out = out[:len(out)-1]
				if step, err := s.Acknowledge(proto.PUBACK, done, 0); err != nil || !step.Done {
					t.Fatalf("PUBACK %d: %+v, %v", done, step, err)
				}
				used[done] = false
			}
		}
	}
}

// TestRing compares the queue with a slice.
func TestRing(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 3))
	var r ring
	var want []uint16
	for i := range 20000 {
		switch n := rnd.IntN(100); {
		case n < 50 && len(want) < 3000 || n < 20:
			r.push(uint16(i))
			want = append(want, uint16(i))
		case n < 95:
			id, ok := r.pop()
			if ok != (len(want) > 0) || ok && id != want[0] {
				t.Fatalf("popped %d, %v, of %d", id, ok, len(want))
			}
			if ok {
				want = want[1:]
			}
		default:
			id := uint16(rnd.IntN(i + 1))
			r.remove(id)
			if at := slices.Index(want, id); at >= 0 {
				want = slices.Delete(slices.Clone(want), at, at+1)
			}
		}
		if r.n != len(want) {
			t.Fatalf("%d in the ring, want %d", r.n, len(want))
		}
	}
}
