package session

import (
	"testing"

	"mqtt/internal/proto"
)

// TestAwaits compares Awaits with what Acknowledge then does.
func TestAwaits(t *testing.T) {
	states := map[string]func(s *Sender[int]) uint16{
		"nothing": func(s *Sender[int]) uint16 { return 1 },
		"QoS 1":   func(s *Sender[int]) uint16 { id, _, _ := s.Add(1, 0); return id },
		"QoS 2":   func(s *Sender[int]) uint16 { id, _, _ := s.Add(2, 0); return id },
		"PUBREC came": func(s *Sender[int]) uint16 {
			id, _, _ := s.Add(2, 0)
			s.Acknowledge(proto.PUBREC, id, proto.Success)
			return id
		},
		"request":          func(s *Sender[int]) uint16 { id, _ := s.Request(0); return id },
		"acknowledged":     func(s *Sender[int]) uint16 { id, _, _ := s.Add(1, 0); s.Acknowledge(proto.PUBACK, id, 0); return id },
		"identifier 0":     func(s *Sender[int]) uint16 { return 0 },
		"identifier 65535": func(s *Sender[int]) uint16 { return 65535 },
	}
	for name, begin := range states {
		for _, kind := range []proto.Type{proto.PUBACK, proto.PUBREC, proto.PUBCOMP} {
			var s Sender[int]
			s.Limit(10)
			id := begin(&s)
			awaited := s.Awaits(kind, id)
			step, err := s.Acknowledge(kind, id, proto.NotAuthorized)
			if done := err == nil && step.Done; awaited != done {
				t.Errorf("%s, %v: awaited %v, done %v", name, kind, awaited, done)
			}
		}
	}
}

func TestHas(t *testing.T) {
	var r Receiver
	for _, id := range []uint16{1, 64, 1024, 65535} {
		if r.Has(id) {
			t.Errorf("%d in an empty receiver", id)
		}
		r.Accept(id)
		if !r.Has(id) || r.Has(id-1) {
			t.Errorf("%d is missing, or its neighbour is not", id)
		}
		r.Release(id)
		if r.Has(id) {
			t.Errorf("%d after its release", id)
		}
	}
}
