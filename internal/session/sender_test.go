package session

import (
	"errors"
	"testing"

	"mqtt/internal/proto"
)

// add adds a message, and fails the test if the window is full.
func add(t *testing.T, s *Sender[string], qos byte, tag uint64) uint16 {
	t.Helper()
	id, kept, ok := s.Add(qos, tag)
	if !ok || id == 0 || kept == nil {
		t.Fatalf("Begin(%d, %d): %d, %v", qos, tag, id, ok)
	}
	return id
}

// acknowledge handles an acknowledgement, and fails the test on an error.
func acknowledge(t *testing.T, s *Sender[string], kind proto.Type, id uint16, r proto.Reason) Step {
	t.Helper()
	step, err := s.Acknowledge(kind, id, r)
	if err != nil {
		t.Fatalf("%s %d: %v", kind, id, err)
	}
	return step
}

// TestAcknowledge is the table of the effect of each packet in each state. QoS 1 ends with PUBACK
// [MQTT-4.3.2-3]. QoS 2 continues after PUBREC with PUBREL [MQTT-4.3.3-3], [MQTT-4.3.3-4] and ends
// with PUBCOMP [MQTT-4.3.3-5] (3.1.1: [MQTT-4.3.2-1], [MQTT-4.3.3-1]). An error ends both
// [MQTT-4.4.0-2].
func TestAcknowledge(t *testing.T) {
	const (
		ok, none = proto.Success, proto.NoMatchingSubscribers
		no, gone = proto.QuotaExceeded, proto.PacketIdentifierNotFound
	)
	unknown, release := Step{}, Step{Release: true}
	known := Step{Tag: 7, Known: true}
	goOn := Step{Tag: 7, Known: true, Release: true}
	done := Step{Tag: 7, Known: true, Done: true}
	for _, row := range []struct {
		state string
		kind  proto.Type
		r     proto.Reason
		want  Step
		wrong bool
	}{
		{"free", proto.PUBACK, ok, unknown, false},
		{"free", proto.PUBREC, ok, release, false}, // PUBREL with PacketIdentifierNotFound
		{"free", proto.PUBREC, no, unknown, false},
		{"free", proto.PUBCOMP, ok, unknown, false},
		{"free", proto.SUBACK, ok, unknown, false},
		{"free", proto.UNSUBACK, ok, unknown, false},
		{"published", proto.PUBACK, ok, done, false},
		{"published", proto.PUBACK, none, done, false},
		{"published", proto.PUBACK, no, done, false},
		{"published", proto.PUBREC, ok, known, true},
		{"published", proto.PUBREC, no, known, true},
		{"published", proto.PUBCOMP, ok, known, true},
		{"published", proto.SUBACK, ok, known, true},
		{"published", proto.UNSUBACK, ok, known, true},
		{"assured", proto.PUBACK, ok, known, true},
		{"assured", proto.PUBREC, ok, goOn, false},
		{"assured", proto.PUBREC, none, goOn, false},
		{"assured", proto.PUBREC, no, done, false},
		{"assured", proto.PUBREC, proto.UnspecifiedError, done, false}, // 0x80 itself
		{"assured", proto.PUBCOMP, ok, known, true},
		{"assured", proto.SUBACK, ok, known, true},
		{"assured", proto.UNSUBACK, ok, known, true},
		{"released", proto.PUBACK, ok, known, true},
		{"released", proto.PUBREC, ok, goOn, false}, // a repeat
		{"released", proto.PUBREC, no, known, false},
		{"released", proto.PUBCOMP, ok, done, false},
		{"released", proto.PUBCOMP, gone, done, false},
		{"released", proto.SUBACK, ok, known, true},
		{"request", proto.PUBACK, ok, known, true},
		{"request", proto.PUBREC, ok, known, true},
		{"request", proto.PUBCOMP, ok, known, true},
		{"request", proto.SUBACK, ok, done, false},
		{"request", proto.UNSUBACK, ok, done, false},
		{"request", proto.PUBREL, ok, known, true}, // a receiver's packet
	} {
		t.Run(row.state+"/"+row.kind.String()+"/"+row.r.String(), func(t *testing.T) {
			var s Sender[string]
			s.Limit(2)
			var id uint16
			pending := 1
			switch row.state {
			case "free":
				id = add(t, &s, 1, 6)
				acknowledge(t, &s, proto.PUBACK, id, ok)
				pending = 0
			case "published":
				id = add(t, &s, 1, 7)
			case "assured", "released":
				id = add(t, &s, 2, 7)
				if row.state == "released" {
					acknowledge(t, &s, proto.PUBREC, id, ok)
				}
			case "request":
				id, _ = s.Request(7)
				pending = 0
			}
			if s.Released(id) != (row.state == "released") {
				t.Error("Released is wrong before")
			}
			step, err := s.Acknowledge(row.kind, id, row.r)
			if step != row.want {
				t.Errorf("step %+v, want %+v", step, row.want)
			}
			var e *proto.Error
			if errors.As(err, &e) != row.wrong {
				t.Errorf("error %v", err)
			} else if row.wrong && (e.Type != row.kind || e.Reason != proto.ProtocolError || e.What == "") {
				t.Errorf("error %#v", e)
			}
			if row.want.Done && row.state != "request" {
				pending--
			}
			if s.Pending() != pending || s.Free() != 2-pending {
				t.Errorf("%d pending, %d free, want %d, %d", s.Pending(), s.Free(), pending, 2-pending)
			}
			if (s.Message(id) != nil) != (pending == 1) {
				t.Error("Kept does not go by what is in flight")
			}
		})
	}
}

