package disk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mqtt/internal/broker"
)

// filled returns a folder with something in the bbolt file and in the log, as a killed
// process leaves it, and what it has.
func filled(t *testing.T) (dir string, want *broker.Image) {
	t.Helper()
	dir = t.TempDir()
	r, m := rand.New(rand.NewPCG(7, 7)), newModel()
	for range 2 {
		s, _ := open(t, dir, Options{})
		for n := range 300 {
			s.Begin()
			step(r, n, s, m)
			s.End()
			if n%10 == 0 {
				if err := s.Commit(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := s.Commit(); err != nil {
			t.Fatal(err)
		}
		abandon(s)
		for _, c := range m.sessions {
			c.seq = 0
			for _, e := range c.entries {
				c.seq = max(c.seq, e.Seq)
			}
		}
	}
	return dir, m.image()
}

// load opens a copy of dir after change, and returns what it says.
func load(t *testing.T, dir string, change func(copy string)) (im *broker.Image, notes []string, err error) {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	change(to)
	s, err := Open(to, Options{Note: func(s string) { notes = append(notes, s) }})
	if err != nil {
		return nil, notes, err
	}
	defer s.Close()
	if im, err = s.Load(context.Background()); err != nil {
		return nil, notes, err
	}
	return sorted(im), notes, nil
}

func onlyLog(t *testing.T, dir string) string {
	t.Helper()
	names, _ := filepath.Glob(filepath.Join(dir, "log-*"))
	if len(names) != 1 {
		t.Fatalf("pieces %v", names)
	}
	return names[0]
}

func edit(t *testing.T, path string, how func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, how(b), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever byte of a file is changed: either all is there, or it is said that it is not.
func TestDamagedAnywhere(t *testing.T) {
	dir, want := filled(t)
	r := rand.New(rand.NewPCG(3, 4))
	for _, name := range []string{"state.db", filepath.Base(onlyLog(t, dir))} {
		found := 0
		for range 150 {
			where := ""
			im, notes, err := load(t, dir, func(dir string) {
				edit(t, filepath.Join(dir, name), func(b []byte) []byte {
					i := r.IntN(len(b))
					b[i] ^= 1 << r.IntN(8)
					where = fmt.Sprint("byte ", i)
					return b
				})
			})
			switch {
			case err != nil:
				found++
			case len(notes) > 0:
				found++
			case differ(im, want) != "":
				t.Errorf("%s, %s: something is lost and nobody was told: %s", name, where, differ(im, want))
			}
		}
		if found < 10 {
			t.Errorf("%s: only %d damages of 150 were found", name, found)
		}
	}
}

// A piece of the log that ends in the middle of a write is taken up to there, and told
// of: that is what kill -9 leaves.
func TestTornEnd(t *testing.T) {
	dir, want := filled(t)
	info, err := os.Stat(onlyLog(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	whole := info.Size()
	for _, cut := range []int64{1, frameHead - 1, frameHead + 1, frameHead + 40} {
		_, notes, err := load(t, dir, func(dir string) {
			if err := os.Truncate(onlyLog(t, dir), whole-cut); err != nil {
				t.Fatal(err)
			}
		})
		if err != nil || len(notes) != 1 || !strings.Contains(notes[0], "not whole") {
			t.Errorf("less %d bytes: %v, %q", cut, err, notes)
		}
	}
	// What follows in a file that was used before does not matter.
	im, notes, err := load(t, dir, func(dir string) {
		edit(t, onlyLog(t, dir), func(b []byte) []byte {
			old := slices.Clone(b)
			for at := 0; at+frameHead <= len(old); at++ {
				if string(old[at:at+4]) == frameMagic {
					old[at+8]-- // the number of an older piece
				}
			}
			return append(b, old[100:]...)
		})
	})
	if err != nil || len(notes) > 0 || differ(im, want) != "" {
		t.Errorf("with older frames behind: %v, %q", err, notes)
	}
}

// Damage in the middle, which an acknowledged frame follows, is never taken for the end.
func TestDamagedMiddle(t *testing.T) {
	dir, _ := filled(t)
	_, _, err := load(t, dir, func(dir string) {
		edit(t, onlyLog(t, dir), func(b []byte) []byte {
			b[len(b)/2] ^= 0x40
			return b
		})
	})
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "log-") {
		t.Errorf("error %v", err)
	}
}

// Files that are missing, empty, shorter or older are found.
func TestWrongFiles(t *testing.T) {
	dir, _ := filled(t)
	fine := func(error) bool { return false }
	damaged := func(err error) bool { return errors.Is(err, ErrDamaged) }
	some := func(err error) bool { return err != nil }
	older := filepath.Join(t.TempDir(), "older.db")
	for name, c := range map[string]struct {
		change func(dir string)
		want   func(error) bool
	}{
		"nothing":       {func(string) {}, fine},
		"no log":        {func(dir string) { os.Remove(onlyLog(t, dir)) }, damaged},
		"no bbolt file": {func(dir string) { os.Remove(filepath.Join(dir, "state.db")) }, damaged},
		"short bbolt file": {func(dir string) {
			edit(t, filepath.Join(dir, "state.db"), func(b []byte) []byte { return b[:len(b)/2] })
		}, some},
		"not a bbolt file": {func(dir string) {
			edit(t, filepath.Join(dir, "state.db"), func(b []byte) []byte { return make([]byte, len(b)) })
		}, some},
		"older bbolt file": {func(dir string) {
			edit(t, filepath.Join(dir, "state.db"), func([]byte) []byte {
				b, err := os.ReadFile(older)
				if err != nil {
					t.Fatal(err)
				}
				return b
			})
		}, damaged},
		"a piece left out": {func(dir string) {
			log := onlyLog(t, dir)
			if err := os.Rename(log, filepath.Join(dir, strings.Replace(filepath.Base(log), "000", "001", 1))); err != nil {
				t.Fatal(err)
			}
		}, damaged},
	} {
		if name == "older bbolt file" {
			s, err := Open(t.TempDir(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Load(context.Background()); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(filepath.Join(s.dir, "state.db"))
			if err == nil {
				err = os.WriteFile(older, b, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			s.Close()
		}
		_, _, err := load(t, dir, c.change)
		if (err != nil) != (name != "nothing") || err != nil && !c.want(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Two brokers cannot share a folder.
func TestLocked(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir, Options{})
	defer s.Close()
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "in use by another broker") {
		t.Errorf("error %v", err)
	}
}

// When the log cannot be written, Commit says so to all, and Failed to who serves.
func TestFailure(t *testing.T) {
	s, _ := open(t, t.TempDir(), Options{})
	s.Begin()
	s.PutSession(broker.SessionRecord{Client: "c", Expiry: 1})
	s.End()
	s.log.file.Close()
	if err := s.Commit(); err == nil {
		t.Fatal("Commit has kept something in a file that is closed")
	}
	if err := <-s.Failed(); err == nil {
		t.Error("no error")
	}
	s.Begin()
	s.Accept("c", 1)
	s.End()
	if err := s.Commit(); err != nil && !strings.Contains(err.Error(), "log-") {
		t.Errorf("error %v", err)
	}
	if err := s.Close(); err == nil {
		t.Error("Close says that all is kept")
	}
}
