package disk

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mqtt/internal/broker"
)

var long = flag.Bool("long", false, "run the tests with many repetitions")

// repeat returns how often a test repeats: many times with -long, else few times.
func repeat(many, few int) int {
	if *long {
		return many
	}
	return few
}

// rotateNow ends the newest segment although it is not full.
func rotateNow(t testing.TB, s *Store) {
	t.Helper()
	if err := errors.Join(s.Commit(), s.segment.sync(), s.rotate()); err != nil {
		t.Fatal(err)
	}
}

// filled returns a folder as a killed process leaves it, with a snapshot, a full segment and a
// newest one, each with changes to the entries of those before, and the state that it has.
func filled(t testing.TB) (dir string, want *broker.Image) {
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
			if n == 200 {
				rotateNow(t, s)
				if err := errors.Join(s.compact(context.Background(), s.manifest.segments), s.removeSpares()); err != nil {
					t.Fatal(err)
				}
			}
			if n == 250 {
				rotateNow(t, s)
			}
		}
		if err := s.Commit(); err != nil {
			t.Fatal(err)
		}
		abandon(s)
		m.restart()
	}
	return dir, m.image()
}

// pathOf returns the path of the only file that matches.
func pathOf(t testing.TB, dir, pattern string) string {
	t.Helper()
	names, _ := filepath.Glob(filepath.Join(dir, pattern))
	if len(names) != 1 {
		t.Fatalf("%s: %v", pattern, names)
	}
	return names[0]
}

// segmentsOf returns the paths of the segments, the newest last.
func segmentsOf(t testing.TB, dir string) []string {
	t.Helper()
	names, _ := filepath.Glob(filepath.Join(dir, segmentPrefix+"*"))
	if len(names) == 0 {
		t.Fatal("there is no segment")
	}
	slices.Sort(names)
	return names
}

// load opens a copy of dir after change, and returns what Load returns and the notes.
func load(t testing.TB, dir string, change func(dir string)) (im *broker.Image, notes []string, err error) {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	change(to)
	s, err := Open(to, Options{Warn: func(s string) { notes = append(notes, s) }})
	if err != nil {
		return nil, notes, err
	}
	defer s.Close()
	if im, err = s.Load(context.Background()); err != nil {
		return nil, notes, err
	}
	return sorted(im), notes, nil
}

func edit(t testing.TB, path string, how func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, how(b), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever byte of a file is changed: everything is there, or the damage is reported.
func TestDamagedAnywhere(t *testing.T) {
	dir, want := filled(t)
	r := rand.New(rand.NewPCG(3, 4))
	names, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(names) != 5 {
		t.Fatalf("files %v", names)
	}
	for _, path := range names {
		name := filepath.Base(path)
		if name == lockName {
			continue
		}
		tries, found := repeat(500, 25), 0
		for range tries {
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
			case err != nil, len(notes) > 0:
				found++
			case differ(im, want) != "":
				t.Errorf("%s, %s: something is lost without a report: %s", name, where, differ(im, want))
			}
		}
		if found < tries*9/10 {
			t.Errorf("%s: only %d damages of %d were found", name, found, tries)
		}
	}
}

// The newest segment may end in the middle of a write, as after kill -9: what comes before is
// read, and there is a note.
func TestTornEnd(t *testing.T) {
	dir, want := filled(t)
	newest := slices.Max(segmentsOf(t, dir))
	info, err := os.Stat(newest)
	if err != nil {
		t.Fatal(err)
	}
	in := func(dir string) string { return filepath.Join(dir, filepath.Base(newest)) }
	for _, cut := range []int64{1, frameHead - 1, frameHead, frameHead + 1, frameHead + 40} {
		_, notes, err := load(t, dir, func(dir string) {
			if err := os.Truncate(in(dir), info.Size()-cut); err != nil {
				t.Fatal(err)
			}
		})
		if err != nil || len(notes) != 1 || !strings.Contains(notes[0], "incomplete") {
			t.Errorf("%d bytes shorter: %v, %q", cut, err, notes)
		}
	}
	// Frames that an earlier segment left in the same file do not matter.
	im, notes, err := load(t, dir, func(dir string) {
		edit(t, in(dir), func(b []byte) []byte {
			old := slices.Clone(b)
			for at := 0; at+frameHead <= len(old); at++ {
				if string(old[at:at+4]) == magicData {
					old[at+8]-- // the number of an older segment
				}
			}
			return append(b, old[100:]...)
		})
	})
	if err != nil || len(notes) > 0 || differ(im, want) != "" {
		t.Errorf("with older frames after it: %v, %q", err, notes)
	}
}

