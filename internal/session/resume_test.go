package session

import (
	"testing"

	"mqtt/internal/proto"
)

func ids(again []Flight[string]) (list []uint16) {
	for _, f := range again {
		list = append(list, f.ID)
	}
	return list
}

func equal(a, b []uint16) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// TestResend loses the connection with one message in each state. The messages come back in the
// order of sending [MQTT-4.6.0-1] with their identifiers [MQTT-4.4.0-1] (3.1.1: [MQTT-2.3.1-3]),
// never as PUBLISH after PUBREL [MQTT-4.3.3-6], and as PUBREL in the order of PUBREC
// [MQTT-4.6.0-4]. Requests are dropped.
func TestResend(t *testing.T) {
	var s Sender[string]
	s.Limit(10)
	var id [6]uint16
	for i, qos := range []byte{2, 1, 2, 2, 1, 2} {
		var kept *string
		id[i], kept, _ = s.Add(qos, uint64(100+i))
		*kept = string(rune('a' + i))
		if i == 2 {
			s.Request(1)
		}
	}
	acknowledge(t, &s, proto.PUBREC, id[3], proto.Success)
	acknowledge(t, &s, proto.PUBREC, id[0], proto.NoMatchingSubscribers)
	acknowledge(t, &s, proto.PUBACK, id[1], proto.Success)
	acknowledge(t, &s, proto.PUBREC, id[3], proto.Success) // a repeat moves nothing
	for range 2 {                                          // a second cut before any answer finds the same
		again := s.Resend()
		if want := []uint16{id[2], id[4], id[5], id[3], id[0]}; !equal(ids(again), want) {
			t.Fatalf("order %v, want %v", ids(again), want)
		}
		for i, f := range again {
			n := []int{2, 4, 5, 3, 0}[i]
			if f.Tag != uint64(100+n) || *f.Message != string(rune('a'+n)) || f.Message != s.Message(f.ID) {
				t.Errorf("flight %d: tag %d, kept %q", f.ID, f.Tag, *f.Message)
			}
			if f.QoS != []byte{2, 1, 2, 2, 2}[i] || f.Released != (i > 2) || s.Released(f.ID) != f.Released {
				t.Errorf("flight %d: QoS %d, released %v", f.ID, f.QoS, f.Released)
			}
		}
	}
	if step := acknowledge(t, &s, proto.SUBACK, 4, proto.Success); step.Known {
		t.Error("a request outlived its connection")
	}
	if s.Pending() != 5 {
		t.Errorf("%d pending, want 5", s.Pending())
	}
}

// TestRenew resumes with a peer that has lost the session [MQTT-3.2.2-5]: all messages are new
// again, in the order in which they were first sent. The two at QoS 2, which may be delivered
// twice, are counted.
func TestRenew(t *testing.T) {
	var s Sender[string]
	s.Limit(10)
	a, b, c := add(t, &s, 2, 1), add(t, &s, 1, 2), add(t, &s, 2, 3)
	acknowledge(t, &s, proto.PUBREC, a, proto.Success)
	if twice := s.Renew(); twice != 2 {
		t.Errorf("%d may arrive twice, want 2", twice)
	}
	again := s.Resend()
	if !equal(ids(again), []uint16{a, b, c}) {
		t.Errorf("order %v, want %v", ids(again), []uint16{a, b, c})
	}
	for _, f := range again {
		if f.Released {
			t.Errorf("%d would be sent as PUBREL to a peer that does not know it", f.ID)
		}
	}
	if _, err := s.Acknowledge(proto.PUBCOMP, a, proto.Success); err == nil {
		t.Error("PUBCOMP without PUBREC is no error")
	}
	if step := acknowledge(t, &s, proto.PUBREC, a, proto.Success); !step.Release || step.Tag != 1 {
		t.Errorf("PUBREC of a renewed message: %+v", step)
	}
	if s.Pending() != 3 {
		t.Errorf("%d pending, want 3", s.Pending())
	}
}

// TestRestore puts messages back after a restart, and continues with them.
func TestRestore(t *testing.T) {
	var s Sender[string]
	s.Limit(2)
	for i, row := range []struct {
		id     uint16
		qos    byte
		pubrec bool
	}{{300, 2, true}, {5, 1, false}, {65535, 2, false}, {1, 1, false}} {
		kept, ok := s.Restore(row.id, row.qos, row.pubrec, uint64(i))
		if !ok {
			t.Fatalf("%d was not restored", row.id)
		}
		*kept = string(rune('a' + i))
	}
	for _, id := range []uint16{0, 1, 5, 300, 65535} {
		if _, ok := s.Restore(id, 1, false, 9); ok {
			t.Errorf("%d was restored a second time", id)
		}
	}
	if s.Pending() != 4 || s.Free() != 0 {
		t.Errorf("%d pending, %d free", s.Pending(), s.Free())
	}
	again := s.Resend()
	if want := []uint16{300, 5, 65535, 1}; !equal(ids(again), want) {
		t.Fatalf("order %v, want %v", ids(again), want)
	}
	for i, f := range again {
		if f.Tag != uint64(i) || *f.Message != string(rune('a'+i)) || f.Released != (i == 0) || f.QoS != []byte{2, 1, 2, 1}[i] {
			t.Errorf("flight %+v, kept %q", f, *f.Message)
		}
	}
	s.Limit(65535)
	used := map[uint16]bool{300: true, 5: true, 65535: true, 1: true}
	for s.Free() > 0 {
		id := add(t, &s, 1, 0)
		if used[id] {
			t.Fatalf("%d was given out twice", id)
		}
		used[id] = true
	}
	if len(used) != 65535 || used[0] {
		t.Errorf("%d identifiers", len(used))
	}
	acknowledge(t, &s, proto.PUBCOMP, 300, proto.Success)
	if id := add(t, &s, 1, 0); id != 300 {
		t.Errorf("got %d, only 300 was free", id)
	}
}
