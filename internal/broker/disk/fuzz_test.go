package disk

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"mqtt/internal/broker"
)

// watched ends the process if what is done takes a minute or a gigabyte: a fuzzer
// tells of neither.
func watched(do func()) {
	began := time.Now()
	tick := time.NewTicker(100 * time.Millisecond)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() { // ends with do
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			if m.HeapInuse > 1<<30 || time.Since(began) > time.Minute {
				panic("it takes too much memory or time")
			}
		}
	}()
	do()
	tick.Stop()
	close(stop)
	<-done
}

// pieceOf is a piece of the log with those frames, and what follows the last.
func pieceOf(number uint64, parts ...[]byte) (file []byte) {
	file = make([]byte, frameHead)
	seal(file, beginMagic, number, 0)
	for _, records := range append(slices.Clip(parts), nil) {
		b := append(make([]byte, frameHead), records...)
		seal(b, frameMagic, number, int64(len(file)))
		file = append(file, b...)
	}
	return file
}

// modelled returns a Store that was told what the model does, and the model. It is the
// same each time: a fuzzer's findings must be.
func modelled(f *testing.F) (*Store, *model) {
	f.Helper()
	s, err := Open(f.TempDir(), Options{Sync: time.Hour}) // no frame because of the time
	if err != nil {
		f.Fatal(err)
	}
	if _, err := s.Load(context.Background()); err != nil {
		f.Fatal(err)
	}
	r, m := rand.New(rand.NewPCG(7, 5)), newModel()
	for n := range 150 {
		s.Begin()
		step(r, n, s, m)
		s.End()
		if n%8 == 7 {
			if err := s.Commit(); err != nil {
				f.Fatal(err)
			}
		}
	}
	if err := s.Commit(); err != nil {
		f.Fatal(err)
	}
	return s, m
}

// recordsOf returns the frames' records of a piece that the model wrote.
func recordsOf(f *testing.F) (parts [][]byte) {
	f.Helper()
	s, _ := modelled(f)
	abandon(s)
	b, err := os.ReadFile(s.log.path)
	if err != nil {
		f.Fatal(err)
	}
	all := &frames{file: bytes.NewReader(b), number: s.log.number, size: int64(len(b))}
	all.begin()
	for {
		records, _, err := all.next()
		if err != nil {
			return parts
		}
		if len(records) > 0 {
			parts = append(parts, bytes.Clone(records))
		}
	}
}

// FuzzRecords takes anything for the records of a frame whose checksum is right. What
// replay makes of them hangs together.
func FuzzRecords(f *testing.F) {
	parts := recordsOf(f)
	for _, b := range append(parts, bytes.Join(parts, nil)) {
		f.Add(b, []byte{opEnd, 1})
	}
	f.Add([]byte{opMessage, 1, 0, opEnqueue, 1, 1, 1, 0, 0, opSettle, 1, 1, opSettle, 1, 9}, []byte{opEnqueue, 1, 2, 1, 0, 0})
	f.Add([]byte{opRetain, 4, 0, 0, 0, 9}, []byte{opClear, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		file := pieceOf(3, first, second)
		n, e, err := replay(bytes.NewReader(file), 3, int64(len(file)))
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		if e.torn && len(first) > 0 && len(second) > 0 { // without records a frame is the end
			t.Fatal("the end of a whole piece is not whole")
		}
		uses := make(map[uint64]uint32)
		for _, h := range n.sessions {
			for i := range h.rows {
				if h.rows[i].live {
					uses[h.rows[i].message]++
				}
			}
		}
		for i, m := range n.messages {
			if number := n.first + uint64(i); m.uses != uses[number] {
				t.Fatalf("message %d has %d uses, not %d", number, m.uses, uses[number])
			}
			inside(t, m.place, file)
		}
		for _, where := range n.retained {
			inside(t, where, file)
		}
	})
}

func inside(t *testing.T, where place, file []byte) {
	t.Helper()
	if where.n < 0 || where.at < 0 || where.at+int64(where.n) > int64(len(file)) {
		t.Fatalf("%+v is not in the file", where)
	}
}

// damage changes bytes: each four of edits are a place and what to exclusive-or it
// with. The file is cut behind.
func damage(file []byte, cut uint32, edits []byte) []byte {
	file = bytes.Clone(file[:min(int(cut), len(file))])
	for ; len(edits) >= 4 && len(file) > 0; edits = edits[4:] {
		file[binary.BigEndian.Uint32(edits)>>8%uint32(len(file))] ^= edits[3]
	}
	return file
}

// FuzzPiece damages a piece of the log: it is refused, or taken up to the end of one of
// its frames, and then it is told that its end is not whole.
func FuzzPiece(f *testing.F) {
	parts := recordsOf(f)
	whole := pieceOf(9, parts...)
	old := pieceOf(8, parts...)
	var steps []*net // what the first frames are
	for i := range len(parts) + 1 {
		b := pieceOf(9, parts[:i]...)
		n, e, err := replay(bytes.NewReader(b), 9, int64(len(b)))
		if e.torn || err != nil {
			f.Fatal(e, err)
		}
		steps = append(steps, n)
	}
	f.Add(uint32(len(whole)), []byte{}, false)
	f.Add(uint32(len(whole)-frameHead-1), []byte{}, true)
	f.Add(uint32(len(whole)), []byte{0, 0, 4, 1, 0, 0, 24, 1}, true)
	f.Add(uint32(len(whole)), []byte{0, 9, 4, 1}, false)
	f.Add(uint32(1), []byte{}, false)
	f.Fuzz(func(t *testing.T, cut uint32, edits []byte, again bool) {
		file := damage(whole, cut, edits)
		if again && len(file) < len(old) { // as one that was used before
			file = append(file, old[len(file):]...)
		}
		n, e, err := replay(bytes.NewReader(file), 9, int64(len(file)))
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		for i, want := range steps {
			if reflect.DeepEqual(n, want) {
				if !e.torn && i < len(parts) && len(file) > 0 {
					t.Fatalf("%d frames of %d, and nobody is told", i, len(parts))
				}
				return
			}
		}
		t.Fatal("what came of it is not what any first frames are")
	})
}

