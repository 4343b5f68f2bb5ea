package faults

import "time"

// ReorderWait is how long a packet that is reordered waits for the next one.
const ReorderWait = time.Second

// Lane applies actions to the packets of one direction, in their order. It belongs to one goroutine.
type Lane struct {
	action   Action
	size, at int       // of the current packet, and how much of it was forwarded
	held     []byte    // a packet that waits for the next one
	free     time.Time // when everything before has passed
}

// Due returns when n bytes of a packet, which came at that time, may be forwarded.
func (l *Lane) Due(a Action, n int, came time.Time) time.Time {
	due := came.Add(a.Delay)
	if due.Before(l.free) {
		due = l.free
	}
	if a.Speed > 0 && !a.Drop {
		due = due.Add(time.Duration(float64(n) / float64(a.Speed) * float64(time.Second)))
	}
	l.free = due
	return due
}

// Packet begins a packet of that size and appends what is to be forwarded for b, its beginning or the
// whole packet. A packet of up to MaxWhole bytes must be whole.
func (l *Lane) Packet(dst []byte, a Action, b []byte, size int) []byte {
	l.action, l.size, l.at = a, size, 0
	if a.Reorder && l.held == nil {
		l.held = append([]byte(nil), b...)
		l.at = size
		return dst
	}
	return l.More(dst, b)
}

// More appends what is to be forwarded for b, the next bytes of the packet.
func (l *Lane) More(dst, b []byte) []byte {
	a, start := &l.action, len(dst)
	if !a.Drop {
		dst = append(dst, b...)
		if i := a.Bit/8 - l.at; a.Corrupt && i >= 0 && i < len(b) {
			dst[start+i] ^= 0x80 >> (a.Bit % 8)
		}
	}
	if l.at += len(b); l.at < l.size || a.Drop {
		return dst
	}
	if a.Duplicate {
		dst = append(dst, b...)
	}
	return l.Flush(dst)
}

// Left returns how many bytes of the current packet are missing.
func (l *Lane) Left() int { return l.size - l.at }

// Held reports whether a packet waits for the next one.
func (l *Lane) Held() bool { return l.held != nil }

// Flush appends the packet that waits for the next one. The caller flushes after ReorderWait, and
// at the end of the stream.
func (l *Lane) Flush(dst []byte) []byte {
	dst = append(dst, l.held...)
	l.held = nil
	return dst
}

// Action returns the action of the current packet.
func (l *Lane) Action() Action { return l.action }
