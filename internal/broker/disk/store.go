package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"mqtt/internal/broker"
)

// Never is the Options.Sync of who leaves it to the system when to write.
const Never time.Duration = -1

// Options say how a Store keeps what it is told.
type Options struct {
	// Sync is 0 if Commit waits until the disk has what it promises. Otherwise Commit
	// waits for the system only, which survives the end of the process but not of the
	// machine, and the disk gets it every so often, or Never.
	Sync time.Duration
	// Note is told what is worth telling but no error; nil is nobody. Only Open and
	// Load call it.
	Note func(text string)
	// Piece is how many bytes a piece of the log has; 0 is 64 MiB.
	Piece int64
}

const (
	late      = 100 * time.Millisecond // until what nobody waits for is written
	pending   = 32 << 20               // bytes that wait to be written, before more must wait
	keptSpace = 4 << 20                // bytes of a buffer that is used again
)

// Store is a folder's. Its methods are those of broker.Store.
type Store struct {
	opt  Options
	dir  string
	db   *bolt.DB
	gate sync.RWMutex // Begin to End, and a cut when nobody is in between

	mu       sync.Mutex
	dead     bool   // nothing more is recorded
	buf      []byte // room for a frame's head, and the records that wait
	extra    []byte
	cut      uint64 // bytes recorded before those in buf
	numbers  map[string]uint64
	sessions uint64 // highest number
	messages uint64 // highest number
	recent   [recent]recorded
	recorded atomic.Uint64 // bytes, ever

	commit   sync.Mutex
	turn     *sync.Cond
	leading  bool   // somebody writes
	err      error  // the Store has failed
	kept     uint64 // bytes that the system has
	synced   uint64 // and the disk
	promised atomic.Uint64

	// Of who leads.
	log   *piece
	space []byte

	failed chan error
	kick   chan struct{}
	stop   chan struct{}
	full   chan *piece
	wg     sync.WaitGroup
	once   sync.Once

	spareMu sync.Mutex
	spares  []string
}

