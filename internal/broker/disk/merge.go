package disk

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
)

// sink takes the state that a merge produces: first counters, then each session with its
// subscriptions and packet identifiers, then each message with its entries, then the retained
// messages. Byte slices are valid during the call.
type sink interface {
	counters(lastSession uint64) error
	session(number uint64, b []byte) error
	subscription(number uint64, b []byte) error
	accepted(number uint64, packet uint16) error
	message(b []byte) error
	entry(session uint64, e *entry) error // of the last message
	retained(b []byte) error
}

// The stages of a merge, in the order of a snapshot.
const (
	stageSessions = iota
	stageMessages
	stageRetained
	stageEnd
)

// merging is a merge in progress.
type merging struct {
	ctx     context.Context
	delta   *delta
	out     sink
	stage   int
	known   map[uint64]struct{} // sessions that exist
	current uint64              // session of the snapshot
	history *history            // of current, nil if nothing happened to it
	body    []byte              // message of the snapshot that out has not got yet
	scratch []byte
	steps   int
}

// merge sends the state of the snapshot, changed by d, to out. snapshot is nil if there is
// none. It needs memory for d and for the numbers of the sessions, not for the snapshot.
func merge(ctx context.Context, snapshot *frameReader, d *delta, out sink) error {
	m := &merging{ctx: ctx, delta: d, out: out, known: make(map[uint64]struct{})}
	if snapshot == nil {
		if err := out.counters(d.lastSession); err != nil {
			return err
		}
	} else if err := m.snapshot(snapshot); err != nil {
		return err
	}
	return m.advance(stageEnd)
}

// snapshot merges the records of the snapshot.
func (m *merging) snapshot(f *frameReader) error {
	for first := true; ; {
		if err := m.ctx.Err(); err != nil {
			return err
		}
		b, err := f.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		m.body = nil
		for r := recordsOf(b, f.start); r.more(); {
			rec, err := r.next()
			if err == nil && first != (rec.op == opCounters) {
				err = fmt.Errorf("a record of kind %d is out of place", rec.op)
			}
			if err != nil {
				return fmt.Errorf("%w: at byte %d: %w", ErrDamaged, f.start, err)
			}
			first = false
			if err := m.record(&rec); err != nil {
				return err
			}
		}
	}
}

// record merges one record of the snapshot.
func (m *merging) record(rec *record) error {
	switch rec.op {
	case opCounters:
		m.delta.lastSession = max(m.delta.lastSession, rec.session)
		return m.out.counters(m.delta.lastSession)
	case opSession, opSubscribe, opAccept:
		return m.ofSession(rec)
	case opMessage:
		m.body = rec.data
		return m.advance(stageMessages)
	case opQueued:
		return m.queued(rec)
	case opRetain:
		if err := m.advance(stageRetained); err != nil {
			return err
		}
		if _, ok := m.delta.retained[string(rec.name)]; ok {
			return nil
		}
		return m.out.retained(rec.data)
	}
	return fmt.Errorf("%w: a record of kind %d is in a snapshot", ErrDamaged, rec.op)
}

// ofSession merges a session of the snapshot, or one of its subscriptions or identifiers.
func (m *merging) ofSession(rec *record) error {
	if m.stage != stageSessions {
		return fmt.Errorf("%w: session %d is out of order", ErrDamaged, rec.session)
	}
	if rec.op == opSession {
		m.current, m.history = rec.session, m.delta.sessions[rec.session]
		return m.session(rec.session, rec.data)
	}
	if rec.session != m.current {
		return unknownSession(rec.session)
	}
	if h := m.history; h != nil {
		_, replaced := h.subs[string(rec.name)]
		if rec.op == opAccept {
			_, replaced = h.accepted[rec.packet]
		}
		if replaced || h.ended {
			return nil
		}
	}
	if _, ok := m.known[rec.session]; !ok { // the number is 0, and no session came before
		return unknownSession(rec.session)
	}
	if rec.op == opAccept {
		return m.out.accepted(rec.session, rec.packet)
	}
	return m.out.subscription(rec.session, rec.data)
}

func unknownSession(number uint64) error {
	return fmt.Errorf("%w: there is no session %d", ErrDamaged, number)
}