// FuzzFolder loads two pieces whose checksums are right and whose records are anything.
// Loading them fails, or what came of it is taken over by a broker, and the same after
// another start.
func FuzzFolder(f *testing.F) {
	parts := recordsOf(f)
	for i := 0; i < len(parts); i += 5 {
		f.Add(bytes.Join(parts[:i], nil), bytes.Join(parts[i:], nil))
	}
	f.Add([]byte{opSession, 1, 1, 'c', 0, 1, 0, 0}, []byte{opSubscribe, 1, 2, 0, 3, 'a', '/', '+', opAccept, 1, 0, 0})
	f.Add([]byte{opSession, 1, 1, 'c', 0, 1, 0, 0, opMessage, 1, 8, 3, 0, 0, 1, 'a', 0, 0, 0}, []byte{opEnqueue, 1, 1, 1, 3, 0, opInFlight, 1, 1, 0, 0})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		dir := t.TempDir()
		for name, b := range map[string][]byte{"log-0000000000000001": pieceOf(1, first), "log-0000000000000002": pieceOf(2, second)} {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		watched(func() {
			was := start(t, dir, true)
			if was == nil {
				return
			}
			if now := start(t, dir, false); now == nil {
				t.Fatal("it loads once only")
			} else if d := differ(now, was); d != "" {
				t.Fatal(d)
			}
		})
	})
}

// start loads a folder and, if taken, hands what it has to a broker. It is nil if it
// does not load.
func start(t *testing.T, dir string, taken bool) *broker.Image {
	t.Helper()
	s, err := Open(dir, Options{})
	if err != nil {
		return nil
	}
	defer s.Close()
	s.db.NoSync = true
	im, err := s.Load(context.Background())
	if err != nil {
		return nil
	}
	if taken {
		b := broker.New(broker.Options{Store: fixed{im}, SysInterval: -1})
		defer b.Close(context.Background())
		if err := b.Restore(context.Background()); err != nil {
			return nil
		}
	}
	return sorted(im)
}

// fixed is a Store with an image, that keeps nothing.
type fixed struct{ image *broker.Image }

func (f fixed) Load(context.Context) (*broker.Image, error)     { return f.image, nil }
func (fixed) Begin()                                            {}
func (fixed) End()                                              {}
func (fixed) Commit() error                                     { return nil }
func (fixed) PutSession(broker.SessionRecord)                   {}
func (fixed) DropSession(string)                                {}
func (fixed) PutSubscription(string, broker.SubscriptionRecord) {}
func (fixed) DropSubscription(string, string)                   {}
func (fixed) Enqueue(string, broker.Entry)                      {}
func (fixed) InFlight(string, uint64, uint16)                   {}
func (fixed) Pubrec(string, uint64)                             {}
func (fixed) Settle(string, uint64)                             {}
func (fixed) Accept(string, uint16)                             {}
func (fixed) Release(string, uint16)                            {}
func (fixed) PutRetained(*broker.Message)                       {}
func (fixed) DropRetained([]byte)                               {}

// settled is the bbolt file of a folder, with its pages in the same places each time.
func settled(f *testing.F, dir string) []byte {
	f.Helper()
	from, err := bolt.Open(filepath.Join(dir, "state.db"), 0o600, nil)
	if err != nil {
		f.Fatal(err)
	}
	defer from.Close()
	path := filepath.Join(f.TempDir(), "settled.db")
	to, err := bolt.Open(path, 0o600, &bolt.Options{NoSync: true, PageSize: 4096, FreelistType: bolt.FreelistArrayType})
	if err != nil {
		f.Fatal(err)
	}
	if err := errors.Join(bolt.Compact(to, from, 1), to.Close()); err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	return b
}

// FuzzState damages the bbolt file. It is refused, or all that it had is there, or
// what is missing is in no page that is left: never a panic, nor a walk without end.
func FuzzState(f *testing.F) {
	s, m := modelled(f)
	if err := s.Close(); err != nil {
		f.Fatal(err)
	}
	whole := settled(f, s.dir)
	logs, _ := filepath.Glob(filepath.Join(s.dir, "log-*"))
	want := m.image()
	f.Add(uint32(len(whole)), []byte{})
	f.Add(uint32(len(whole)/2), []byte{})
	for page := 0; page < len(whole); page += 4096 {
		if binary.LittleEndian.Uint16(whole[page+8:])&3 == 0 { // no leaf or branch
			continue
		}
		for _, at := range []int{10, 12, 24} { // count, overflow, the first element's
			f.Add(uint32(len(whole)), binary.BigEndian.AppendUint32(nil, uint32(page+at)<<8|1))
		}
	}
	f.Fuzz(func(t *testing.T, cut uint32, edits []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "state.db"), damage(whole, cut, edits), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(logs[0])), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		watched(func() {
			if im := start(t, dir, false); im != nil {
				if d := differ(im, want); d != "" {
					t.Fatalf("something is lost and nobody was told: %s", d)
				}
			}
		})
	})
}
