package disk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"

	"mqtt/internal/broker"
)

// load reads the state, starts a new segment and removes files that are not needed.
func (s *Store) load(ctx context.Context) (*broker.Image, error) {
	m, err := readManifest(s.dir)
	if err != nil {
		return nil, err
	}
	files, err := s.list()
	if err != nil {
		return nil, err
	}
	unused, err := s.check(files, m)
	if err != nil {
		return nil, err
	}
	if m == nil {
		m = &manifest{folder: rand.Uint64() | 1, newest: firstSegment - 1}
	}
	builder := newImageBuilder()
	newest, err := s.read(ctx, m, builder)
	if err != nil {
		return nil, err
	}
	s.numbers, s.lastSession = builder.numbers, builder.lastSession
	s.folder, s.manifest = m.folder, *m
	if err := s.start(newest); err != nil {
		return nil, err
	}
	if newest.size == headerSize { // nothing was recorded in it, so start has not listed it
		unused = append(unused, s.segmentPath(newest.number))
	}
	for _, path := range unused {
		if path == s.segment.path {
			continue
		}
		if err := s.remove(path); err != nil {
			s.segment.file.Close()
			s.segment = nil
			return nil, fmt.Errorf("remove a file that is not needed: %w", err)
		}
	}
	return builder.image, nil
}

// read merges all files into the builder. It returns the newest segment as the manifest will list
// it from now on; its number is 0 if there is none.
func (s *Store) read(ctx context.Context, m *manifest, builder *imageBuilder) (newest listedFile, err error) {
	d := newDelta()
	for _, f := range m.segments {
		closeFile, err := s.replayFull(ctx, d, m, f)
		if err != nil {
			return newest, err
		}
		defer closeFile() // the delta refers to messages in it
	}
	if m.newest >= firstSegment {
		var closeFile func() error
		newest, closeFile, err = s.replayNewest(ctx, d, m)
		if err != nil {
			return newest, err
		}
		defer closeFile()
	}
	if err := s.mergeSnapshot(ctx, m, d, builder); err != nil {
		return newest, err
	}
	if err := builder.finish(); err != nil {
		return newest, fmt.Errorf("%s: %w", s.dir, err)
	}
	return newest, nil
}

// start creates a segment and writes the manifest with it.
func (s *Store) start(newest listedFile) error {
	next, err := s.createSegment(s.manifest.newest + 1)
	if err != nil {
		return err
	}
	if newest.size > headerSize {
		err = s.listSegment(newest, next.number)
	} else {
		m := s.manifest
		m.newest = next.number
		if err = writeManifest(s.dir, &m); err == nil {
			s.manifest = m
		}
	}
	if err != nil {
		next.file.Close()
		return err
	}
	s.segment = next
	return nil
}

// openSegment opens a segment and reads its header.
func (s *Store) openSegment(number uint64, m *manifest) (*frameReader, func() error, error) {
	path := s.segmentPath(number)
	f, closeFile, err := openFrames(path, number)
	if err != nil {
		return nil, nil, err
	}
	ok, err := f.header(kindSegment, m.folder)
	switch {
	case err != nil:
		err = fmt.Errorf("read %s: %w", path, err)
	case !ok:
		err = damaged(path, "it does not begin with the header of this segment")
	}
	if err != nil {
		closeFile()
		return nil, nil, err
	}
	return f, closeFile, nil
}

// replayFull applies a segment to which nothing more is written. All of it must be there. The
// file stays open until the delta is no longer used.
func (s *Store) replayFull(ctx context.Context, d *delta, m *manifest, listed listedFile) (closeFile func() error, err error) {
	f, closeFile, err := s.openSegment(listed.number, m)
	if err != nil {
		return nil, err
	}
	f.limit = min(f.limit, listed.size)
	err = d.replay(ctx, f)
	if err == nil {
		err = matches(f, listed)
	}
	if err != nil {
		closeFile()
		return nil, fmt.Errorf("%s: %w", s.segmentPath(listed.number), err)
	}
	return closeFile, nil
}

// matches compares what was read with what the manifest says.
func matches(f *frameReader, listed listedFile) error {
	switch {
	case f.at < listed.size:
		return fmt.Errorf("%w: byte %d of %d cannot be read as it was written", ErrDamaged, f.at, listed.size)
	case f.sum != listed.sum:
		return fmt.Errorf("%w: its checksum is %08x, not %08x as in the manifest", ErrDamaged, f.sum, listed.sum)
	}
	return nil
}

// replayNewest applies the segment that was written when the process ended. Its end may be
// incomplete.
func (s *Store) replayNewest(ctx context.Context, d *delta, m *manifest) (newest listedFile, closeFile func() error, err error) {
	f, closeFile, err := s.openSegment(m.newest, m)
	if err != nil {
		return newest, nil, err
	}
	path := s.segmentPath(m.newest)
	err = d.replay(ctx, f)
	if err == nil {
		var wasWhole bool
		if wasWhole, err = f.damagedEnd(); wasWhole {
			err = fmt.Errorf("%w: byte %d cannot be read as it was written", ErrDamaged, f.at)
		}
	}
	if err != nil {
		closeFile()
		return newest, nil, fmt.Errorf("%s: %w", path, err)
	}
	if !f.complete && s.opt.Warn != nil {
		s.opt.Warn(fmt.Sprintf("%s: the last write is incomplete, as after a kill or a power failure: what follows byte %d is left out", path, f.at))
	}
	return listedFile{m.newest, f.at, f.sum}, closeFile, nil
}

// mergeSnapshot merges the snapshot of m, if it has one, and the delta into out.
func (s *Store) mergeSnapshot(ctx context.Context, m *manifest, d *delta, out sink) error {
	listed := m.snapshot
	if listed.number == 0 {
		return merge(ctx, nil, d, out)
	}
	path := s.snapshotPath(listed.number)
	f, closeFile, err := openFrames(path, listed.number)
	if err != nil {
		return err
	}
	defer closeFile()
	size := f.limit
	f.limit = min(size, listed.size)
	ok, err := f.header(kindSnapshot, m.folder)
	switch {
	case err != nil:
	case !ok:
		err = fmt.Errorf("%w: it does not begin with the header of this snapshot", ErrDamaged)
	case size != listed.size:
		err = fmt.Errorf("%w: it has %d bytes, not %d as in the manifest", ErrDamaged, size, listed.size)
	default:
		if err = merge(ctx, f, d, out); err == nil {
			err = matches(f, listed)
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// remove removes a file; a missing file is not an error.
func (s *Store) remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
