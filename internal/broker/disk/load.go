package disk

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"runtime/debug"

	bolt "go.etcd.io/bbolt"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
)

// catch makes an error of a panic: that is how bbolt finds pages that make no sense.
func catch(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %v", ErrDamaged, r)
	}
}

// load takes in the log that the last run left, begins a new piece, and returns what
// there is then.
func (s *Store) load(ctx context.Context) (image *broker.Image, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // a file shorter than it says
	defer catch(&err)
	numbers, err := s.pieces()
	if err != nil {
		return nil, err
	}
	is, err := s.progress()
	if err != nil {
		return nil, err
	}
	last, err := s.check(numbers, is)
	if err != nil {
		return nil, err
	}
	next := false // the piece before says that there is another
	for i, number := range numbers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if number > is.done {
			last := i == len(numbers)-1
			must := next || number <= is.begun || !last && is.begun > 0
			if next, err = s.absorbFile(number, last, must); err != nil {
				return nil, err
			}
		}
	}
	if next {
		return nil, s.missing(last + 1)
	}
	if image, err = s.image(ctx); err != nil {
		return nil, fmt.Errorf("read %s: %w", s.db.Path(), err)
	}
	if s.log, err = s.newPiece(last + 1); err != nil {
		return nil, err
	}
	if err := begun(s.db, last+1); err != nil { // from now on it must be there
		s.log.file.Close()
		s.log = nil
		return nil, err
	}
	for _, number := range numbers {
		if err := os.Remove(s.piecePath(number)); err != nil {
			return nil, fmt.Errorf("remove what is in %s now: %w", s.db.Path(), err)
		}
	}
	return image, nil
}

// progress is what the bbolt file knows of the log.
type progress struct {
	used  bool   // false: the file is new
	done  uint64 // the last piece that is in
	begun uint64 // the last piece that was begun, or a later one was; 0 in format 2
}

func (s *Store) progress() (is progress, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		meta := tx.Bucket(bucketName(inMeta))
		if is.used = meta != nil; !is.used {
			return nil
		}
		format, err := openValue(inMeta, keyFormat(), meta.Get(keyFormat()))
		if err != nil {
			return err
		}
		if len(format) != 1 || format[0] != stateFormat && format[0] != oldFormat {
			return fmt.Errorf("format %v is of another version of this program", format)
		}
		if is.done, err = numberIn(meta, keyPiece()); err != nil || meta.Get(keyBegun()) == nil {
			return err
		}
		is.begun, err = numberIn(meta, keyBegun())
		return err
	})
	if err != nil {
		err = fmt.Errorf("read %s: %w", s.db.Path(), err)
	}
	return is, err
}

func numberIn(meta *bolt.Bucket, key []byte) (uint64, error) {
	v, err := openValue(inMeta, key, meta.Get(key))
	if err == nil && len(v) != 8 {
		err = fmt.Errorf("%w: %q is no number", ErrDamaged, key)
	}
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(v), nil
}

func (s *Store) missing(number uint64) error {
	return fmt.Errorf("%w: %s is missing", ErrDamaged, s.piecePath(number))
}

// check finds pieces that should be there and are not, and returns the last one. One that
// was begun must be there until it is in, be it empty: so a bbolt file that has gone back
// in time is found, too. In format 2 there was always one beyond what was in.
func (s *Store) check(numbers []uint64, is progress) (last uint64, err error) {
	last = is.done
	there := !is.used || is.begun > 0
	for _, n := range numbers {
		if n < is.done {
			continue
		}
		there = true
		if n == is.done {
			continue // a start that was broken off has left it
		}
		if n != last+1 {
			return 0, s.missing(last + 1)
		}
		last = n
	}
	if !there || is.begun > last {
		return 0, s.missing(last + 1)
	}
	return last, nil
}

func (s *Store) absorbFile(number uint64, last, must bool) (next bool, err error) {
	f, err := os.Open(s.piecePath(number))
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	if !last && info.Size() == 0 {
		return false, fmt.Errorf("read %s: %w: it is empty", s.piecePath(number), ErrDamaged)
	}
	return s.absorb(f, number, info.Size(), last, must)
}

