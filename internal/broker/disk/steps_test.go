package disk

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

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
			s, im := open(t, dir, Options{Warn: func(text string) { t.Error(text) }})
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
