package disk

import (
	"fmt"
	"sort"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
)

// imageBuilder is the sink that makes a broker.Image.
type imageBuilder struct {
	image       *broker.Image
	index       map[uint64]int    // of a session in the image, by its number
	numbers     map[string]uint64 // of sessions, by client
	lastSession uint64
	last        *broker.Message
}

func newImageBuilder() *imageBuilder {
	return &imageBuilder{image: &broker.Image{}, index: make(map[uint64]int), numbers: make(map[string]uint64)}
}

func (b *imageBuilder) counters(lastSession uint64) error {
	b.lastSession = lastSession
	return nil
}

func (b *imageBuilder) session(number uint64, data []byte) error {
	r := reader{b: data}
	s := r.session()
	if _, twice := b.numbers[s.Client]; twice {
		return fmt.Errorf("%w: client %q has two sessions", ErrDamaged, s.Client)
	}
	b.numbers[s.Client] = number
	b.index[number] = len(b.image.Sessions)
	b.image.Sessions = append(b.image.Sessions, broker.SessionImage{SessionRecord: s})
	return r.complete()
}

// of returns a session that exists, as merge has checked.
func (b *imageBuilder) of(number uint64) *broker.SessionImage {
	return &b.image.Sessions[b.index[number]]
}

func (b *imageBuilder) subscription(number uint64, data []byte) error {
	r := reader{b: data}
	s := b.of(number)
	s.Subscriptions = append(s.Subscriptions, r.subscription())
	return r.complete()
}

func (b *imageBuilder) accepted(number uint64, packet uint16) error {
	s := b.of(number)
	s.Accepted = append(s.Accepted, packet)
	return nil
}

func (b *imageBuilder) message(data []byte) error {
	r := reader{b: data}
	b.last = r.message()
	return r.complete()
}

func (b *imageBuilder) entry(session uint64, e *entry) error {
	if b.last == nil {
		return fmt.Errorf("%w: entry %d of session %d has no message", ErrDamaged, e.seq, session)
	}
	out := broker.Entry{Seq: e.seq, Message: b.last, QoS: e.flags & entryQoS, PacketID: e.packet,
		Retain: e.flags&entryRetain != 0, Released: e.flags&entryReleased != 0}
	x := reader{b: e.extra}
	if len(e.extra) > 0 {
		if ids := x.bytes(); len(ids) > 0 {
			out.IDs = append(proto.Props(nil), ids...)
		}
		out.Share = string(x.bytes())
	}
	s := b.of(session)
	s.Entries = append(s.Entries, out)
	return x.complete()
}

func (b *imageBuilder) retained(data []byte) error {
	r := reader{b: data}
	b.image.Retained = append(b.image.Retained, r.message())
	return r.complete()
}

// finish puts the entries of each session in order.
func (b *imageBuilder) finish() error {
	for i := range b.image.Sessions {
		s := &b.image.Sessions[i]
		bySeq := func(i, j int) bool { return s.Entries[i].Seq < s.Entries[j].Seq }
		if !sort.SliceIsSorted(s.Entries, bySeq) {
			sort.Slice(s.Entries, bySeq)
		}
		for j := 1; j < len(s.Entries); j++ {
			if s.Entries[j].Seq == s.Entries[j-1].Seq {
				return fmt.Errorf("%w: client %q has entry %d twice", ErrDamaged, s.Client, s.Entries[j].Seq)
			}
		}
	}
	return nil
}
