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
	"testing"
	"time"

	"mqtt/internal/broker"
)

// watched ends the process if do takes a minute or a gigabyte: a fuzzer reports neither.
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
				panic("too much memory or time")
			}
		}
	}()
	do()
	tick.Stop()
	close(stop)
	<-done
}

// segmentWith returns a segment with those frames, and what marks its end.
func segmentWith(number, folder uint64, parts ...[]byte) (file []byte) {
	file = appendHeader(nil, kindSegment, number, folder)
	for _, records := range parts {
		b := append(make([]byte, frameHead), records...)
		seal(b, magicData, number, int64(len(file)), int64(len(file)))
		file = append(file, b...)
	}
	return appendEnd(file, number, int64(len(file)), int64(len(file)))
}

// replayed returns what the frames of a segment change.
func replayed(file []byte, number uint64) (*delta, *frameReader, error) {
	d, f := newDelta(), &frameReader{file: bytes.NewReader(file), number: number, limit: int64(len(file))}
	if ok, err := f.header(kindSegment, testFolder); err != nil || !ok {
		return nil, f, ErrDamaged
	}
	err := d.replay(context.Background(), f)
	d.files = nil
	return d, f, err
}

const testFolder = 77

// modelled returns a Store with the records of some steps, and the model. It is the same each
// time, so that what a fuzzer finds can be repeated.
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

// framesOf returns the contents of the frames that the model wrote.
func framesOf(f *testing.F) (parts [][]byte) {
	f.Helper()
	s, _ := modelled(f)
	abandon(s)
	b, err := os.ReadFile(s.segment.path)
	if err != nil {
		f.Fatal(err)
	}
	all := &frameReader{file: bytes.NewReader(b), number: s.segment.number, limit: int64(len(b))}
	if ok, err := all.header(kindSegment, s.folder); err != nil || !ok {
		f.Fatal(ok, err)
	}
	for {
		records, err := all.next()
		if err != nil {
			return parts
		}
		parts = append(parts, bytes.Clone(records))
	}
}

// FuzzRecords takes anything for the records of two frames whose checksums are right. What
// replay makes of them is consistent.
func FuzzRecords(f *testing.F) {
	parts := framesOf(f)
	for _, b := range parts {
		f.Add(b, []byte{opEnd, 1})
	}
	f.Add([]byte{opMessage, 0, 0, 0, 0, 0, 0, 0, opEnqueue, 1, 1, 0, 0, 0, opSettle, 1, 1, opSettle, 1, 9}, []byte{opEnqueue, 1, 2, 1, 0, 0})
	f.Add([]byte{opRetain, 0, 0, 0, 9}, []byte{opClear, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		file := segmentWith(3, testFolder, first, second)
		d, r, err := replayed(file, 3)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		if !r.complete && len(first) > 0 && len(second) > 0 { // a frame without records is the end
			t.Fatal("a whole segment is incomplete")
		}
		uses := make(map[*body]uint32)
		for number, h := range d.sessions {
			if number > d.lastSession {
				t.Fatalf("session %d is after %d, the last one", number, d.lastSession)
			}
			dead, last := 0, uint64(0)
			for i := range h.rows {
				row := &h.rows[i]
				if i > 0 && row.seq <= last {
					t.Fatalf("entry %d comes after %d", row.seq, last)
				}
				if last = row.seq; row.body == nil {
					dead++
					continue
				}
				uses[row.body]++
				if h.row(row.seq) != row {
					t.Fatalf("entry %d is not found", row.seq)
				}
			}
			if dead != h.dead {
				t.Fatalf("%d settled rows, counted %d", dead, h.dead)
			}
		}
		for b, n := range uses {
			if b.uses != n {
				t.Fatalf("message %d has %d uses, not %d", b.number, b.uses, n)
			}
			inside(t, b.place, file)
		}
		for _, where := range d.retained {
			inside(t, where, file)
		}
	})
}

func inside(t *testing.T, where place, file []byte) {
	t.Helper()
	if where.at < 0 || where.at+int64(where.n) > int64(len(file)) {
		t.Fatalf("%+v is not in the file", where)
	}
}