// Open locks the folder, which it makes if there is none.
func Open(dir string, opt Options) (*Store, error) {
	if opt.Piece <= 0 {
		opt.Piece = 64 << 20
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	path := filepath.Join(dir, "state.db")
	db, err := openState(path, opt.Note)
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, fmt.Errorf("%s is in use by another broker", dir)
	case foreign(err):
		return nil, fmt.Errorf("open %s: %w: %w", path, ErrDamaged, err)
	case err != nil:
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	s := &Store{
		opt: opt, dir: dir, db: db, numbers: make(map[string]uint64), buf: make([]byte, frameHead),
		failed: make(chan error, 1), kick: make(chan struct{}, 1), stop: make(chan struct{}), full: make(chan *piece, 1024),
	}
	s.turn = sync.NewCond(&s.commit)
	return s, nil
}

// foreign tells whether bbolt could make nothing of a file.
func foreign(err error) bool {
	for _, is := range []error{berrors.ErrInvalid, berrors.ErrVersionMismatch, berrors.ErrChecksum, io.EOF, io.ErrUnexpectedEOF} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}

// Load returns what the folder has. It is called once, before anything is recorded.
func (s *Store) Load(ctx context.Context) (*broker.Image, error) {
	image, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	s.wg.Add(2)
	go s.clock() // these two end with Close
	go s.settle()
	return image, nil
}

// Begin keeps a cut out until End. It waits for the disk if that is far behind.
func (s *Store) Begin() {
	if s.recorded.Load()-s.promised.Load() > pending {
		s.Commit()
	}
	s.gate.RLock()
}

// End lets a cut in.
func (s *Store) End() { s.gate.RUnlock() }

// Commit returns when all that was recorded before it is kept as Options.Sync has it.
// It must not be called between Begin and End. After an error nothing is recorded any
// more, and Failed has it.
func (s *Store) Commit() error {
	want := s.recorded.Load()
	if s.promised.Load() >= want {
		return nil
	}
	return s.reach(want, s.opt.Sync == 0)
}

// reach waits until want is with the system, or on disk. Whoever finds nobody writing
// does so for all who wait.
func (s *Store) reach(want uint64, disk bool) error {
	s.commit.Lock()
	defer s.commit.Unlock()
	for s.err == nil && (s.kept < want || disk && s.synced < want) {
		if s.leading {
			s.turn.Wait()
			continue
		}
		s.leading = true
		s.commit.Unlock()
		upto, onDisk, err := s.write(disk)
		s.commit.Lock()
		s.leading = false
		if err == nil {
			s.kept = upto
			if onDisk {
				s.synced = upto
			}
			s.promised.Store(upto)
		} else {
			s.err = err
		}
		s.turn.Broadcast()
	}
	return s.err
}

// write makes a frame of what was recorded, and tells up to where. Only who leads
// calls it.
func (s *Store) write(disk bool) (upto uint64, onDisk bool, err error) {
	s.gate.Lock()
	s.mu.Lock()
	buf := s.buf
	s.buf = append(s.space[:0], noHead[:]...)
	s.cut += uint64(len(buf) - frameHead)
	upto = s.cut
	last := s.log.size+int64(len(buf)) >= s.opt.Piece
	if last {
		clear(s.recent[:]) // the next piece has none of them
	}
	s.mu.Unlock()
	s.gate.Unlock()

	s.space = nil
	if len(buf) > frameHead {
		buf, err = s.log.append(buf)
	}
	if err == nil && (disk || last) {
		err = s.log.sync()
		onDisk = true
	}
	if cap(buf) <= keptSpace {
		s.space = buf
	}
	if err == nil && last {
		err = s.turnOver()
	}
	if err != nil {
		s.fail(err)
	}
	return upto, onDisk, err
}

// turnOver begins the next piece and hands the full one over.
func (s *Store) turnOver() error {
	old := s.log
	next, err := s.newPiece(old.number + 1)
	if err != nil {
		return err
	}
	if err := old.follow(); err != nil {
		next.file.Close()
		return err
	}
	s.log = next
	s.full <- old
	return nil
}

// fail ends the keeping: what cannot be kept is not promised.
func (s *Store) fail(err error) {
	s.mu.Lock()
	s.dead = true
	s.mu.Unlock()
	select {
	case s.failed <- err:
	default:
	}
}

// Failed has the error after which nothing can be kept any more, such as a full disk.
// Who serves should end then.
func (s *Store) Failed() <-chan error { return s.failed }

// clock writes what nobody waits for. It ends with Close.
func (s *Store) clock() {
	defer s.wg.Done()
	every := late
	if s.opt.Sync > 0 {
		every = s.opt.Sync
	}
	t := time.NewTimer(every)
	defer t.Stop()
	for {
		select {
		case <-s.kick:
		case <-s.stop:
			return
		}
		t.Reset(every)
		select {
		case <-t.C:
		case <-s.stop:
			return
		}
		s.reach(s.recorded.Load(), s.opt.Sync >= 0)
	}
}

// settle puts full pieces into the bbolt file. It ends with Close.
func (s *Store) settle() {
	defer s.wg.Done()
	for {
		select {
		case p := <-s.full:
			if err := s.retire(p); err != nil {
				s.fail(err)
				s.commit.Lock()
				s.err = errors.Join(s.err, err)
				s.turn.Broadcast()
				s.commit.Unlock()
				return
			}
		case <-s.stop:
			return
		}
	}
}

// Close writes what waits and closes the folder. Nothing may be recorded any more.
func (s *Store) Close() error {
	var err error
	s.once.Do(func() {
		close(s.stop)
		s.wg.Wait()
		if s.log != nil {
			err = s.finish()
		}
		err = errors.Join(err, s.db.Close())
	})
	return err
}

// finish leaves all in the bbolt file, and an empty piece that says so.
func (s *Store) finish() error {
	if err := s.reach(s.recorded.Load(), true); err != nil {
		s.log.file.Close()
		return err
	}
	for len(s.full) > 0 {
		if err := s.retire(<-s.full); err != nil {
			return err
		}
	}
	last := s.log
	if last.empty() {
		return errors.Join(last.file.Close(), s.dropSpares())
	}
	next, err := s.newPiece(last.number + 1)
	if err != nil {
		return err
	}
	if err := errors.Join(next.file.Close(), last.follow()); err != nil {
		return err
	}
	if err := s.retire(last); err != nil {
		return err
	}
	return s.dropSpares()
}
