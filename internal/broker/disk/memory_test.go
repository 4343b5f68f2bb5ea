package disk

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"mqtt/internal/broker"
)

// allocated returns how many bytes do allocates in all, which is more than it ever has in use.
func allocated(t *testing.T, do func() error) int {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := do(); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// Merging needs a fraction of the data, and Load the data once.
func TestMemory(t *testing.T) {
	const entries, size = 8000, 4000
	dir := t.TempDir()
	s, _ := open(t, dir, Options{Sync: Never})
	s.Begin()
	s.PutSession(broker.SessionRecord{Client: "c", Expiry: 1})
	s.End()
	part := 0
	fill := func() {
		for range entries / 2 {
			part++
			s.Begin()
			m := &broker.Message{Topic: fmt.Appendf(nil, "t/%d", part), Payload: make([]byte, size), QoS: 1, Came: 1}
			s.Enqueue("c", broker.Entry{Seq: uint64(part), Message: m, QoS: 1})
			s.PutRetained(m)
			s.End()
			if part%100 == 0 {
				if err := s.Commit(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	const data = 2 * entries * size
	for range 2 {
		fill()
		rotateNow(t, s)
		n := allocated(t, func() error { return s.compact(context.Background(), s.manifest.segments) })
		if n > data/4 {
			t.Errorf("merging allocates %d bytes for %d of data", n, data)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var im *broker.Image
	n := allocated(t, func() error {
		s, im = open(t, dir, Options{})
		return nil
	})
	defer s.Close()
	if len(im.Sessions[0].Entries) != entries || len(im.Retained) != entries {
		t.Errorf("%d entries and %d retained messages", len(im.Sessions[0].Entries), len(im.Retained))
	}
	if n > data*5/4 {
		t.Errorf("Load allocates %d bytes for %d of data", n, data)
	}
}

// Messages that were acknowledged leave nothing in a delta, also while one that came before them
// waits.
func TestDeltaIsSmall(t *testing.T) {
	s, _ := open(t, t.TempDir(), Options{Sync: Never})
	defer s.Close()
	s.Begin()
	s.PutSession(broker.SessionRecord{Client: "c", Expiry: 1})
	s.Enqueue("c", broker.Entry{Seq: 1, Message: &broker.Message{Topic: []byte("t")}, QoS: 1})
	s.End()
	for seq := uint64(2); seq < 100_000; seq++ {
		s.Begin()
		s.Enqueue("c", broker.Entry{Seq: seq, Message: &broker.Message{Topic: []byte("t")}, QoS: 1})
		s.InFlight("c", seq, 7)
		s.Settle("c", seq)
		s.End()
	}
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	d := newDelta()
	f, closeFile, err := s.openSegment(s.segment.number, &s.manifest)
	if err != nil {
		t.Fatal(err)
	}
	defer closeFile()
	if err := d.replay(context.Background(), f); err != nil {
		t.Fatal(err)
	}
	h := d.sessions[1]
	if n := len(h.rows); n > 200 || cap(h.rows) > 1000 || len(h.old) > 0 || d.lastMessage != 99_999 {
		t.Errorf("%d rows with room for %d, %d changes, %d messages", n, cap(h.rows), len(h.old), d.lastMessage)
	}
}
