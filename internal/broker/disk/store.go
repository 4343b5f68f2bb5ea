package disk

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"

	"mqtt/internal/broker"
)

// Never is the Options.Sync that leaves syncing to the operating system.
const Never time.Duration = -1

// Options configure a Store.
type Options struct {
	// Sync is 0 if Commit returns when the records are on disk. Otherwise Commit returns when
	// the operating system has them, so that they survive the end of the process but not a power
	// failure, and they are synced at this interval, or Never.
	Sync time.Duration
	// Warn is called by Load with warnings, such as an incomplete last write. It may be nil.
	Warn func(text string)
	// SegmentSize is the size in bytes from which a segment of the log is full; 0 is 64 MiB.
	SegmentSize int64
}

const (
	flushDelay = 100 * time.Millisecond // for records for which nobody calls Commit
	maxPending = 32 << 20               // bytes of records, above which Begin waits for a Commit
	keptBuffer = 4 << 20                // capacity above which a buffer is not used again
	lockWait   = time.Second            // for the lock of a broker that is just ending
)

// Store keeps the state of one broker in a folder. Its methods are those of broker.Store.
type Store struct {
	opt  Options
	dir  string
	lock *flock.Flock
	gate sync.RWMutex // read-locked from Begin to End; locked while the records are taken

	// Records that were not written yet.
	mu          sync.Mutex
	failing     bool // nothing more is recorded
	buf         []byte
	extra       []byte // scratch
	taken       uint64 // bytes of records before buf
	messages    uint64 // in buf
	numbers     map[string]uint64
	lastSession uint64
	recent      [recentSize]recentMessage
	recorded    atomic.Uint64 // bytes of records

	// What became of them. All positions count the bytes of records.
	commit    sync.Mutex
	progress  *sync.Cond
	writing   bool          // a goroutine writes
	err       error         // the Store has failed
	written   uint64        // the operating system has everything before
	synced    uint64        // the disk has everything before
	committed atomic.Uint64 // written or synced, as Options.Sync requires

	// Used by the goroutine that writes.
	segment *segment
	free    []byte // the buffer to use next

	// The files other than the newest segment. Only Load and the goroutine that merges replace
	// the snapshot, and only Load and the one that writes add segments.
	folder   uint64 // as in the manifest; constant after Load
	filesMu  sync.Mutex
	manifest manifest
	spares   []string

	failed    chan error
	flushSoon chan struct{}
	rotated   chan struct{}
	merged    chan struct{}
	mergeDone chan struct{}   // closed when mergeLoop ends
	ctx       context.Context // ends with Close
	cancel    context.CancelFunc
	wg        sync.WaitGroup
	once      sync.Once
}

// Open creates the folder if there is none, and locks it.
func Open(dir string, opt Options) (*Store, error) {
	if opt.SegmentSize <= 0 {
		opt.SegmentSize = 64 << 20
	}
	if err := makeFolder(dir, syncFolder); err != nil {
		return nil, fmt.Errorf("create the data folder: %w", err)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{
		opt: opt, dir: dir, lock: lock, buf: make([]byte, frameHead),
		failed: make(chan error, 1), flushSoon: make(chan struct{}, 1), rotated: make(chan struct{}, 1),
		merged: make(chan struct{}, 1), mergeDone: make(chan struct{}),
	}
	s.progress = sync.NewCond(&s.commit)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

func lockFolder(dir string) (*flock.Flock, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	lock := flock.New(filepath.Join(dir, lockName), flock.SetPermissions(0o600))
	switch ok, err := lock.TryLockContext(ctx, 20*time.Millisecond); {
	case ok:
		return lock, nil
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("%s is in use by another broker", dir)
	default:
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
}

// Load returns the state that the folder has. It must be called once, before anything is
// recorded. If it fails, the state in the folder has not changed.
func (s *Store) Load(ctx context.Context) (*broker.Image, error) {
	image, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	s.wg.Add(2)
	go s.flushLoop() // these two end with Close
	go s.mergeLoop()
	return image, nil
}

// Failed returns a channel with the error after which nothing can be recorded, such as a full
// disk. The broker should end then.
func (s *Store) Failed() <-chan error { return s.failed }

// fail ends recording: what cannot be written must not be acknowledged.
func (s *Store) fail(err error) {
	s.mu.Lock()
	s.failing = true
	s.mu.Unlock()
	select {
	case s.failed <- err:
	default:
	}
}

// Close writes what is pending and unlocks the folder. Nothing may be recorded any more.
func (s *Store) Close() error {
	var err error
	s.once.Do(func() {
		s.cancel()
		s.wg.Wait()
		if s.segment != nil {
			err = errors.Join(s.reach(s.recorded.Load(), true), s.segment.file.Close(), s.removeSpares())
		}
		err = errors.Join(err, s.lock.Close())
	})
	return err
}