// TestUnknownIdentifiers uses identifiers that were never assigned.
func TestUnknownIdentifiers(t *testing.T) {
	var s Sender[string]
	s.Limit(5)
	for range 2 {
		for _, id := range []uint16{0, 2, 9, 65535} {
			for _, kind := range []proto.Type{proto.PUBACK, proto.PUBREC, proto.PUBCOMP, proto.SUBACK, proto.UNSUBACK} {
				if step := acknowledge(t, &s, kind, id, proto.Success); step != (Step{Release: kind == proto.PUBREC}) {
					t.Errorf("%s %d: %+v", kind, id, step)
				}
			}
			if s.Message(id) != nil || s.Released(id) {
				t.Errorf("%d is known", id)
			}
			s.Cancel(id)
		}
		if s.Pending() == 0 {
			add(t, &s, 1, 1)
		}
	}
	if s.Pending() != 1 || s.Free() != 4 {
		t.Errorf("%d pending, %d free", s.Pending(), s.Free())
	}
}

// TestWindow checks the limit [MQTT-4.9.0-1], [MQTT-4.9.0-2]. Requests do not count [MQTT-4.9.0-3],
// and messages in flight stay in flight when the window becomes smaller.
func TestWindow(t *testing.T) {
	var s Sender[string]
	if _, _, ok := s.Add(1, 0); ok || s.Free() != 0 {
		t.Error("a window of 0 took a message")
	}
	s.Limit(3)
	a := add(t, &s, 1, 1)
	b := add(t, &s, 2, 2)
	c := add(t, &s, 1, 3)
	if _, _, ok := s.Add(1, 4); ok || s.Free() != 0 || s.Pending() != 3 {
		t.Error("a full window took a message")
	}
	r, ok := s.Request(5)
	if !ok || r == 0 || r == a || r == b || r == c || s.Free() != 0 || s.Pending() != 3 {
		t.Error("a full window held back a request")
	}
	s.Limit(1)
	if s.Free() != 0 || s.Pending() != 3 {
		t.Error("a smaller window lost messages")
	}
	acknowledge(t, &s, proto.PUBACK, a, proto.Success)
	acknowledge(t, &s, proto.PUBREC, b, proto.Success) // keeps its place until PUBCOMP
	if _, _, ok := s.Add(1, 4); ok {
		t.Error("began with two in flight at a window of 1")
	}
	acknowledge(t, &s, proto.PUBCOMP, b, proto.Success)
	acknowledge(t, &s, proto.PUBACK, c, proto.Success)
	if s.Free() != 1 {
		t.Errorf("%d free, want 1", s.Free())
	}
	if id := add(t, &s, 1, 6); id == r {
		t.Error("a request's identifier was given to a message") // [MQTT-2.2.1-3]
	}
}

