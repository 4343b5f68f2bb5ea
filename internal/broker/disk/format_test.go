package disk

import (
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"

	"mqtt/internal/broker"
)

// A folder of format 2 is read, and has the format of today from then on. Its sessions
// have no flag for their user: one with a name has one, and nobody's is known to own it, until
// that is recorded.
func TestFormat2(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir, Options{})
	s.Begin()
	s.PutSession(broker.SessionRecord{Client: "ann's", User: "ann", Named: true, Expiry: 100})
	s.PutSession(broker.SessionRecord{Client: "nobody's", Expiry: 100})
	s.End()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(filepath.Join(dir, "state.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	w, err := update(db)
	if err != nil {
		t.Fatal(err)
	}
	w.put(inMeta, keyFormat(), []byte{oldFormat})
	for number := range uint64(2) {
		key := numberKey(number + 1)
		record := append([]byte(nil), w.get(inSessions, key)...)
		record[len(record)-1] = 0
		w.put(inSessions, key, record)
	}
	w.turn()
	if w.err != nil {
		t.Fatal(w.err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for run := range 3 {
		s, im := open(t, dir, Options{})
		if len(im.Sessions) != 2 || !im.Sessions[0].Named || im.Sessions[0].User != "ann" || im.Sessions[1].Named {
			t.Fatalf("sessions %+v", im.Sessions)
		}
		if owned := run == 2; im.Sessions[0].Unowned == owned || im.Sessions[1].Unowned == owned {
			t.Errorf("run %d: sessions %+v", run, im.Sessions)
		}
		s.Begin()
		for _, r := range im.Sessions {
			r.Unowned = run == 0 // as it is put back at a start, and when its client has come
			s.PutSession(r.SessionRecord)
		}
		s.End()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if db, err = bolt.Open(filepath.Join(dir, "state.db"), 0o600, nil); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.View(func(tx *bolt.Tx) error {
		if got := tx.Bucket(bucketName(inMeta)).Get(keyFormat()); got[0] != stateFormat {
			t.Errorf("format %d", got[0])
		}
		return nil
	})
}
