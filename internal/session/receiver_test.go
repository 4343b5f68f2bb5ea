package session

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestReceiver accepts a message once: a redelivery before PUBREL is not fresh [MQTT-4.3.3-10]
// (3.1.1: [MQTT-4.3.3-2]). After PUBREL the identifier belongs to a new message [MQTT-4.3.3-12],
// and so it does after a PUBREC with an error [MQTT-4.3.3-9].
func TestReceiver(t *testing.T) {
	var r Receiver
	if r.Release(7) || r.Len() != 0 || r.IDs() != nil {
		t.Error("an empty receiver knows something")
	}
	for _, id := range []uint16{1, 63, 64, 255, 256, 1023, 1024, 65535} {
		if !r.Accept(id) || r.Accept(id) || r.Accept(id) {
			t.Errorf("%d is not fresh just once", id)
		}
	}
	if want := []uint16{1, 63, 64, 255, 256, 1023, 1024, 65535}; !slices.Equal(r.IDs(), want) || r.Len() != len(want) {
		t.Errorf("%v, %d, want %v", r.IDs(), r.Len(), want)
	}
	if !r.Release(64) || r.Release(64) || r.Release(65) || r.Len() != 7 {
		t.Error("64 is not released just once")
	}
	if !r.Accept(64) {
		t.Error("64 is not a new message after PUBREL")
	}
	r.Forget()
	if r.Len() != 0 || len(r.IDs()) != 0 || r.Release(1) || !r.Accept(1) {
		t.Error("something was not forgotten")
	}
}

// TestReceiverModel compares a Receiver with a map, sparse and full.
func TestReceiverModel(t *testing.T) {
	for seed, span := range []int{3, 100, 5000, 65536} {
		rnd := rand.New(rand.NewPCG(uint64(seed), 4))
		var r Receiver
		m := make(map[uint16]bool)
		for i := range 60000 {
			id := uint16(65535 - rnd.IntN(span))
			if rnd.IntN(5) < 3 {
				if r.Accept(id) == m[id] {
					t.Fatalf("Accept(%d), there %v", id, m[id])
				}
				m[id] = true
			} else {
				if r.Release(id) != m[id] {
					t.Fatalf("Release(%d), there %v", id, m[id])
				}
				delete(m, id)
			}
			if r.Len() != len(m) {
				t.Fatalf("%d there, want %d", r.Len(), len(m))
			}
			if i%10000 == 0 && !slices.Equal(r.IDs(), slices.Sorted(maps.Keys(m))) {
				t.Fatalf("identifiers %v", r.IDs())
			}
			if i%25000 == 24999 {
				r.Forget()
				clear(m)
			}
		}
	}
	var r Receiver
	for id := range 65536 {
		r.Accept(uint16(id))
	}
	if r.Len() != 65536 || len(r.IDs()) != 65536 {
		t.Errorf("%d of 65536", r.Len())
	}
}
