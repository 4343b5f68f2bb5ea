package broker

import (
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"mqtt/internal/faults"
	"mqtt/internal/proto"
)

// faultLane is one direction of a faultConn.
type faultLane struct {
	c      *faultConn
	inward bool
	lane   faults.Lane
	busy   sync.Mutex // held by a Write

	raw     []byte    // not forwarded yet
	came    time.Time // when the last bytes of raw came
	ready   []byte    // may be forwarded
	pending *pending  // the packet that waits until it is due
	opaque  bool      // the bytes are no packets

	set func(time.Time) error // sets the deadline of the underlying connection

	mu      sync.Mutex
	until   time.Time // deadline, which also ends a delay
	flushBy time.Time // when a packet has waited long enough for the next one; zero if none waits
	changed chan struct{}
}

// pending is a packet, or a further part of one, that waits until it is due.
type pending struct {
	action faults.Action
	n      int // bytes of raw
	size   int // of the packet; 0 for a further part
	due    time.Time
}

// Bounds of what a faultLane reads, in bytes.
const (
	faultRead = 4 << 10   // at a time
	faultHead = 128 << 10 // of a packet above faults.MaxWhole before it is forwarded
)

// deadline sets the deadline, also for delays.
func (l *faultLane) deadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = t
	select {
	case l.changed <- struct{}{}:
	default:
	}
	return l.set(l.nearest())
}

// nearest returns the deadline for the underlying connection. mu is held.
func (l *faultLane) nearest() time.Time {
	if l.flushBy.IsZero() || !l.until.IsZero() && l.until.Before(l.flushBy) {
		return l.until
	}
	return l.flushBy
}

// room returns space for the next bytes at the end of raw, and limits the wait for them if a packet
// waits for the next one.
func (l *faultLane) room() []byte {
	l.mu.Lock()
	switch held := l.lane.Held(); {
	case held && l.flushBy.IsZero():
		l.flushBy = time.Now().Add(faults.ReorderWait)
		l.set(l.nearest())
	case !held && !l.flushBy.IsZero():
		l.flushBy = time.Time{}
		l.set(l.nearest())
	}
	l.mu.Unlock()
	l.raw = slices.Grow(l.raw, faultRead)
	return l.raw[len(l.raw) : len(l.raw)+faultRead]
}

// released forwards the packet that waits for the next one if it has waited long enough, or if no
// next one can come. It reports whether there was one.
func (l *faultLane) released(err error) bool {
	if err == nil || !l.lane.Held() {
		return false
	}
	l.mu.Lock()
	late := !time.Now().Before(l.flushBy)
	l.mu.Unlock()
	if errors.Is(err, os.ErrDeadlineExceeded) && !late {
		return false
	}
	l.ready = l.lane.Flush(l.ready)
	return true
}

// wait returns when a packet is due, or with an error if the deadline passes or the connection is
// closed first.
func (l *faultLane) wait() error {
	for {
		l.mu.Lock()
		until := l.until
		l.mu.Unlock()
		left := time.Until(l.pending.due)
		if l.pending.action.Stall {
			left = 1 << 62
		}
		if left <= 0 {
			return nil
		}
		if !until.IsZero() {
			rest := time.Until(until)
			if rest <= 0 {
				return os.ErrDeadlineExceeded
			}
			left = min(left, rest)
		}
		t := time.NewTimer(left)
		select {
		case <-t.C:
		case <-l.changed:
		case <-l.c.closed:
			t.Stop()
			return net.ErrClosed
		}
		t.Stop()
	}
}

// forward moves packets from raw to ready, as the faults tell.
func (l *faultLane) forward() error {
	at := 0 // of the next packet in raw
	defer func() { l.raw = l.raw[:copy(l.raw, l.raw[at:])] }()
	for at < len(l.raw) {
		if l.opaque {
			l.ready = append(l.ready, l.raw[at:]...)
			at = len(l.raw)
			return nil
		}
		if l.pending == nil && !l.next(l.raw[at:]) {
			if l.opaque {
				continue
			}
			return nil
		}
		if err := l.wait(); err != nil {
			return err
		}
		p := l.pending
		l.pending = nil
		b := l.raw[at : at+p.n]
		at += p.n
		switch {
		case p.action.Cut:
			l.c.Close()
			return net.ErrClosed
		case p.size == 0:
			l.ready = l.lane.More(l.ready, b)
		default:
			l.ready = l.lane.Packet(l.ready, p.action, b, p.size)
		}
	}
	return nil
}

// next decides about the packet that b begins with, or continues the one that was forwarded in part.
// It reports whether there is something to forward.
func (l *faultLane) next(b []byte) bool {
	if left := l.lane.Left(); left > 0 {
		p := &pending{action: l.lane.Action(), n: min(left, len(b))}
		p.due = l.lane.Due(p.action, p.n, l.came)
		l.pending = p
		return true
	}
	size, err := proto.PacketSize(b)
	if err != nil {
		l.opaque = true
		l.ready = l.lane.Flush(l.ready)
		return false
	}
	if need := min(size, faultHead); size == 0 || size <= faults.MaxWhole && len(b) < size || len(b) < need {
		return false
	}
	n := min(size, len(b))
	a := l.c.decide(l.inward, b[:n], size)
	l.pending = &pending{action: a, n: n, size: size, due: l.lane.Due(a, n, l.came)}
	return true
}
