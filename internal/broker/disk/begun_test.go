package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"mqtt/internal/broker"
)

// first returns a folder as a process leaves it that was killed in its first run: all that
// was kept is in the log.
func first(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s, _ := open(t, dir, Options{})
	s.Begin()
	s.PutRetained(&broker.Message{Topic: []byte("t"), Payload: []byte("kept")})
	s.End()
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	abandon(s)
	return dir
}

// A log that was begun must be there, and must be one, from its first record on.
func TestLogThatWasBegun(t *testing.T) {
	dir := first(t)
	write := func(name, content string) func(string) {
		return func(dir string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	const log = "log-0000000000000001"
	for name, c := range map[string]struct {
		change func(dir string)
		what   string // of the damage, "" if there is none
	}{
		"nothing":         {func(string) {}, ""},
		"no log":          {func(dir string) { os.Remove(onlyLog(t, dir)) }, log + " is missing"},
		"an empty log":    {write(log, ""), log},
		"a short log":     {write(log, beginMagic), log},
		"another log":     {write(log, strings.Repeat("something else ", 100)), log},
		"another state":   {write("state.db", strings.Repeat("something else ", 1000)), "state.db"},
		"a short state":   {write("state.db", "x"), "state.db"},
		"a next one":      {write("log-0000000000000002", ""), ""}, // it was just being made
		"half a next one": {write("log-0000000000000002", beginMagic), ""},
		"an old next one": {write("log-0000000000000002", strings.Repeat("something else ", 100)), ""},
		"not the next":    {write("log-0000000000000003", ""), "log-0000000000000002 is missing"},
	} {
		im, _, err := load(t, dir, c.change)
		switch {
		case c.what == "" && (err != nil || len(im.Retained) != 1):
			t.Errorf("%s: %v", name, err)
		case c.what != "" && (!errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), c.what)):
			t.Errorf("%s: error %v, want damage and %q", name, err, c.what)
		}
	}
}

// A full piece says that another one has begun: that must be there.
func TestLogThatFollows(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir, Options{})
	if err := s.log.follow(); err != nil {
		t.Fatal(err)
	}
	abandon(s)
	if _, _, err := load(t, dir, func(string) {}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "log-0000000000000002 is missing") {
		t.Errorf("error %v", err)
	}
	_, _, err := load(t, dir, func(dir string) { os.WriteFile(filepath.Join(dir, "log-0000000000000002"), nil, 0o600) })
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "log-0000000000000002") {
		t.Errorf("error %v", err)
	}
}

// The note that another piece has begun may be torn at any byte, for that one is there by
// then: nothing is lost, and nobody is told of damage. Where it once stood it is still read.
func TestNoteThatIsTorn(t *testing.T) {
	dir := first(t)
	log, next := filepath.Base(onlyLog(t, dir)), "log-0000000000000002"
	if err := os.WriteFile(filepath.Join(dir, next), pieceOf(2), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, log))
	if err != nil {
		t.Fatal(err)
	}
	end := info.Size() - frameHead
	f, err := os.OpenFile(filepath.Join(dir, log), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	p := &piece{number: 1, path: f.Name(), file: f, size: end, disk: end}
	if err := errors.Join(p.follow(), f.Close()); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, change func([]byte) []byte, gone string) {
		t.Helper()
		im, notes, err := load(t, dir, func(dir string) {
			edit(t, filepath.Join(dir, log), change)
			if gone != "" {
				os.Remove(filepath.Join(dir, next))
			}
		})
		if gone != "" {
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), gone) {
				t.Errorf("%s: error %v, want %q", name, err, gone)
			}
		} else if err != nil || len(notes) > 0 || len(im.Retained) != 1 {
			t.Errorf("%s: %v, notes %q", name, err, notes)
		}
	}
	whole := func(b []byte) []byte { return b }
	old := func(b []byte) []byte { // the note in the place of the end
		seal(b[end:end+frameHead], followMagic, 1, end)
		return b[:end+frameHead]
	}
	check("whole", whole, "")
	check("whole, and nothing follows", whole, next+" is missing")
	check("of old", old, "")
	check("of old, and nothing follows", old, next+" is missing")
	for i := range after {
		if i < len(before) && before[i] == after[i] {
			continue
		}
		torn := func(b []byte) []byte { return append(b[:i], before[min(i, len(before)):]...) }
		check(fmt.Sprint("written up to byte ", i-int(end)), torn, "")
		check(fmt.Sprint("without byte ", i-int(end)), func(b []byte) []byte { b[i] ^= 0xff; return b }, "")
	}
}

// In format 2 a log has no head, and the state does not know which was begun.
func TestLogOfFormat2(t *testing.T) {
	dir := first(t)
	edit(t, onlyLog(t, dir), func(b []byte) []byte {
		b = b[frameHead:]
		end := len(b) - frameHead
		seal(b[:end], frameMagic, 1, 0)
		seal(b[end:], frameMagic, 1, 0)
		return b
	})
	path := filepath.Join(dir, "state.db")
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	w, err := update(db)
	if err != nil {
		t.Fatal(err)
	}
	w.put(inMeta, keyFormat(), []byte{oldFormat})
	w.delete(inMeta, keyBegun())
	if err := errors.Join(w.close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(string){
		"killed": func(string) {}, "killed in the first run": func(dir string) { os.Remove(filepath.Join(dir, "state.db")) },
	} {
		if im, notes, err := load(t, dir, change); err != nil || len(notes) > 0 || len(im.Retained) != 1 {
			t.Errorf("%s: %v, notes %q", name, err, notes)
		}
	}
	if _, _, err := load(t, dir, func(dir string) { os.Remove(onlyLog(t, dir)) }); !errors.Is(err, ErrDamaged) {
		t.Errorf("without a log: %v", err)
	}
}