// After a torn end was left out, the segment is not the newest any more, and every later start
// reads it up to the same place.
func TestTornEndIsLeftOutForGood(t *testing.T) {
	dir, _ := filled(t)
	newest := slices.Max(segmentsOf(t, dir))
	edit(t, newest, func(b []byte) []byte { return b[:len(b)-frameHead-7] })
	var first *broker.Image
	for run := range 3 {
		var notes []string
		s, im := open(t, dir, Options{Warn: func(s string) { notes = append(notes, s) }})
		abandon(s)
		if (len(notes) > 0) != (run == 0) {
			t.Errorf("run %d: notes %q", run, notes)
		}
		if run == 0 {
			first = im
		} else if d := differ(im, first); d != "" {
			t.Errorf("run %d: %s", run, d)
		}
	}
}

// Damage in the middle of a segment or snapshot is never taken for a torn end, because frames
// that were acknowledged follow.
func TestDamagedMiddle(t *testing.T) {
	dir, _ := filled(t)
	for _, path := range append(segmentsOf(t, dir), pathOf(t, dir, snapshotPrefix+"*")) {
		name := filepath.Base(path)
		_, _, err := load(t, dir, func(dir string) {
			edit(t, filepath.Join(dir, name), func(b []byte) []byte {
				b[len(b)/2] ^= 0x40
				return b
			})
		})
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// A write that the disk has lost, so that the end frame before it is still there, is damage.
func TestLostWrite(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir, Options{})
	var ends []int64
	for i := range 3 {
		s.Begin()
		s.PutRetained(&broker.Message{Topic: fmt.Append(nil, i), Payload: []byte("kept")})
		s.End()
		if err := s.Commit(); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, s.segment.size)
	}
	abandon(s)
	for i, at := range ends {
		_, _, err := load(t, dir, func(dir string) {
			edit(t, filepath.Join(dir, firstName), func(b []byte) []byte {
				return append(b[:at:at], append(appendEnd(nil, firstSegment, at, at), b[at+frameHead:]...)...)
			})
		})
		// The last but one could be a write that was under way.
		if got := errors.Is(err, ErrDamaged); got != (i == 0) {
			t.Errorf("after frame %d: %v", i, err)
		}
	}
}

// When the log cannot be written, Commit returns the error to all, and Failed to the broker.
func TestFailure(t *testing.T) {
	s, _ := open(t, t.TempDir(), Options{})
	s.Begin()
	s.PutSession(broker.SessionRecord{Client: "c", Expiry: 1})
	s.End()
	s.segment.file.Close()
	if err := s.Commit(); err == nil {
		t.Fatal("Commit has kept something in a file that is closed")
	}
	if err := <-s.Failed(); err == nil {
		t.Error("no error")
	}
	s.Begin()
	s.Accept("c", 1)
	s.End()
	if err := s.Commit(); err != nil && !strings.Contains(err.Error(), segmentPrefix) {
		t.Errorf("error %v", err)
	}
	if err := s.Close(); err == nil {
		t.Error("Close returns no error")
	}
}

// When a merge fails, Failed and Commit return the error, and nothing is lost.
func TestMergeFails(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir, Options{SegmentSize: 4 << 10})
	if err := os.Mkdir(s.snapshotPath(firstSegment), 0o700); err != nil { // in the way
		t.Fatal(err)
	}
	s.Begin()
	s.PutRetained(&broker.Message{Topic: []byte("t"), Payload: make([]byte, 8<<10), Came: 1, Retain: true})
	s.End()
	if err := s.Commit(); err != nil && !strings.Contains(err.Error(), snapshotPrefix) { // the merge may be faster
		t.Fatal(err)
	}
	if err := <-s.Failed(); !strings.Contains(err.Error(), snapshotPrefix) {
		t.Errorf("error %v", err)
	}
	s.Begin()
	s.DropRetained([]byte("t"))
	s.End()
	if err := s.Close(); err == nil {
		t.Error("Close returns no error")
	}
	os.Remove(s.snapshotPath(firstSegment))
	s, im := open(t, dir, Options{})
	defer s.Close()
	if len(im.Retained) != 1 {
		t.Errorf("%d retained messages, want 1", len(im.Retained))
	}
}

// Two brokers cannot use the same folder.
func TestLocked(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir, Options{})
	defer s.Close()
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "in use by another broker") {
		t.Errorf("error %v", err)
	}
}
