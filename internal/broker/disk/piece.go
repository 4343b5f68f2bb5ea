package disk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A piece of the log is a file of frames. A frame has a head of 28 bytes: what it is,
// how long, the number of the piece (a file that is used again has frames of an older
// one behind ours), how much of the piece was on disk when it was written, and a
// checksum of all that and the records. The first is a head alone, by which the piece is
// known even if nothing was written to it; format 2 had none. The last is empty. Behind it
// one more tells of a piece that is full that the next one has begun; it once stood in the
// place of the last.
const (
	frameHead   = 28
	beginMagic  = "mqLb"
	frameMagic  = "mqL1"
	followMagic = "mqLf"
	mostSpares  = 2
)

// piece is one that is open.
type piece struct {
	number uint64
	path   string
	file   *os.File
	size   int64
	disk   int64 // bytes that are on disk
}

func crcTable() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// seal fills in the head of the frame that b is.
func seal(b []byte, magic string, number uint64, disk int64) {
	copy(b, magic)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-frameHead))
	binary.LittleEndian.PutUint64(b[8:], number)
	binary.LittleEndian.PutUint64(b[16:], uint64(disk))
	binary.LittleEndian.PutUint32(b[24:], frameSum(b))
}

func frameSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:24], crcTable()), crcTable(), b[frameHead:])
}

// append writes a frame and, behind it, an empty one that the next will replace: it
// shows where a piece ends in order. b begins with room for its head, and is returned
// as it was.
func (p *piece) append(b []byte) ([]byte, error) {
	seal(b, frameMagic, p.number, p.disk)
	n := len(b)
	b = append(b, noHead[:]...)
	seal(b[n:], frameMagic, p.number, p.disk)
	_, err := p.file.WriteAt(b, p.size)
	p.size += int64(n)
	if err != nil {
		return b, fmt.Errorf("write %s: %w", p.path, err)
	}
	return b[:n], nil
}

var noHead [frameHead]byte

// begin makes the file a piece of the log, with nothing in it, on disk.
func (p *piece) begin() error {
	b := make([]byte, 2*frameHead)
	seal(b[:frameHead], beginMagic, p.number, 0)
	seal(b[frameHead:], frameMagic, p.number, 0)
	p.size = frameHead
	return p.put(b, 0)
}

// follow notes behind a full piece that the next one has begun. The end stays untouched: a
// piece that is not the last must have one, whatever becomes of this write.
func (p *piece) follow() error {
	b := noHead
	seal(b[:], followMagic, p.number, p.disk)
	return p.put(b[:], p.size+frameHead)
}

func (p *piece) put(b []byte, at int64) error {
	if _, err := p.file.WriteAt(b, at); err != nil {
		return fmt.Errorf("write %s: %w", p.path, err)
	}
	p.disk = 0
	return p.sync()
}

// empty tells whether nothing was recorded in it.
func (p *piece) empty() bool { return p.size == frameHead }

func (p *piece) sync() error {
	if p.disk == p.size {
		return nil
	}
	if err := dataSync(p.file); err != nil {
		return fmt.Errorf("write %s to disk: %w", p.path, err)
	}
	p.disk = p.size
	return nil
}

func (s *Store) piecePath(number uint64) string {
	return filepath.Join(s.dir, "log-"+fmt.Sprintf("%016x", number))
}

