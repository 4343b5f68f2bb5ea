package disk

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mqtt/internal/broker"
)

// roomy returns a folder whose bbolt file is mostly free, as a broker leaves it that has
// ended in order, and what it has.
func roomy(t *testing.T) (dir string, want *broker.Image) {
	t.Helper()
	dir = t.TempDir()
	r, m := rand.New(rand.NewPCG(9, 9)), newModel()
	s, _ := open(t, dir, Options{})
	large := func(i int) *broker.Message {
		return &broker.Message{Topic: fmt.Appendf(nil, "large/%d", i), Payload: bytes.Repeat([]byte{byte(i)}, 1<<20), Retain: true, Came: 1}
	}
	s.Begin()
	for n := range 300 {
		step(r, n, s, m)
	}
	for i := range 40 {
		s.PutRetained(large(i))
	}
	s.End()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, _ = open(t, dir, Options{})
	s.Begin()
	for i := range 39 {
		s.DropRetained(large(i).Topic)
	}
	s.End()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	m.retained["large/39"] = large(39)
	return dir, m.image()
}

func sizeOf(t *testing.T, dir string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// A bbolt file that is mostly free is smaller after a start, has all that it had and the
// rights that it had; what a start that was broken off left of it is gone.
func TestCompact(t *testing.T) {
	dir, want := roomy(t)
	path := filepath.Join(dir, "state.db")
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", []byte("half of it"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := sizeOf(t, dir)
	var first os.FileInfo
	for round := range 2 { // once is enough
		s, im := open(t, dir, Options{Note: func(text string) { t.Error(text) }})
		if d := differ(im, want); d != "" {
			t.Error(d)
		}
		if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "in use by another broker") {
			t.Errorf("another one opens it: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			first = info
		} else if !os.SameFile(first, info) {
			t.Error("it is copied at every start")
		}
	}
	if after := sizeOf(t, dir); before < 40<<20 || after > 20<<20 {
		t.Errorf("%d bytes became %d", before, after)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 2 {
		t.Errorf("there are %v", names)
	}
}

// Where there can be no copy, the file stays as it is, and that is told.
func TestCompactWhereItCannot(t *testing.T) {
	dir, want := roomy(t)
	before := sizeOf(t, dir)
	if err := os.MkdirAll(filepath.Join(dir, "state.db.new", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	var notes []string
	s, im := open(t, dir, Options{Note: func(text string) { notes = append(notes, text) }})
	defer s.Close()
	if d := differ(im, want); d != "" {
		t.Error(d)
	}
	if after := sizeOf(t, dir); after != before || len(notes) != 1 || !strings.Contains(notes[0], "stays larger than it need be") {
		t.Errorf("%d bytes became %d, %q", before, after, notes)
	}
}
