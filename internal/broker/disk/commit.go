package disk

import (
	"time"
)

// Begin starts a unit of records, which ends with End: all of it is written in one frame. It
// waits for a Commit if too much is pending.
func (s *Store) Begin() {
	if s.recorded.Load()-s.committed.Load() > maxPending {
		s.Commit()
	}
	s.gate.RLock()
}

// End ends a unit of records.
func (s *Store) End() { s.gate.RUnlock() }

// Commit returns when everything that was recorded before the call is as safe as Options.Sync
// requires. It must not be called between Begin and End. After an error nothing more is
// recorded, and Failed has the error.
func (s *Store) Commit() error {
	want := s.recorded.Load()
	if s.committed.Load() >= want {
		return nil
	}
	return s.reach(want, s.opt.Sync == 0)
}

// reach waits until all records before want are written and, if disk is set, synced. If no
// goroutine writes, it writes for all that wait.
func (s *Store) reach(want uint64, disk bool) error {
	s.commit.Lock()
	defer s.commit.Unlock()
	for s.err == nil && (s.written < want || disk && s.synced < want) {
		if s.writing {
			s.progress.Wait()
			continue
		}
		s.writing = true
		s.commit.Unlock()
		upto, synced, err := s.write(disk)
		s.commit.Lock()
		s.writing = false
		if err == nil {
			s.written = upto
			if synced {
				s.synced = upto
			}
			s.committed.Store(upto)
		} else {
			s.err = err
		}
		s.progress.Broadcast()
	}
	return s.err
}

// write writes the pending records as one frame and returns the position up to which all is
// written. Only one goroutine at a time calls it.
func (s *Store) write(disk bool) (upto uint64, synced bool, err error) {
	b, upto := s.take()
	if len(b) > frameHead {
		b, err = s.segment.append(b)
	}
	full := s.segment.size >= s.opt.SegmentSize
	if err == nil && (disk || full) {
		err = s.segment.sync()
		synced = true
	}
	if cap(b) <= keptBuffer {
		s.free = b
	}
	if err == nil && full {
		err = s.rotate()
	}
	if err != nil {
		s.fail(err)
	}
	return upto, synced, err
}

// take returns the pending records, with room for the head of a frame, and the position after
// them. No unit of records is divided.
func (s *Store) take() (b []byte, upto uint64) {
	s.gate.Lock()
	defer s.gate.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	b, s.buf = s.buf, append(s.free[:0], make([]byte, frameHead)...)
	s.free = nil
	s.taken += uint64(len(b) - frameHead)
	s.messages = 0
	clear(s.recent[:]) // an entry refers to a message of its own frame
	return b, s.taken
}

// rotate starts the next segment. The full one is on disk.
func (s *Store) rotate() error {
	s.awaitMerge()
	next, err := s.createSegment(s.segment.number + 1)
	if err != nil {
		return err
	}
	if err := s.listSegment(s.segment.listed(), next.number); err != nil {
		next.file.Close()
		return err
	}
	old := s.segment
	s.segment = next
	select {
	case s.rotated <- struct{}{}:
	default:
	}
	return old.file.Close()
}

// listSegment adds a full segment to the manifest, and the newest one.
func (s *Store) listSegment(full listedFile, newest uint64) error {
	s.filesMu.Lock()
	defer s.filesMu.Unlock()
	m := s.manifest
	m.segments = append(m.segments[:len(m.segments):len(m.segments)], full)
	m.newest = newest
	if err := writeManifest(s.dir, &m); err != nil {
		return err
	}
	s.manifest = m
	return nil
}

// flushLoop writes records for which nobody calls Commit. It ends with Close.
func (s *Store) flushLoop() {
	defer s.wg.Done()
	delay := flushDelay
	if s.opt.Sync > 0 {
		delay = s.opt.Sync
	}
	t := time.NewTimer(delay)
	defer t.Stop()
	for {
		select {
		case <-s.flushSoon:
		case <-s.ctx.Done():
			return
		}
		t.Reset(delay)
		select {
		case <-t.C:
		case <-s.ctx.Done():
			return
		}
		s.reach(s.recorded.Load(), s.opt.Sync >= 0)
	}
}
