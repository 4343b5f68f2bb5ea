package disk

import (
	"encoding/binary"
	"fmt"
	"io"
)

// absorb puts what is left of a piece of the log into the bbolt file. It may be done
// again where it was broken off: what has been put is put once more, what has been
// taken away is not there.
// last allows an end that is not whole, and begun says that the piece must have a head. next
// tells whether there must be another piece.
func (s *Store) absorb(file io.ReaderAt, number uint64, size int64, last, begun bool) (next bool, err error) {
	defer catch(&err)
	net, e, err := replay(file, number, size)
	switch {
	case err != nil:
	case begun && !e.begun:
		err = fmt.Errorf("%w: it does not begin as it should", ErrDamaged)
	case e.torn && !last:
		err = fmt.Errorf("%w: its end is not whole", ErrDamaged)
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", s.piecePath(number), err)
	}
	if e.torn && s.opt.Note != nil {
		s.opt.Note(fmt.Sprintf("%s: its end is not whole, as when the broker dies while it writes: what stands behind byte %d is left out", s.piecePath(number), e.at))
	}
	w, err := update(s.db)
	if err != nil {
		return false, fmt.Errorf("open %s: %w", s.db.Path(), err)
	}
	defer w.abort()
	for number, h := range net.sessions {
		w.session(number, h)
		w.rest()
	}
	if err := w.entries(file, net); err != nil {
		return false, err
	}
	for topic, where := range net.retained {
		w.rest()
		key := textKey(nil, topic)
		if where == (place{}) {
			w.delete(inRetained, key)
			continue
		}
		b, err := bytesAt(file, where)
		if err != nil {
			return false, err
		}
		w.put(inRetained, key, b)
	}
	if e.follow {
		w.put(inMeta, keyBegun(), numberKey(number+1))
	}
	return e.follow, w.finish(number)
}

func bytesAt(file io.ReaderAt, where place) ([]byte, error) {
	b := make([]byte, where.n, where.n+4)
	if _, err := file.ReadAt(b, where.at); err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	return b, nil
}

// session takes in all but the new entries.
func (w *state) session(number uint64, h *history) {
	if h.ended {
		w.drop(number)
		return
	}
	if h.record != nil {
		w.put(inSessions, numberKey(number), h.record)
	}
	for filter, b := range h.subs {
		key := textKey(numberKey(number), filter)
		if b == nil {
			w.delete(inSubscriptions, key)
		} else {
			w.put(inSubscriptions, key, b)
		}
	}
	for packet, accepted := range h.accepted {
		if accepted {
			w.put(inAccepted, packetKey(number, packet), nil)
		} else {
			w.delete(inAccepted, packetKey(number, packet))
		}
	}
	for seq, c := range h.old {
		w.rest()
		key := pairKey(number, seq)
		if c.settled {
			w.settle(key)
			continue
		}
		v := w.get(inEntries, key)
		if v == nil {
			continue
		}
		r := reader{b: v}
		e := r.entry()
		if c.packet != 0 {
			e.packet = c.packet
		}
		if c.released {
			e.flags |= entryReleased
		}
		w.put(inEntries, key, appendEntry(nil, &e))
	}
}

// settle takes an entry away, and its message if nobody else needs it.
func (w *state) settle(key []byte) {
	v := w.get(inEntries, key)
	if v == nil {
		return
	}
	r := reader{b: v}
	message := numberKey(r.entry().message)
	uses := w.get(inUses, message)
	if len(uses) != 4 {
		if w.err == nil {
			w.err = fmt.Errorf("%w: an entry has no message", ErrDamaged)
		}
		return
	}
	if n := binary.BigEndian.Uint32(uses); n > 1 {
		w.put(inUses, message, binary.BigEndian.AppendUint32(nil, n-1))
	} else {
		w.delete(inUses, message)
		w.delete(inMessages, message)
	}
	w.delete(inEntries, key)
}

// drop takes a session away with all that belongs to it.
func (w *state) drop(number uint64) {
	prefix := numberKey(number)
	w.delete(inSessions, prefix)
	for _, key := range w.under(inSubscriptions, prefix) {
		w.delete(inSubscriptions, key)
	}
	for _, key := range w.under(inAccepted, prefix) {
		w.delete(inAccepted, key)
	}
	for _, key := range w.under(inEntries, prefix) {
		w.settle(key)
		w.rest()
	}
}

// under returns the keys that begin with prefix.
func (w *state) under(bucket int, prefix []byte) (keys [][]byte) {
	if w.err != nil {
		return nil
	}
	c := w.buckets[bucket].Cursor()
	for k, _ := c.Seek(prefix); k != nil && string(k[:min(len(k), len(prefix))]) == string(prefix); k, _ = c.Next() {
		keys = append(keys, append([]byte(nil), k...))
	}
	return keys
}

// entries puts in the entries that the piece brought and left, with their messages.
func (w *state) entries(file io.ReaderAt, n *net) error {
	for i := range n.messages {
		m := &n.messages[i]
		if m.uses == 0 {
			continue
		}
		b, err := bytesAt(file, m.place)
		if err != nil {
			return err
		}
		key := numberKey(n.first + uint64(i))
		w.put(inMessages, key, b)
		w.put(inUses, key, binary.BigEndian.AppendUint32(nil, m.uses))
		w.rest()
	}
	for number, h := range n.sessions {
		for i := range h.rows {
			if r := &h.rows[i]; r.live {
				w.put(inEntries, pairKey(number, h.first+uint64(i)), appendEntry(nil, &r.entry))
				w.rest()
			}
		}
	}
	return nil
}
