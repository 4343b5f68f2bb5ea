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

// ending is a context that ends after some calls of Err.
type ending struct {
	context.Context
	left int
}

func (e *ending) Err() error {
	if e.left--; e.left < 0 {
		return context.Canceled
	}
	return nil
}

// Load stops when its context ends, at any moment, and a later Load finds everything.
func TestLoadIsCancelled(t *testing.T) {
	dir, want := filled(t)
	for calls := 0; ; calls++ {
		s, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		im, err := s.Load(&ending{context.Background(), calls})
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err == nil {
			if d := differ(sorted(im), want); d != "" || calls < 5 {
				t.Error(calls, d)
			}
			return
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
}