// damage returns the file cut to a length, with some bytes changed: each four bytes of edits are
// a position and the value that is xored with the byte there.
func damage(file []byte, cut uint32, edits []byte) []byte {
	file = bytes.Clone(file[:min(int(cut), len(file))])
	for ; len(edits) >= 4 && len(file) > 0; edits = edits[4:] {
		file[binary.BigEndian.Uint32(edits)>>8%uint32(len(file))] ^= edits[3]
	}
	return file
}

// FuzzSegment damages the newest segment: it is refused, or read up to the end of one of its
// frames, and then it is reported as incomplete.
func FuzzSegment(f *testing.F) {
	parts := framesOf(f)
	whole := segmentWith(9, testFolder, parts...)
	old := segmentWith(8, testFolder, parts...)
	var steps []*delta // what the first frames change
	for i := range len(parts) + 1 {
		d, r, err := replayed(segmentWith(9, testFolder, parts[:i]...), 9)
		if !r.complete || err != nil {
			f.Fatal(r.complete, err)
		}
		steps = append(steps, d)
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
		d, r, err := replayed(file, 9)
		if err == nil {
			var wasWhole bool
			if wasWhole, err = r.damagedEnd(); wasWhole {
				err = ErrDamaged
			}
		}
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		for i, want := range steps {
			if reflect.DeepEqual(d, want) {
				if r.complete && i < len(parts) {
					t.Fatalf("%d frames of %d, and that is not reported", i, len(parts))
				}
				return
			}
		}
		t.Fatal("the result is not that of any first frames")
	})
}

// FuzzFolder loads two segments whose checksums are right and whose records are anything.
// Loading fails, or a broker takes over the result, and it is the same after another start and
// after a merge.
func FuzzFolder(f *testing.F) {
	parts := framesOf(f)
	for i := 0; i < len(parts); i += 5 {
		f.Add(parts[i], parts[len(parts)-1-i])
	}
	f.Add([]byte{opSession, 1, 1, 'c', 0, 1, 0, 0}, []byte{opSubscribe, 1, 2, 0, 3, 'a', '/', '+', opAccept, 1, 0, 0})
	f.Add([]byte{opSession, 1, 1, 'c', 0, 1, 0, 0, opMessage, 3, 0, 0, 1, 'a', 0, 0, 0, opEnqueue, 1, 1, 0, 3, 0}, []byte{opInFlight, 1, 1, 0, 0})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		dir := t.TempDir()
		m := &manifest{folder: testFolder, newest: firstSegment + 1}
		for i, b := range [][]byte{segmentWith(firstSegment, testFolder, first), segmentWith(firstSegment+1, testFolder, second)} {
			number := uint64(firstSegment + i)
			if i == 0 && len(first) > 0 {
				_, r, _ := replayed(b, number)
				m.segments = []listedFile{{number, r.at, r.sum}}
			}
			if err := os.WriteFile((&Store{dir: dir}).segmentPath(number), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, manifestName), m.append(nil), 0o600); err != nil {
			t.Fatal(err)
		}
		watched(func() {
			was := start(t, dir, true, false)
			if was == nil {
				return
			}
			for _, merged := range []bool{true, false} {
				if now := start(t, dir, false, merged); now == nil {
					t.Fatal("it loads once only")
				} else if d := differ(now, was); d != "" {
					t.Fatal(d)
				}
			}
		})
	})
}

// start loads a folder and, if restored, hands the state to a broker; if merged, it merges all
// segments but the newest. It returns nil if the folder does not load.
func start(t *testing.T, dir string, restored, merged bool) *broker.Image {
	t.Helper()
	s, err := Open(dir, Options{})
	if err != nil {
		return nil
	}
	defer s.Close()
	im, err := s.Load(context.Background())
	if err != nil {
		return nil
	}
	if restored {
		b := broker.New(broker.Options{Store: fixed{im}, SysInterval: -1})
		defer b.Close(context.Background())
		if err := b.Restore(context.Background()); err != nil {
			return nil
		}
	}
	if full := s.manifest.segments; merged && len(full) > 0 {
		if err := s.compact(context.Background(), full); err != nil {
			t.Fatal(err)
		}
	}
	return sorted(im)
}

// fixed is a Store with an image, which records nothing.
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