// TestAllIdentifiers uses all 65535 identifiers at once: none is 0, none is assigned twice,
// requests use the same ones [MQTT-2.2.1-3] (3.1.1: [MQTT-2.3.1-1], [MQTT-2.3.1-2]), and Add
// succeeds as often as Free says.
func TestAllIdentifiers(t *testing.T) {
	var s Sender[struct{}]
	s.Limit(65535)
	var used [65536]bool
	take := func(id uint16, ok bool) {
		t.Helper()
		if !ok || id == 0 || used[id] {
			t.Fatalf("identifier %d, %v, in use %v", id, ok, used[id])
		}
		used[id] = true
	}
	for range 10 {
		take(s.Request(0))
	}
	n := 0
	for ; s.Free() > 0; n++ {
		id, _, ok := s.Add(1+byte(n%2), 0)
		take(id, ok)
	}
	if n != 65525 || s.Pending() != n {
		t.Errorf("%d messages beside 10 requests, %d pending", n, s.Pending())
	}
	if _, _, ok := s.Add(1, 0); ok {
		t.Error("a message without an identifier")
	}
	if _, ok := s.Request(0); ok {
		t.Error("a request without an identifier")
	}
	step, err := s.Acknowledge(proto.SUBACK, 4, 0)
	if err != nil || !step.Done || s.Free() != 1 {
		t.Errorf("after SUBACK: %+v, %v, %d free", step, err, s.Free())
	}
	if id, _, ok := s.Add(2, 0); !ok || id != 4 {
		t.Errorf("got %d, only 4 was free", id)
	}
}

// TestForget removes all messages and keeps the window.
func TestForget(t *testing.T) {
	var s Sender[string]
	s.Limit(4)
	add(t, &s, 1, 1)
	add(t, &s, 2, 2)
	s.Request(3)
	s.Forget()
	if s.Pending() != 0 || s.Free() != 4 || len(s.Resend()) != 0 || s.Message(1) != nil {
		t.Error("something was not forgotten")
	}
	if step := acknowledge(t, &s, proto.PUBACK, 1, 0); step.Known {
		t.Error("an acknowledgement of something forgotten is known")
	}
	add(t, &s, 1, 4)
}

// TestCancel cancels messages that were not sent, each once.
func TestCancel(t *testing.T) {
	var s Sender[string]
	s.Limit(2)
	a := add(t, &s, 1, 1)
	b := add(t, &s, 2, 2)
	s.Cancel(a)
	if s.Pending() != 1 || s.Free() != 1 || s.Message(a) != nil {
		t.Error("not taken back")
	}
	s.Cancel(a) // free: nothing to take back, and not free twice
	c, _, _ := s.Add(1, 3)
	if s.Limit(3); c == b {
		t.Error("an identifier in use was given out")
	}
	if d := add(t, &s, 1, 4); d == c || d == b {
		t.Errorf("%d was assigned twice", d)
	}
	r, _ := s.Request(5)
	s.Cancel(r)
	if s.Pending() != 3 {
		t.Errorf("%d pending, want 3", s.Pending())
	}
}

// TestMemoryIsReused checks that the next message in a slot gets the memory of the last one.
func TestMemoryIsReused(t *testing.T) {
	var s Sender[[]byte]
	s.Limit(1)
	id, kept, _ := s.Add(1, 0)
	*kept = append(*kept, make([]byte, 100)...)
	if _, err := s.Acknowledge(proto.PUBACK, id, 0); err != nil {
		t.Fatal(err)
	}
	if freed := s.Freed(id); cap(*freed) < 100 {
		t.Error("Freed does not show what was kept")
	}
	if _, kept, _ = s.Add(1, 0); cap(*kept) < 100 {
		t.Error("the memory was not handed on")
	}
}

// TestNoAllocations checks that whole exchanges do not allocate.
func TestNoAllocations(t *testing.T) {
	var s Sender[[]byte]
	s.Limit(20)
	var r Receiver
	var failed error
	step := func(kind proto.Type, id uint16) {
		if _, err := s.Acknowledge(kind, id, proto.Success); err != nil {
			failed = err
		}
	}
	var window [20]uint16
	n := testing.AllocsPerRun(500, func() {
		for i := range window {
			id, kept, ok := s.Add(byte(1+i%2), uint64(i))
			if !ok {
				failed = errors.New("the window is full")
				return
			}
			*kept = append((*kept)[:0], "a message"...)
			window[i] = id
		}
		sub, _ := s.Request(0)
		step(proto.SUBACK, sub)
		for i, id := range window {
			if i%2 == 0 {
				step(proto.PUBACK, id)
			} else {
				step(proto.PUBREC, id)
				step(proto.PUBCOMP, id)
			}
			r.Accept(uint16(i + 1000))
			r.Release(uint16(i + 1000))
		}
	})
	if n != 0 || failed != nil {
		t.Errorf("%v allocations, %v", n, failed)
	}
}
