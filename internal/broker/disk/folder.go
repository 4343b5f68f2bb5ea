package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	segmentPrefix  = "log-"
	snapshotPrefix = "snapshot-"
	sparePrefix    = "spare-"
	newSuffix      = ".new"
	lockName       = "lock"
	oldStateName   = "state.db" // of formats 2 and 3
	maxSpares      = 2
)

// ErrDamaged is in the error for a file that is missing, or that cannot be read as it was
// written.
var ErrDamaged = errors.New("the data is damaged")

func damaged(path, format string, args ...any) error {
	return fmt.Errorf("%s: %w: %s", path, ErrDamaged, fmt.Sprintf(format, args...))
}

func (s *Store) segmentPath(number uint64) string {
	return filepath.Join(s.dir, fmt.Sprintf("%s%016x", segmentPrefix, number))
}

func (s *Store) snapshotPath(number uint64) string {
	return filepath.Join(s.dir, fmt.Sprintf("%s%016x", snapshotPrefix, number))
}

// makeFolder makes a folder, and those above it that are missing. sync is called for the
// parent of each folder that was made: without it a power failure could take the folder away.
func makeFolder(dir string, sync func(dir string) error) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	var missing []string
	for path := dir; ; path = filepath.Dir(path) {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		missing = append(missing, path)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, path := range slices.Backward(missing) {
		if err := sync(filepath.Dir(path)); err != nil {
			return err
		}
	}
	return nil
}

// listing is what a folder contains.
type listing struct {
	segments  []uint64
	snapshots []uint64
	others    []string // spare and unfinished files, which have nothing that counts
	oldFormat bool
}

func (s *Store) list() (l listing, err error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return l, fmt.Errorf("read the data folder: %w", err)
	}
	for _, e := range entries {
		name := e.Name()
		if n, ok := numberIn(name, segmentPrefix); ok {
			l.segments = append(l.segments, n)
		} else if n, ok := numberIn(name, snapshotPrefix); ok {
			l.snapshots = append(l.snapshots, n)
		} else if strings.HasPrefix(name, sparePrefix) || name == manifestName+newSuffix {
			l.others = append(l.others, filepath.Join(s.dir, name))
		}
		l.oldFormat = l.oldFormat || name == oldStateName
	}
	return l, nil
}

// numberIn returns the number in a file name of prefix and 16 hexadecimal digits.
func numberIn(name, prefix string) (uint64, bool) {
	hex, ok := strings.CutPrefix(name, prefix)
	if !ok || len(hex) != 16 {
		return 0, false
	}
	n, err := strconv.ParseUint(hex, 16, 64)
	return n, err == nil
}

// check compares the files of the folder with the manifest, which is nil if there is none. It
// returns the files that are not needed: a crash left them before they were listed, or after
// they were merged.
func (s *Store) check(l listing, m *manifest) (unused []string, err error) {
	unused = l.others
	isNew := m == nil
	if isNew {
		m = &manifest{newest: firstSegment - 1}
		if l.oldFormat {
			return nil, fmt.Errorf("%s: %w: %s is of format 2 or 3", s.dir, ErrFormat, oldStateName)
		}
		if len(l.snapshots) > 0 {
			return nil, damaged(filepath.Join(s.dir, manifestName), "it is missing")
		}
	}
	for _, n := range l.snapshots {
		if n != m.snapshot.number {
			unused = append(unused, s.snapshotPath(n))
		}
	}
	if m.snapshot.number > 0 && !slices.Contains(l.snapshots, m.snapshot.number) {
		return nil, damaged(s.snapshotPath(m.snapshot.number), "it is missing")
	}
	for _, f := range m.segments {
		if !slices.Contains(l.segments, f.number) {
			return nil, damaged(s.segmentPath(f.number), "it is missing")
		}
	}
	if m.newest >= firstSegment && !slices.Contains(l.segments, m.newest) {
		return nil, damaged(s.segmentPath(m.newest), "it is missing")
	}
	for _, n := range l.segments {
		listed := !isNew && n == m.newest || slices.ContainsFunc(m.segments, func(f listedFile) bool { return f.number == n })
		if listed {
			continue
		}
		if isNew || n > m.newest {
			if err := s.checkUnlisted(n, m); err != nil {
				return nil, err
			}
		}
		unused = append(unused, s.segmentPath(n))
	}
	return unused, nil
}

// checkUnlisted accepts the segment that was just being created when the process ended. If
// something was recorded in a segment, the manifest lists it, unless the manifest is gone or an
// older copy has taken its place.
func (s *Store) checkUnlisted(number uint64, m *manifest) error {
	f, closeFile, err := openFrames(s.segmentPath(number), number)
	if err != nil {
		return err
	}
	defer closeFile()
	f.at = headerSize
	_, err = f.next()
	if err != nil && err != io.EOF {
		return fmt.Errorf("read %s: %w", s.segmentPath(number), err)
	}
	empty := err == io.EOF
	if m.folder == 0 { // no manifest, and so no spare file whose old content is still there
		empty = f.limit <= headerSize+frameHead
	}
	if empty && number == m.newest+1 {
		return nil
	}
	return damaged(filepath.Join(s.dir, manifestName), "it is missing or too old: it does not list %s", filepath.Base(s.segmentPath(number)))
}

// openFrames opens a file for reading. close must be called.
func openFrames(path string, number uint64) (f *frameReader, close func() error, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return &frameReader{file: file, number: number, limit: info.Size()}, file.Close, nil
}

// takeSpare returns the path of a segment file that can be overwritten, "" if there is none.
func (s *Store) takeSpare() string {
	s.filesMu.Lock()
	defer s.filesMu.Unlock()
	if len(s.spares) == 0 {
		return ""
	}
	spare := s.spares[0]
	s.spares = s.spares[1:]
	return spare
}

// discard removes the file of a segment that was merged, or keeps it as a spare. s.filesMu is held.
func (s *Store) discard(number uint64) error {
	path := s.segmentPath(number)
	if len(s.spares) >= maxSpares {
		return os.Remove(path)
	}
	spare := filepath.Join(s.dir, sparePrefix+strconv.FormatUint(number, 16))
	if err := os.Rename(path, spare); err != nil {
		return err
	}
	s.spares = append(s.spares, spare)
	return nil
}

func (s *Store) removeSpares() error {
	s.filesMu.Lock()
	defer s.filesMu.Unlock()
	var err error
	for _, path := range s.spares {
		err = errors.Join(err, os.Remove(path))
	}
	s.spares = nil
	return err
}