// newPiece begins a piece, on disk, in a file that was one before if there is such: what is
// written over what was allocated is on disk sooner.
func (s *Store) newPiece(number uint64) (*piece, error) {
	p := &piece{number: number, path: s.piecePath(number)}
	s.spareMu.Lock()
	spare := ""
	if n := len(s.spares); n > 0 {
		spare, s.spares = s.spares[n-1], s.spares[:n-1]
	}
	s.spareMu.Unlock()
	var err error
	if spare != "" {
		if err = os.Rename(spare, p.path); err == nil {
			p.file, err = os.OpenFile(p.path, os.O_RDWR, 0)
		}
	} else {
		p.file, err = os.OpenFile(p.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("begin %s: %w", p.path, err)
	}
	if err = p.begin(); err == nil {
		err = syncFolder(s.dir)
	}
	if err != nil {
		p.file.Close()
		return nil, err
	}
	return p, nil
}

// retire puts what is left of a full piece into the bbolt file, and the file aside.
func (s *Store) retire(p *piece) error {
	_, err := s.absorb(p.file, p.number, p.size+2*frameHead, false, true) // the end, and what follow wrote
	err = errors.Join(err, p.file.Close())
	if err != nil {
		return err
	}
	s.spareMu.Lock()
	defer s.spareMu.Unlock()
	if len(s.spares) >= mostSpares {
		return os.Remove(p.path)
	}
	spare := filepath.Join(s.dir, "spare-"+strconv.FormatUint(p.number, 16))
	if err := os.Rename(p.path, spare); err != nil {
		return err
	}
	s.spares = append(s.spares, spare)
	return nil
}

func (s *Store) dropSpares() error {
	s.spareMu.Lock()
	defer s.spareMu.Unlock()
	var err error
	for _, path := range s.spares {
		err = errors.Join(err, os.Remove(path))
	}
	s.spares = nil
	return err
}

// pieces lists the numbers of the pieces that are there, in order, and takes away
// what a run before kept for later.
func (s *Store) pieces() ([]uint64, error) {
	list, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("read the data folder: %w", err)
	}
	var numbers []uint64
	for _, e := range list {
		if strings.HasPrefix(e.Name(), "spare-") {
			if err := os.Remove(filepath.Join(s.dir, e.Name())); err != nil {
				return nil, err
			}
		}
		hex, ok := strings.CutPrefix(e.Name(), "log-")
		if !ok || len(hex) != 16 {
			continue
		}
		n, err := strconv.ParseUint(hex, 16, 64)
		if err != nil {
			continue
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers, nil
}

// frames reads the frames of a piece.
type frames struct {
	file   io.ReaderAt
	number uint64
	size   int64 // of the file
	at     int64 // of the next frame
	disk   int64 // that much was on disk, as the last frame says
	begun  bool  // the piece has a head of its own
	whole  bool  // the piece ended in order
	follow bool  // and another one has begun
	b      []byte
}

// begin passes over the head of the piece, if it has one.
func (f *frames) begin() {
	var head [frameHead]byte
	if f.size < frameHead {
		return
	}
	if _, err := f.file.ReadAt(head[:], 0); err != nil {
		return
	}
	var want [frameHead]byte
	seal(want[:], beginMagic, f.number, 0)
	if f.begun = head == want; f.begun {
		f.at = frameHead
	}
}

// next returns the records of the next frame, good until the next call, and where
// they stand. It is io.EOF at the end, or where no frame begins.
func (f *frames) next() (records []byte, at int64, err error) {
	var head [frameHead]byte
	n, disk, ok := f.head(f.at, &head)
	if !ok {
		return nil, 0, io.EOF
	}
	if cap(f.b) < n+frameHead {
		f.b = make([]byte, n+frameHead)
	}
	f.b = f.b[:n+frameHead]
	if _, err := f.file.ReadAt(f.b, f.at); err != nil {
		return nil, 0, err
	}
	if frameSum(f.b) != binary.LittleEndian.Uint32(f.b[24:]) {
		return nil, 0, io.EOF
	}
	f.disk = disk
	f.whole = n == 0
	if f.whole {
		f.follow = string(head[:4]) == followMagic || f.followed()
		return nil, 0, io.EOF
	}
	at = f.at + frameHead
	f.at += int64(len(f.b))
	return f.b[frameHead:], at, nil
}

// followed tells whether the note that another piece has begun stands behind the end.
func (f *frames) followed() bool {
	var head [frameHead]byte
	_, _, ok := f.head(f.at+frameHead, &head)
	return ok && string(head[:4]) == followMagic && frameSum(head[:]) == binary.LittleEndian.Uint32(head[24:])
}

// head reads the head of a frame of this piece.
func (f *frames) head(at int64, head *[frameHead]byte) (n int, disk int64, ok bool) {
	if at+frameHead > f.size {
		return 0, 0, false
	}
	if _, err := f.file.ReadAt(head[:], at); err != nil {
		return 0, 0, false
	}
	length := int64(binary.LittleEndian.Uint32(head[4:]))
	disk = int64(binary.LittleEndian.Uint64(head[16:]))
	magic := string(head[:4])
	ok = (magic == frameMagic || magic == followMagic && length == 0) && binary.LittleEndian.Uint64(head[8:]) == f.number &&
		at+frameHead+length <= f.size && disk <= at
	return int(length), disk, ok
}

// rest looks behind the place where no frame could be read for one that can be. The
// end of a write that was under way has none that was written when the place was on
// disk already: one that was means that the file was damaged since.
func (f *frames) rest() (damaged bool, err error) {
	from := f.at
	defer func() { f.at = from }()
	const window = 1 << 20
	buf := make([]byte, window+len(frameMagic))
	for at := from; at < f.size; at += window {
		n, err := f.file.ReadAt(buf, at)
		if err != nil && err != io.EOF {
			return false, err
		}
		for i := 0; ; i++ {
			j := bytes.Index(buf[i:n], []byte(frameMagic))
			if j < 0 {
				break
			}
			i += j
			f.at = at + int64(i)
			if _, _, err := f.next(); (err == nil || f.whole) && f.disk > from {
				return true, nil
			}
		}
	}
	return false, nil
}
