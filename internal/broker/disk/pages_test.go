package disk

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// An element that points beyond its page is refused before bbolt makes a slice of what is
// there, in every leaf and branch of a file that has both.
func TestElementsBeyondTheirPage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{PageSize: 4096, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		if _, err := tx.CreateBucket([]byte("small")); err != nil {
			return err
		}
		large, err := tx.CreateBucket([]byte("large"))
		for n := uint64(0); err == nil && n < 1000; n++ {
			err = large.Put(numberKey(n), make([]byte, 50))
		}
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := checkPages(path); err != nil {
		t.Fatalf("a good file: %v", err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tried := make(map[uint16]int)
	root := binary.NativeEndian.Uint64(whole[lastMeta(whole)+pageHead+16:])
	for page := uint64(2); page < uint64(len(whole)/4096); page++ {
		b := append([]byte(nil), whole...)
		head := b[page*4096:]
		flags := binary.NativeEndian.Uint16(head[8:])
		if flags != pageLeaf && flags != pageBranch || binary.NativeEndian.Uint16(head[10:]) == 0 || page != root && binary.NativeEndian.Uint16(head[10:]) < 20 {
			continue // of no use, or of a transaction that is over
		}
		length := pageHead + 4 // of a branch's first key
		if flags == pageLeaf {
			length += 4
		}
		binary.NativeEndian.PutUint32(head[length:], 1<<30)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := checkPages(path); !errors.Is(err, ErrDamaged) {
			t.Errorf("page %d with flags %d: %v", page, flags, err)
		}
		tried[flags]++
	}
	if tried[pageLeaf] < 10 || tried[pageBranch] == 0 {
		t.Errorf("tried %v", tried)
	}
}

// lastMeta is where the page of the last transaction begins.
func lastMeta(whole []byte) int {
	if binary.NativeEndian.Uint64(whole[pageHead+48:]) > binary.NativeEndian.Uint64(whole[4096+pageHead+48:]) {
		return 0
	}
	return 4096
}
