package disk

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sort"
)

// delta holds the changes that the records of one or more segments make. Its size depends on their
// result, not on their number: a message that was queued and acknowledged leaves nothing. Messages
// stay in their files.
type delta struct {
	sessions    map[uint64]*history
	retained    map[string]place // by topic; the zero place: it was removed
	files       []io.ReaderAt    // of the segments; place.file is an index, from 1
	lastSession uint64           // highest number of a session
	lastMessage uint64           // of the messages, which are counted from 1
	bodies      []*body          // messages of the current frame
}

// place is where a message is. The zero place is nowhere.
type place struct {
	at   int64
	n    uint32
	file uint32
}

// body is a message, and how many entries refer to it.
type body struct {
	place
	number uint64
	uses   uint32
}

// history is what happened to a session.
type history struct {
	ended    bool
	record   []byte            // nil: it did not change
	subs     map[string][]byte // by filter; nil: it was removed
	rows     []row             // in the order of seq
	dead     int               // how many of rows are settled
	old      map[uint64]change // by seq: entries of the snapshot
	accepted map[uint16]bool   // false: released
}

// row is an entry that a segment added. It is settled if body is nil.
type row struct {
	seq    uint64
	body   *body
	extra  string
	packet uint16
	flags  byte
}

// change is what happened to an entry of the snapshot.
type change struct {
	packet   uint16
	released bool
	settled  bool
}

func newDelta() *delta {
	return &delta{sessions: make(map[uint64]*history), retained: make(map[string]place)}
}

// replay applies the data frames of a segment, up to where no whole frame follows.
func (d *delta) replay(ctx context.Context, f *frameReader) error {
	d.files = append(d.files, f.file)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := f.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := d.frame(b, f.start); err != nil {
			return fmt.Errorf("%w: at byte %d: %w", ErrDamaged, f.start, err)
		}
	}
}

// frame applies the records of one frame.
func (d *delta) frame(content []byte, start int64) error {
	d.bodies = d.bodies[:0]
	for r := recordsOf(content, start); r.more(); {
		rec, err := r.next()
		if err == nil {
			err = d.apply(&rec)
		}
		if err != nil {
			return err
		}
	}
	clear(d.bodies)
	return nil
}

func (d *delta) apply(rec *record) error {
	where := place{rec.at, uint32(len(rec.data)), uint32(len(d.files))}
	switch rec.op {
	case opMessage:
		d.lastMessage++
		d.bodies = append(d.bodies, &body{place: where, number: d.lastMessage})
		return nil
	case opRetain:
		d.retained[string(rec.name)] = where
		return nil
	case opClear:
		d.retained[string(rec.name)] = place{}
		return nil
	}
	h := d.sessions[rec.session]
	if h == nil {
		h = &history{}
		d.sessions[rec.session] = h
		d.lastSession = max(d.lastSession, rec.session)
	}
	if h.ended {
		return fmt.Errorf("session %d has ended", rec.session)
	}
	if rec.op == opEnqueue {
		return d.enqueue(h, rec)
	}
	return h.apply(rec)
}

// enqueue adds an entry. After a restart the broker counts on from the last entry that is left,
// so that settled rows may have the same or higher numbers.
func (d *delta) enqueue(h *history, rec *record) error {
	for n := len(h.rows); n > 0 && h.rows[n-1].body == nil && h.rows[n-1].seq >= rec.seq; n-- {
		h.rows = h.rows[:n-1]
		h.dead--
	}
	if n := len(h.rows); n > 0 && h.rows[n-1].seq >= rec.seq {
		return fmt.Errorf("entry %d of session %d is out of order", rec.seq, rec.session)
	}
	if rec.message >= uint64(len(d.bodies)) {
		return fmt.Errorf("entry %d of session %d has no message", rec.seq, rec.session)
	}
	b := d.bodies[rec.message]
	b.uses++
	h.rows = append(h.rows, row{seq: rec.seq, body: b, extra: string(rec.data), flags: rec.flags})
	return nil
}

// apply applies a record of the session other than a new entry.
func (h *history) apply(rec *record) error {
	switch rec.op {
	case opSession:
		h.record = slices.Clone(rec.data)
	case opEnd:
		for i := range h.rows {
			h.rows[i].settle()
		}
		*h = history{ended: true}
	case opSubscribe, opUnsubscribe:
		if h.subs == nil {
			h.subs = make(map[string][]byte)
		}
		h.subs[string(rec.name)] = slices.Clone(rec.data)
	case opInFlight:
		if row := h.row(rec.seq); row != nil {
			row.packet = rec.packet
		} else {
			h.change(rec.seq, func(c *change) { c.packet = rec.packet })
		}
	case opPubrec:
		if row := h.row(rec.seq); row != nil {
			row.flags |= entryReleased
		} else {
			h.change(rec.seq, func(c *change) { c.released = true })
		}
	case opSettle:
		if row := h.row(rec.seq); row != nil {
			row.settle()
			h.dead++
			h.trim()
		} else {
			h.change(rec.seq, func(c *change) { c.settled = true })
		}
	case opAccept, opRelease:
		if h.accepted == nil {
			h.accepted = make(map[uint16]bool)
		}
		h.accepted[rec.packet] = rec.op == opAccept
	default:
		return fmt.Errorf("a record of kind %d is in the log", rec.op)
	}
	return nil
}

// row returns the entry with that number if a segment added it and it is not settled.
func (h *history) row(seq uint64) *row {
	if len(h.rows) == 0 || seq < h.rows[0].seq {
		return nil
	}
	i := seq - h.rows[0].seq // if there is no gap
	if i >= uint64(len(h.rows)) || h.rows[i].seq != seq {
		i = uint64(sort.Search(len(h.rows), func(i int) bool { return h.rows[i].seq >= seq }))
	}
	if i >= uint64(len(h.rows)) || h.rows[i].seq != seq || h.rows[i].body == nil {
		return nil
	}
	return &h.rows[i]
}

func (h *history) change(seq uint64, how func(*change)) {
	if h.old == nil {
		h.old = make(map[uint64]change)
	}
	c := h.old[seq]
	how(&c)
	h.old[seq] = c
}

func (r *row) settle() {
	if r.body != nil {
		r.body.uses--
		*r = row{seq: r.seq}
	}
}

// trim removes settled rows: those in front, and all if they are most of the rows.
func (h *history) trim() {
	for len(h.rows) > 0 && h.rows[0].body == nil {
		h.rows = h.rows[1:]
		h.dead--
	}
	if h.dead > 64 && h.dead > len(h.rows)/2 {
		h.rows = slices.DeleteFunc(h.rows, func(r row) bool { return r.body == nil })
		h.dead = 0
	}
}