// image reads the bbolt file, and tallies what it has.
func (s *Store) image(ctx context.Context) (*broker.Image, error) {
	im := &broker.Image{}
	err := s.db.View(func(tx *bolt.Tx) error {
		if tx.Bucket(bucketName(inMeta)) == nil {
			return nil
		}
		l := &loading{tx: tx, at: make(map[uint64]int), messages: make(map[uint64]*broker.Message), uses: make(map[uint64]uint32)}
		var err error
		if l.tallies, err = readTallies(tx.Bucket(bucketName(inMeta))); err != nil {
			return err
		}
		for _, step := range []func(*broker.Image) error{l.sessions, l.subscriptions, l.bodies, l.entries, l.accepted, l.checkUses, l.retained} {
			if err := step(im); err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		s.sessions, s.messages = l.lastSession, l.lastMessage
		for number, i := range l.at {
			s.numbers[im.Sessions[i].Client] = number
		}
		return nil
	})
	return im, err
}

// loading is one reading of the bbolt file.
type loading struct {
	tx          *bolt.Tx
	tallies     [bucketCount]tally
	at          map[uint64]int // sessions in the image, by number
	messages    map[uint64]*broker.Message
	uses        map[uint64]uint32
	lastSession uint64
	lastMessage uint64
}

// each calls found for every key of a bucket, in order, and compares them with the
// tally that was noted.
func (l *loading) each(bucket int, found func(k []byte, r *reader) error) error {
	var is tally
	c := l.tx.Bucket(bucketName(bucket)).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		value, err := openValue(bucket, k, v)
		if err != nil {
			return err
		}
		is.add(v)
		r := &reader{b: value}
		if err := found(k, r); err != nil {
			return err
		}
		if r.bad {
			return fmt.Errorf("%w: in %q: %w", ErrDamaged, bucketName(bucket), errShort)
		}
	}
	if want := l.tallies[bucket]; is != want {
		return fmt.Errorf("%w: %q has %d keys with a sum of %x, not %d with %x", ErrDamaged, bucketName(bucket), is.keys, is.sum, want.keys, want.sum)
	}
	return nil
}

// of returns the session whose number k begins with.
func (l *loading) of(im *broker.Image, k []byte) (*broker.SessionImage, error) {
	if len(k) > 8 {
		if i, ok := l.at[binary.BigEndian.Uint64(k)]; ok {
			return &im.Sessions[i], nil
		}
	}
	return nil, fmt.Errorf("%w: something belongs to no session", ErrDamaged)
}

func (l *loading) sessions(im *broker.Image) error {
	return l.each(inSessions, func(k []byte, r *reader) error {
		l.lastSession = binary.BigEndian.Uint64(k)
		l.at[l.lastSession] = len(im.Sessions)
		im.Sessions = append(im.Sessions, broker.SessionImage{SessionRecord: r.session()})
		return nil
	})
}

func (l *loading) subscriptions(im *broker.Image) error {
	return l.each(inSubscriptions, func(k []byte, r *reader) error {
		s, err := l.of(im, k)
		if err == nil {
			s.Subscriptions = append(s.Subscriptions, r.subscription())
		}
		return err
	})
}

func (l *loading) bodies(*broker.Image) error {
	return l.each(inMessages, func(k []byte, r *reader) error {
		l.lastMessage = binary.BigEndian.Uint64(k)
		l.messages[l.lastMessage] = r.message()
		return nil
	})
}

func (l *loading) entries(im *broker.Image) error {
	return l.each(inEntries, func(k []byte, r *reader) error {
		s, err := l.of(im, k)
		if err != nil {
			return err
		}
		e := r.entry()
		m := l.messages[e.message]
		if m == nil || len(k) != 16 {
			return fmt.Errorf("%w: an entry has no message", ErrDamaged)
		}
		l.uses[e.message]++
		out := broker.Entry{Seq: binary.BigEndian.Uint64(k[8:]), Message: m, QoS: e.flags & entryQoS,
			Retain: e.flags&entryRetain != 0, Released: e.flags&entryReleased != 0, PacketID: e.packet}
		if len(e.extra) > 0 {
			x := reader{b: e.extra}
			if ids := x.bytes(); len(ids) > 0 {
				out.IDs = append(proto.Props(nil), ids...)
			}
			out.Share = string(x.bytes())
			r.bad = x.bad
		}
		s.Entries = append(s.Entries, out)
		return nil
	})
}

func (l *loading) accepted(im *broker.Image) error {
	return l.each(inAccepted, func(k []byte, r *reader) error {
		s, err := l.of(im, k)
		if err == nil && len(k) == 10 {
			s.Accepted = append(s.Accepted, binary.BigEndian.Uint16(k[8:]))
		}
		return err
	})
}

func (l *loading) checkUses(*broker.Image) error {
	return l.each(inUses, func(k []byte, r *reader) error {
		if len(r.b) != 4 || binary.BigEndian.Uint32(r.b) != l.uses[binary.BigEndian.Uint64(k)] {
			return fmt.Errorf("%w: a message has lost a receiver", ErrDamaged)
		}
		return nil
	})
}

func (l *loading) retained(im *broker.Image) error {
	return l.each(inRetained, func(k []byte, r *reader) error {
		im.Retained = append(im.Retained, r.message())
		return nil
	})
}