// session sends a session on, with what the delta says of it. b is nil if the snapshot does not
// have it.
func (m *merging) session(number uint64, b []byte) error {
	h := m.delta.sessions[number]
	if h == nil {
		h = &history{}
	}
	if h.ended {
		return nil
	}
	if h.record != nil {
		b = h.record
	}
	if b == nil {
		return unknownSession(number)
	}
	if _, twice := m.known[number]; twice {
		return fmt.Errorf("%w: session %d is there twice", ErrDamaged, number)
	}
	m.known[number] = struct{}{}
	if err := m.out.session(number, b); err != nil {
		return err
	}
	for _, filter := range slices.Sorted(maps.Keys(h.subs)) {
		if b := h.subs[filter]; b != nil {
			if err := m.out.subscription(number, b); err != nil {
				return err
			}
		}
	}
	for _, packet := range slices.Sorted(maps.Keys(h.accepted)) {
		if h.accepted[packet] {
			if err := m.out.accepted(number, packet); err != nil {
				return err
			}
		}
	}
	return nil
}

// queued merges an entry of the snapshot. Its message continues with the first entry that is left.
func (m *merging) queued(rec *record) error {
	e := entry{seq: rec.seq, packet: rec.packet, flags: rec.flags, extra: rec.data}
	if h := m.delta.sessions[rec.session]; h != nil {
		c := h.old[rec.seq]
		if h.ended || c.settled {
			return nil
		}
		if c.packet != 0 {
			e.packet = c.packet
		}
		if c.released {
			e.flags |= entryReleased
		}
	}
	if _, ok := m.known[rec.session]; !ok {
		return unknownSession(rec.session)
	}
	if m.body != nil {
		if err := m.out.message(m.body); err != nil {
			return err
		}
		m.body = nil
	}
	return m.out.entry(rec.session, &e)
}

// advance sends what only the delta has, for each stage that ends.
func (m *merging) advance(stage int) error {
	for ; m.stage < stage; m.stage++ {
		var err error
		switch m.stage {
		case stageSessions:
			err = m.newSessions()
		case stageMessages:
			err = m.newMessages()
		case stageRetained:
			err = m.newRetained()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *merging) newSessions() error {
	for _, number := range slices.Sorted(maps.Keys(m.delta.sessions)) {
		if _, ok := m.known[number]; ok {
			continue
		}
		if err := m.session(number, nil); err != nil {
			return err
		}
	}
	return nil
}

func (m *merging) newMessages() error {
	type queued struct {
		*row
		session uint64
	}
	var all []queued
	for number, h := range m.delta.sessions {
		for i := range h.rows {
			if h.rows[i].body != nil {
				all = append(all, queued{&h.rows[i], number})
			}
		}
	}
	slices.SortFunc(all, func(a, b queued) int {
		return cmp.Or(cmp.Compare(a.body.number, b.body.number), cmp.Compare(a.session, b.session), cmp.Compare(a.seq, b.seq))
	})
	var last *body
	for _, q := range all {
		if q.body != last {
			last = q.body
			b, err := m.read(q.body.place)
			if err != nil {
				return err
			}
			if err := m.out.message(b); err != nil {
				return err
			}
		}
		e := entry{seq: q.seq, packet: q.packet, flags: q.flags, extra: []byte(q.extra)}
		if err := m.out.entry(q.session, &e); err != nil {
			return err
		}
	}
	return nil
}

func (m *merging) newRetained() error {
	for _, topic := range slices.Sorted(maps.Keys(m.delta.retained)) {
		where := m.delta.retained[topic]
		if where == (place{}) {
			continue
		}
		b, err := m.read(where)
		if err == nil {
			err = m.out.retained(b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// read returns a message that is in a segment. It is valid until the next call.
func (m *merging) read(where place) ([]byte, error) {
	if m.steps++; m.steps%1024 == 0 {
		if err := m.ctx.Err(); err != nil {
			return nil, err
		}
	}
	if cap(m.scratch) < int(where.n) {
		m.scratch = make([]byte, where.n)
	}
	b := m.scratch[:where.n]
	ok, err := readFull(m.delta.files[where.file-1], b, where.at)
	if err == nil && !ok {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	return b, nil
}
