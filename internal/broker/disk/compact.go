package disk

import (
	"context"
	"errors"
	"fmt"
)

// maxSegments is how many full segments there may be before they are merged although they are
// small: each start of the broker begins a new one.
const maxSegments = 16

// maxBehind is how many times the size that is due may wait for a merge.
const maxBehind = 8

// mergeAtMost bounds the files that one merge has open.
const mergeAtMost = 64

// mergeLoop merges full segments into the snapshot when there are enough of them. It ends with
// Close.
func (s *Store) mergeLoop() {
	defer s.wg.Done()
	defer close(s.mergeDone)
	for {
		for full := s.dueSegments(); len(full) > 0; full = s.dueSegments() {
			err := s.compact(s.ctx, full)
			if s.ctx.Err() != nil {
				return
			}
			if err != nil {
				s.fail(err)
				s.commit.Lock()
				s.err = errors.Join(s.err, err)
				s.progress.Broadcast()
				s.commit.Unlock()
				return
			}
			select {
			case s.merged <- struct{}{}:
			default:
			}
		}
		select {
		case <-s.rotated:
		case <-s.ctx.Done():
			return
		}
	}
}

// awaitMerge waits while there are so many full segments that merging does not keep up with the
// log. Without it the log could fill the disk.
func (s *Store) awaitMerge() {
	for s.behind() {
		select {
		case <-s.merged:
		case <-s.mergeDone:
			return
		}
	}
}

// behind reports whether the full segments have more than maxBehind times the size that is due.
func (s *Store) behind() bool {
	s.filesMu.Lock()
	defer s.filesMu.Unlock()
	size, due := s.fullSegments()
	return size > maxBehind*due
}

// fullSegments returns the size of the full segments, and the size from which they are merged. A
// merge writes the whole snapshot again, so the segments must be worth it: at least half the size
// of the snapshot. s.filesMu is held.
func (s *Store) fullSegments() (size, due int64) {
	for _, f := range s.manifest.segments {
		size += f.size
	}
	return size, max(s.opt.SegmentSize, s.manifest.snapshot.size/2)
}

// dueSegments returns the segments to merge, none if it is too early.
func (s *Store) dueSegments() []listedFile {
	s.filesMu.Lock()
	defer s.filesMu.Unlock()
	if size, due := s.fullSegments(); size < due && len(s.manifest.segments) < maxSegments {
		return nil
	}
	return s.manifest.segments[:min(len(s.manifest.segments), mergeAtMost)]
}

// compact merges the snapshot and the oldest segments into a new snapshot, and removes them. It
// holds no lock meanwhile.
func (s *Store) compact(ctx context.Context, full []listedFile) error {
	s.filesMu.Lock()
	m := s.manifest
	s.filesMu.Unlock()
	last := full[len(full)-1].number
	w, err := createSnapshot(s.snapshotPath(last), last, m.folder)
	if err != nil {
		return err
	}
	next := listedFile{}
	if err = s.mergeFiles(ctx, &m, full, w); err == nil {
		next, err = w.finish()
	}
	if err == nil {
		err = syncFolder(s.dir)
	}
	if err != nil {
		return errors.Join(err, w.abort())
	}
	return s.replaceSnapshot(next, len(full))
}

// mergeFiles merges the snapshot of m and full segments into out.
func (s *Store) mergeFiles(ctx context.Context, m *manifest, full []listedFile, out sink) error {
	d := newDelta()
	for _, f := range full {
		closeFile, err := s.replayFull(ctx, d, m, f)
		if err != nil {
			return err
		}
		defer closeFile() // the delta refers to messages in it
	}
	return s.mergeSnapshot(ctx, m, d, out)
}

// replaceSnapshot lists a new snapshot in place of the old one and of the oldest segments, and
// removes their files.
func (s *Store) replaceSnapshot(next listedFile, merged int) error {
	s.filesMu.Lock()
	defer s.filesMu.Unlock()
	old := s.manifest
	m := old
	m.snapshot, m.segments = next, old.segments[merged:]
	if err := writeManifest(s.dir, &m); err != nil {
		return err
	}
	s.manifest = m
	var err error
	if old.snapshot.number > 0 {
		err = s.remove(s.snapshotPath(old.snapshot.number))
	}
	for _, f := range old.segments[:merged] {
		err = errors.Join(err, s.discard(f.number))
	}
	if err != nil {
		return fmt.Errorf("remove merged files: %w", err)
	}
	return nil
}
