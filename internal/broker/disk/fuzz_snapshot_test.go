package disk

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"mqtt/internal/broker"
)

// FuzzSnapshot damages a snapshot. It is refused: never a panic, nor a state with something
// missing.
func FuzzSnapshot(f *testing.F) {
	s, m := modelled(f)
	rotateNow(f, s)
	if err := s.compact(context.Background(), s.manifest.segments); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(s.snapshotPath(s.manifest.snapshot.number))
	if err != nil {
		f.Fatal(err)
	}
	kept, want := s.manifest, m.image()
	if err := s.Close(); err != nil {
		f.Fatal(err)
	}
	read := func(file []byte, limit int64) (*broker.Image, error) {
		r := &frameReader{file: bytes.NewReader(file), number: kept.snapshot.number, limit: limit}
		if ok, err := r.header(kindSnapshot, kept.folder); err != nil || !ok {
			return nil, ErrDamaged
		}
		b := newImageBuilder()
		err := merge(context.Background(), r, newDelta(), b)
		if err == nil {
			err = errors.Join(matches(r, kept.snapshot), b.finish())
		}
		return sorted(b.image), err
	}
	f.Add(uint32(len(whole)), []byte{})
	f.Add(uint32(len(whole)/2), []byte{})
	for _, at := range []int{0, 4, 8, 16, 24, frameHead, headerSize, headerSize + 4, headerSize + 24, headerSize + frameHead + 9} {
		f.Add(uint32(len(whole)), binary.BigEndian.AppendUint32(nil, uint32(at)<<8|1))
	}
	f.Fuzz(func(t *testing.T, cut uint32, edits []byte) {
		watched(func() {
			file := damage(whole, cut, edits)
			im, err := read(file, int64(len(file)))
			switch {
			case err == nil && differ(im, want) != "":
				t.Fatalf("something is lost without a report: %s", differ(im, want))
			case err != nil && !errors.Is(err, ErrDamaged):
				t.Fatal(err)
			case (err == nil) != bytes.Equal(file, whole):
				t.Fatalf("error %v", err)
			}
		})
	})
}

// FuzzMerge merges a snapshot with any records, whose checksum is right, with a segment of any
// records. It fails, or the state that was merged is the state that is read.
func FuzzMerge(f *testing.F) {
	s, _ := modelled(f)
	rotateNow(f, s)
	if err := s.compact(context.Background(), s.manifest.segments); err != nil {
		f.Fatal(err)
	}
	r, closeFile, err := openFrames(s.snapshotPath(s.manifest.snapshot.number), s.manifest.snapshot.number)
	if err != nil {
		f.Fatal(err)
	}
	if ok, err := r.header(kindSnapshot, s.folder); err != nil || !ok {
		f.Fatal(ok, err)
	}
	for b, err := r.next(); err == nil; b, err = r.next() {
		f.Add(bytes.Clone(b), []byte{opEnd, 1, opClear, 3, 't', '/', '1'})
		f.Add(bytes.Clone(b), []byte{opSettle, 2, 1, opInFlight, 2, 2, 0, 9, opUnsubscribe, 2, 1, 'a'})
	}
	if err := errors.Join(closeFile(), s.Close()); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{opCounters, 1, opSession, 1, 1, 'c', 0, 1, 0, 0, opSubscribe, 1, 2, 0, 1, 'a', opAccept, 1, 0, 5,
		opMessage, 3, 0, 0, 1, 'a', 0, 0, 0, opQueued, 1, 1, 0, 0, 1, 0, opRetain, 0, 0, 0, 1, 't', 0, 0, 0},
		[]byte{opInFlight, 1, 1, 0, 9, opRelease, 1, 0, 5, opClear, 1, 't'})
	f.Add([]byte{opCounters, 1, opSubscribe, 0, 2, 0, 1, 'a'}, []byte(nil))
	f.Add([]byte{opCounters, 1, opAccept, 0, 0, 5}, []byte(nil))
	f.Fuzz(func(t *testing.T, snapshot, records []byte) {
		watched(func() {
			old := appendHeader(nil, kindSnapshot, 4, testFolder)
			frame := append(make([]byte, frameHead), snapshot...)
			seal(frame, magicData, 4, int64(len(old)), 0)
			old = append(old, frame...)
			run := func(old []byte, records []byte, out sink) error {
				d := newDelta()
				segment := segmentWith(5, testFolder, records)
				f := &frameReader{file: bytes.NewReader(segment), number: 5, limit: int64(len(segment))}
				f.header(kindSegment, testFolder)
				if err := d.replay(context.Background(), f); err != nil {
					return err
				}
				r := &frameReader{file: bytes.NewReader(old), number: 4, limit: int64(len(old))}
				r.header(kindSnapshot, testFolder)
				return merge(context.Background(), r, d, out)
			}
			b := newImageBuilder()
			if err := run(old, records, b); err != nil || b.finish() != nil {
				return
			}
			path := filepath.Join(t.TempDir(), "snapshot")
			w, err := createSnapshot(path, 4, testFolder)
			if err != nil {
				t.Fatal(err)
			}
			if err := run(old, records, w); err != nil {
				t.Fatal(err)
			}
			if _, err := w.finish(); err != nil {
				t.Fatal(err)
			}
			next, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			again := newImageBuilder()
			if err := errors.Join(run(next, nil, again), again.finish()); err != nil {
				t.Fatal(err)
			}
			if d := differ(sorted(again.image), sorted(b.image)); d != "" {
				t.Fatal(d)
			}
		})
	})
}
