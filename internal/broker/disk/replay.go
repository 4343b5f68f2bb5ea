package disk

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// net is what is left of a piece of the log when all of it has happened.
type net struct {
	sessions map[uint64]*history
	retained map[string]place // by topic; zero: there is none
	first    uint64           // number of the first message
	messages []body
}

// place is where something stands in the file. The zero place is nowhere.
type place struct {
	at int64
	n  int
}

// body is a message, and how many entries need it.
type body struct {
	place
	uses uint32
}

// history is what happened to a session. Its entries stand in a row by their seq,
// which grows by one.
type history struct {
	ended    bool
	record   []byte            // nil: it did not change
	subs     map[string][]byte // by filter; nil: there is none
	first    uint64            // seq of rows[0]
	rows     []row
	old      map[uint64]change // entries of an older piece
	accepted map[uint16]bool   // false: released
}

// row is an entry that this piece brought.
type row struct {
	entry
	live bool
}

// change is what happened to an older entry.
type change struct {
	packet   uint16
	released bool
	settled  bool
}

// ErrDamaged is in the error of what cannot be read, and was not just being written.
var ErrDamaged = errors.New("the file is damaged")

// end is how a piece of the log ended.
type end struct {
	begun  bool  // it has a head of its own
	torn   bool  // its last frame is not whole
	follow bool  // the next one has begun
	at     int64 // behind the last frame that is whole
}

// replay reads a piece of the log.
func replay(file io.ReaderAt, number uint64, size int64) (*net, end, error) {
	n := &net{sessions: make(map[uint64]*history), retained: make(map[string]place)}
	f := &frames{file: file, number: number, size: size}
	f.begin()
	for {
		b, at, err := f.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, end{}, err
		}
		if err := n.frame(b, at); err != nil {
			return nil, end{}, fmt.Errorf("at byte %d: %w: %w", at, ErrDamaged, err)
		}
	}
	e := end{begun: f.begun, torn: !f.whole && f.size > 0, follow: f.follow, at: f.at}
	if !e.torn {
		return n, e, nil
	}
	damaged, err := f.rest()
	if damaged {
		err = fmt.Errorf("at byte %d: %w", f.at, ErrDamaged)
	}
	return n, e, err
}

func (n *net) history(number uint64) *history {
	h := n.sessions[number]
	if h == nil {
		h = &history{}
		n.sessions[number] = h
	}
	return h
}

// frame takes in the records that stand at that byte of the file.
func (n *net) frame(b []byte, at int64) error {
	r := reader{b: b}
	for len(r.b) > 0 {
		op := r.byte()
		switch op {
		case opMessage:
			number := r.uint()
			where := n.place(&r, len(b), at)
			if len(n.messages) == 0 {
				n.first = number
			}
			if number != n.first+uint64(len(n.messages)) {
				return fmt.Errorf("message %d is out of order", number)
			}
			n.messages = append(n.messages, body{place: where})
			continue
		case opRetain:
			where := n.place(&r, len(b), at)
			m := reader{b: b[where.at-at:][:where.n]}
			m.byte()
			m.int()
			m.int()
			n.retained[string(m.bytes())] = where
			r.bad = r.bad || m.bad
			continue
		case opClear:
			n.retained[string(r.bytes())] = place{}
			continue
		}
		if err := n.session(op, n.history(r.uint()), &r); err != nil {
			return err
		}
		if r.bad {
			return errShort
		}
	}
	if r.bad {
		return errShort
	}
	return nil
}

// place takes bytes off r, which began with size bytes that stand at that byte.
func (n *net) place(r *reader, size int, at int64) place {
	b := r.bytes()
	return place{at + int64(size-len(r.b)-len(b)), len(b)}
}

// session takes in what happened to a session.
func (n *net) session(op byte, h *history, r *reader) error {
	switch op {
	case opSession:
		whole := r.b
		r.session()
		h.record = slices.Clone(whole[:len(whole)-len(r.b)])
	case opEnd:
		for i := range h.rows {
			n.drop(&h.rows[i])
		}
		*h = history{ended: true}
	case opSubscribe:
		whole := r.b
		sub := r.subscription()
		if h.subs == nil {
			h.subs = make(map[string][]byte)
		}
		h.subs[sub.Filter] = slices.Clone(whole[:len(whole)-len(r.b)])
	case opUnsubscribe:
		if h.subs == nil {
			h.subs = make(map[string][]byte)
		}
		h.subs[string(r.bytes())] = nil
	case opEnqueue:
		return n.enqueue(h, r)
	case opInFlight:
		seq, packet := r.uint(), r.uint16()
		if row := h.row(seq); row != nil {
			row.packet = packet
		} else {
			h.change(seq, func(c *change) { c.packet = packet })
		}
	case opPubrec:
		seq := r.uint()
		if row := h.row(seq); row != nil {
			row.flags |= entryReleased
		} else {
			h.change(seq, func(c *change) { c.released = true })
		}
	case opSettle:
		seq := r.uint()
		if row := h.row(seq); row != nil {
			n.drop(row)
			h.trim()
		} else {
			h.change(seq, func(c *change) { c.settled = true })
		}
	case opAccept, opRelease:
		if h.accepted == nil {
			h.accepted = make(map[uint16]bool)
		}
		h.accepted[r.uint16()] = op == opAccept
	default:
		return fmt.Errorf("there is no record of kind %d", op)
	}
	return nil
}

func (n *net) enqueue(h *history, r *reader) error {
	seq := r.uint()
	e := entry{message: r.uint(), flags: r.byte()}
	if x := r.bytes(); len(x) > 0 {
		e.extra = slices.Clone(x)
	}
	i := e.message - n.first
	if len(h.rows) == 0 {
		h.first = seq
	}
	if i >= uint64(len(n.messages)) || seq != h.first+uint64(len(h.rows)) {
		return fmt.Errorf("entry %d of message %d is out of order", seq, e.message)
	}
	n.messages[i].uses++
	h.rows = append(h.rows, row{e, true})
	return nil
}

// row returns the entry with that seq if this piece brought it and it is not done
// with.
func (h *history) row(seq uint64) *row {
	if i := seq - h.first; seq >= h.first && i < uint64(len(h.rows)) && h.rows[i].live {
		return &h.rows[i]
	}
	return nil
}

func (h *history) change(seq uint64, how func(*change)) {
	if h.old == nil {
		h.old = make(map[uint64]change)
	}
	c := h.old[seq]
	how(&c)
	h.old[seq] = c
}

// drop makes a row nobody's.
func (n *net) drop(r *row) {
	if r.live {
		n.messages[r.message-n.first].uses--
		*r = row{}
	}
}

// trim takes what is done with off the front, but for the last row: it shows what the
// next seq is.
func (h *history) trim() {
	for len(h.rows) > 1 && !h.rows[0].live {
		h.rows = h.rows[1:]
		h.first++
	}
}
