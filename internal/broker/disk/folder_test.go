package disk

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mqtt/internal/broker"
)

// first returns a folder as a process leaves it that was killed in its first run: everything is
// in the first segment.
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

const (
	firstName = "log-0000000000000002"
	nextName  = "log-0000000000000003"
)

// A file that is missing, or that has another content, is damage from the first record on.
func TestFirstRun(t *testing.T) {
	dir := first(t)
	write := func(name, content string) func(string) {
		return func(dir string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(name string) func(string) {
		return func(dir string) { os.Remove(filepath.Join(dir, name)) }
	}
	b, err := os.ReadFile(filepath.Join(first(t), firstName))
	if err != nil {
		t.Fatal(err)
	}
	ofAnother := string(b)
	for name, c := range map[string]struct {
		change func(dir string)
		what   string // of the damage, "" if there is none
	}{
		"nothing":            {func(string) {}, ""},
		"no log":             {remove(firstName), firstName},
		"an empty log":       {write(firstName, ""), firstName},
		"a short log":        {write(firstName, magicHeader), firstName},
		"another log":        {write(firstName, strings.Repeat("something else ", 100)), firstName},
		"another broker's":   {write(firstName, ofAnother), firstName},
		"no manifest":        {remove(manifestName), manifestName},
		"another manifest":   {write(manifestName, strings.Repeat("something else ", 100)), manifestName},
		"a short manifest":   {write(manifestName, "x"), manifestName},
		"an empty manifest":  {write(manifestName, ""), manifestName},
		"no lock":            {remove(lockName), ""},
		"half a manifest":    {write(manifestName+newSuffix, "mqtt-data"), ""},
		"a next one":         {write(nextName, ""), ""}, // it was just being created
		"half a next one":    {write(nextName, magicHeader), ""},
		"an old next one":    {write(nextName, strings.Repeat("something else ", 100)), ""}, // a spare file
		"not the next":       {write("log-0000000000000004", ""), manifestName},
		"a used next one":    {write(nextName, string(segmentWith(3, 1, []byte{opClear, 1, 'x'}))), manifestName},
		"a snapshot as well": {write(snapshotPrefix+"0000000000000001", "half of it"), ""},
		"a spare file":       {write(sparePrefix+"1", "old"), ""},
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

// A folder in which only the first segment was created, as a kill may leave it, is empty.
func TestKilledBeforeTheFirstManifest(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir, Options{})
	abandon(s)
	for _, size := range []int{0, 1, headerSize - 1, headerSize, headerSize + frameHead} {
		im, _, err := load(t, dir, func(dir string) {
			os.Remove(filepath.Join(dir, manifestName))
			edit(t, filepath.Join(dir, firstName), func(b []byte) []byte { return b[:size] })
		})
		if err != nil || len(im.Sessions)+len(im.Retained) > 0 {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// Files that are missing, shorter, from another folder or older than the manifest are damage.
func TestWrongFiles(t *testing.T) {
	dir, _ := filled(t)
	older := t.TempDir() // the same folder before its last two rotations and its last merge
	{
		r, m := rand.New(rand.NewPCG(7, 7)), newModel()
		s, _ := open(t, older, Options{})
		for n := range 100 {
			s.Begin()
			step(r, n, s, m)
			s.End()
		}
		rotateNow(t, s)
		if err := s.compact(context.Background(), s.manifest.segments); err != nil {
			t.Fatal(err)
		}
		abandon(s)
	}
	names := segmentsOf(t, dir)
	full, newest := filepath.Base(names[0]), filepath.Base(names[len(names)-1])
	snapshot := filepath.Base(pathOf(t, dir, snapshotPrefix+"*"))
	without := func(name string) func(string) {
		return func(dir string) { os.Remove(filepath.Join(dir, name)) }
	}
	change := func(name string, how func([]byte) []byte) func(string) {
		return func(dir string) { edit(t, filepath.Join(dir, name), how) }
	}
	half := func(b []byte) []byte { return b[:len(b)/2] }
	zeros := func(b []byte) []byte { return make([]byte, len(b)) }
	from := func(path string) func([]byte) []byte {
		return func([]byte) []byte {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
	for name, c := range map[string]func(dir string){
		"no full segment":              without(full),
		"no newest segment":            without(newest),
		"no snapshot":                  without(snapshot),
		"no manifest":                  without(manifestName),
		"half a full segment":          change(full, half),
		"half a snapshot":              change(snapshot, half),
		"a longer snapshot":            change(snapshot, func(b []byte) []byte { return append(b, b...) }),
		"half a manifest":              change(manifestName, half),
		"zeros for a full segment":     change(full, zeros),
		"zeros for the newest segment": change(newest, zeros),
		"zeros for a snapshot":         change(snapshot, zeros),
		"zeros for the manifest":       change(manifestName, zeros),
		"another snapshot":             change(snapshot, from(pathOf(t, older, snapshotPrefix+"*"))),
		"another manifest":             change(manifestName, from(filepath.Join(older, manifestName))),
		"the newest for a full one":    change(full, from(filepath.Join(dir, newest))),
		"a full one for the newest":    change(newest, from(filepath.Join(dir, full))),
		"a segment under another name": func(dir string) {
			if err := os.Rename(filepath.Join(dir, newest), filepath.Join(dir, strings.Replace(newest, "000", "001", 1))); err != nil {
				t.Fatal(err)
			}
		},
	} {
		if _, _, err := load(t, dir, c); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A copy of a file that was made earlier, and has taken the place of the later one, is damage.
// The newest segment is the exception: it has no later file that knows how long it was.
func TestOlderFiles(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir, Options{})
	put := func(topic string) {
		t.Helper()
		s.Begin()
		s.PutRetained(&broker.Message{Topic: []byte(topic), Payload: []byte("kept")})
		s.End()
		if err := s.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	put("a")
	rotateNow(t, s)
	if err := s.compact(context.Background(), s.manifest.segments); err != nil {
		t.Fatal(err)
	}
	put("b")
	older := t.TempDir()
	if err := os.CopyFS(older, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	put("c")
	rotateNow(t, s)
	put("d")
	abandon(s)
	for _, name := range []string{manifestName, nextName} {
		b, err := os.ReadFile(filepath.Join(older, name))
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = load(t, dir, func(dir string) { edit(t, filepath.Join(dir, name), func([]byte) []byte { return b }) })
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A process may end between any two steps of a rotation or a merge. All that was committed is
// there afterwards, and no file is left over.
func TestKilledBetweenSteps(t *testing.T) {
	for name, crash := range map[string]func(*Store) error{
		"segment created": func(s *Store) error {
			_, err := s.createSegment(s.segment.number + 1)
			return err
		},
		"segment listed": func(s *Store) error {
			next, err := s.createSegment(s.segment.number + 1)
			if err != nil {
				return err
			}
			return s.listSegment(s.segment.listed(), next.number)
		},
		"snapshot begun": func(s *Store) error {
			_, err := createSnapshot(s.snapshotPath(9), 9, s.folder)
			return err
		},
		"snapshot written": func(s *Store) error {
			_, err := writeSnapshot(s)
			return err
		},
		"snapshot listed": func(s *Store) error {
			listed, err := writeSnapshot(s)
			if err != nil {
				return err
			}
			m := s.manifest
			m.snapshot, m.segments = listed, nil
			return writeManifest(s.dir, &m)
		},
		"manifest written": func(s *Store) error {
			m := s.manifest
			return writeFile(filepath.Join(s.dir, manifestName+newSuffix), m.append(nil))
		},
	} {
		dir := t.TempDir()
		r, m := rand.New(rand.NewPCG(7, 8)), newModel()
		s, _ := open(t, dir, Options{})
		for n := range 200 {
			s.Begin()
			step(r, n, s, m)
			s.End()
			if n == 80 || n == 120 {
				rotateNow(t, s)
			}
			if n == 80 {
				if err := s.compact(context.Background(), s.manifest.segments); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := errors.Join(s.Commit(), crash(s)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		abandon(s)
		m.restart()
		for range 2 {
			s, im := open(t, dir, Options{Note: func(text string) { t.Error(text) }})
			if d := differ(im, m.image()); d != "" {
				t.Errorf("%s: %s", name, d)
			}
			if l, err := s.list(); err != nil || len(l.others) > 0 || len(l.segments) != len(s.manifest.segments)+1 || len(l.snapshots) != 1 {
				t.Errorf("%s: there are %+v, %v", name, l, err)
			}
			abandon(s)
		}
	}
}

func writeSnapshot(s *Store) (listedFile, error) {
	full := s.manifest.segments
	last := full[len(full)-1].number
	w, err := createSnapshot(s.snapshotPath(last), last, s.folder)
	if err != nil {
		return listedFile{}, err
	}
	if err := s.mergeFiles(context.Background(), &s.manifest, full, w); err != nil {
		return listedFile{}, err
	}
	return w.finish()
}

// A folder of format 2 or 3 is refused, and stays as it is; so is one of a later format.
func TestOtherFormats(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"formats 2 and 3": {oldStateName: "bbolt", "log-0000000000000001": "mqLb"},
		"format 3, empty": {oldStateName: "bbolt"},
		"format 5":        {manifestName: "mqtt-data 5\nsomething new\n"},
	} {
		dir := t.TempDir()
		for name, content := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, _, err := load(t, dir, func(dir string) {
			s, err := Open(dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if _, err := s.Load(context.Background()); !errors.Is(err, ErrFormat) {
				t.Errorf("%s: %v", name, err)
			}
			for name, content := range files {
				if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != content {
					t.Errorf("%s: %q, %v", name, b, err)
				}
			}
		})
		if !errors.Is(err, ErrFormat) {
			t.Errorf("%s, again: %v", name, err)
		}
	}
	// Earlier versions create state.db before they refuse a folder of this format.
	im, _, err := load(t, first(t), func(dir string) {
		if err := os.WriteFile(filepath.Join(dir, oldStateName), []byte("bbolt"), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	if err != nil || len(im.Retained) != 1 {
		t.Errorf("after an earlier version has tried it: %v", err)
	}
}

// The parent of each folder that is made is synced, from the top.
func TestMakeFolder(t *testing.T) {
	root := t.TempDir()
	var synced []string
	sync := func(dir string) error {
		synced = append(synced, dir)
		return nil
	}
	dir := filepath.Join(root, "a", "b", "c")
	if err := makeFolder(dir, sync); err != nil {
		t.Fatal(err)
	}
	if want := []string{root, filepath.Join(root, "a"), filepath.Join(root, "a", "b")}; !slices.Equal(synced, want) {
		t.Errorf("synced %q, want %q", synced, want)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	synced = nil
	if err := makeFolder(dir, sync); err != nil || len(synced) > 0 {
		t.Errorf("a folder that exists: synced %q, %v", synced, err)
	}
	failing := errors.New("no")
	if err := makeFolder(filepath.Join(dir, "d"), func(string) error { return failing }); err != failing {
		t.Errorf("error %v", err)
	}
}

// Load stops when its context ends, and a later Load finds everything.
func TestLoadIsCancelled(t *testing.T) {
	dir, want := filled(t)
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Load(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	s, im := open(t, dir, Options{})
	defer s.Close()
	if d := differ(im, want); d != "" {
		t.Error(d)
	}
}
