package session

import (
	"testing"

	"mqtt/internal/proto"
)

// What was in flight once takes no memory when it is over.
func TestSlotsAreGivenBack(t *testing.T) {
	var s Sender[[]byte]
	s.Limit(65535)
	for range 3 {
		for i := range 2048 {
			if _, _, ok := s.Add(byte(1+i%2), 0); !ok {
				t.Fatal("no slot")
			}
		}
		full := s.Size()
		if full < 2048*32 {
			t.Errorf("2048 slots take %d bytes", full)
		}
		for i := range uint16(2048) {
			if s.Shrink(32); s.Size() < full {
				t.Fatalf("slots in use were given back, %d bytes", s.Size())
			}
			if i%2 == 0 {
				s.Acknowledge(proto.PUBACK, i+1, proto.Success)
				continue
			}
			s.Acknowledge(proto.PUBREC, i+1, proto.Success)
			s.Acknowledge(proto.PUBCOMP, i+1, proto.Success)
		}
		if s.Shrink(32); s.Size() != 0 {
			t.Errorf("%d bytes are left", s.Size())
		}
	}
	if id, ok := s.Request(0); !ok {
		t.Error("no identifier")
	} else if s.Shrink(0); s.Size() == 0 {
		t.Errorf("the slot of request %d is gone", id)
	}
}

func TestIdentifiersOfQoS2AreGivenBack(t *testing.T) {
	var r Receiver
	for i := range 64 {
		r.Accept(uint16(i<<10 | 1))
	}
	if n := r.Size(); n < 64*128 {
		t.Errorf("64 pages take %d bytes", n)
	}
	for i := range 64 {
		if !r.Release(uint16(i<<10 | 1)) {
			t.Errorf("identifier %d is unknown", i<<10|1)
		}
	}
	if n := r.Size(); n != 0 || r.Release(1) || !r.Accept(1) {
		t.Errorf("%d bytes are left", n)
	}
}
