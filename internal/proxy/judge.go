package proxy

import (
	"mqtt/internal/proto"
	"mqtt/internal/rules"
)

// judge holds a packet against the standard. large reports that it cannot, and that the connection is
// not judged any more. mu is held.
func (c *connection) judge(l *lane, p *Packet) (found []rules.Violation, large bool) {
	if c.observer == nil || c.broken {
		return nil, false
	}
	if !p.Whole() {
		c.unjudged(l)
		return nil, true
	}
	return c.observer.Sent(l.way(), p.Bytes, p.Time), false
}

// unjudged ends the judgement of the connection. mu is held.
func (c *connection) unjudged(l *lane) {
	c.observer.Cut(l.came)
	c.observer = nil
}

// delivered tells the observer of a packet that is about to be written as it is.
func (c *connection) delivered(l *lane, b []byte, size int) {
	if c.p.sessions == nil || len(b) < size {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.observer != nil && !c.broken {
		c.observer.Delivered(l.way(), b, l.came)
	}
}

// altered tells the observer what is about to be written after faults were applied. If a flipped bit
// hides where packets end, nobody can tell any more what the peer received.
func (c *connection) altered(l *lane, out []byte) {
	if c.p.sessions == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.observer == nil || c.broken {
		return
	}
	if a := l.current(); a.Corrupt && a.Bit/8 < 5 {
		c.unjudged(l)
		return
	}
	for len(out) > 0 {
		size, err := proto.PacketSize(out)
		if err != nil || size == 0 || size > len(out) {
			c.unjudged(l)
			return
		}
		c.observer.Delivered(l.way(), out[:size], l.came)
		out = out[size:]
	}
}
