package proxy

import (
	"time"

	"mqtt/internal/faults"
	"mqtt/internal/proto"
)

// handle handles what was read. Afterwards l.run bytes at the start of the window can be written as
// they are, and what follows them is not complete.
func (l *lane) handle() error {
	for {
		b := l.window.bytes()[l.run:]
		if len(b) == 0 {
			return nil
		}
		if l.left > 0 {
			if err := l.more(b[:min(len(b), l.left)]); err != nil {
				return err
			}
			continue
		}
		if !l.began && !l.opaque && !l.first(b) {
			return nil
		}
		if l.opaque {
			return l.unchanged(b)
		}
		if l.plain() {
			n := l.skip(b)
			l.run += n
			if b = b[n:]; len(b) == 0 {
				return nil
			}
		}
		size, err := proto.PacketSize(b)
		if err != nil {
			l.foreign(b, err)
			continue
		}
		if size == 0 || len(b) < l.need(size) && !l.forced {
			return nil
		}
		l.forced = false
		if err := l.packet(b[:min(len(b), size)], size); err != nil {
			return err
		}
	}
}

// plain reports whether nobody has to look at packets: neither watchers, faults nor rules. What follows
// the client identifier and topic aliases is left to skip.
func (l *lane) plain() bool {
	p := l.c.p
	return l.began && p.sessions == nil && len(p.opt.Watchers) == 0 && p.current.Load().plan == nil && !l.apply.Held() && !l.stalled
}

// skip returns the size of the packets at the beginning of b that are complete and that nobody has to
// look at, also not to follow the client identifier or the topic aliases.
func (l *lane) skip(b []byte) (n int) {
	for {
		p := b[n:]
		if len(p) < 2 {
			return n
		}
		size := 2 + int(p[1])
		if p[1] >= 0x80 {
			var err error
			if size, err = proto.PacketSize(p); err != nil || size == 0 {
				return n
			}
		}
		if size > len(p) {
			return n
		}
		switch proto.Type(p[0] >> 4) {
		case proto.CONNECT, proto.CONNACK:
			return n
		case proto.PUBLISH:
			if l.v >= proto.V5 && !withoutProperties(p[:size]) {
				return n
			}
		}
		n += size
	}
}

// withoutProperties reports whether a PUBLISH of version 5 has no properties, and so no topic alias.
func withoutProperties(b []byte) bool {
	at := 2
	for b[at-1] >= 0x80 && at < len(b) {
		at++
	}
	if len(b) < at+2 {
		return false
	}
	at += 2 + int(b[at])<<8 | int(b[at+1])
	if b[0]&6 != 0 {
		at += 2
	}
	return at < len(b) && b[at] == 0
}

// need returns how many bytes of a packet of that size must have come before it is handled.
func (l *lane) need(size int) int {
	p := l.c.p
	switch {
	case size <= largeWindow:
		return size
	case size <= mostWhole && (p.opt.Rules || len(p.opt.Watchers) > 0):
		return size
	case size <= faults.MaxWhole && p.current.Load().plan != nil:
		return size
	}
	return largeWindow
}

// packet handles a packet of which b is the whole or, if size is larger, the beginning.
func (l *lane) packet(b []byte, size int) error {
	c := l.c
	p := &l.seen
	*p = Packet{In: l.in, Bytes: b, Size: size, Time: l.came, stamp: l.stamped()}
	refused := c.look(l, p)
	if !l.began {
		l.begin()
	}
	for _, w := range c.p.opt.Watchers {
		w.Packet(p)
	}
	a := p.Action
	l.left = size - len(b)
	l.disturbed = a != faults.Action{} || l.apply.Held()
	switch {
	case a.Stall:
		if err := l.forward(); err != nil {
			return err
		}
		l.stalled = true
		l.window.done(len(b))
		return nil
	case a.Cut:
		if err := l.forward(); err != nil {
			return err
		}
		return errCut
	case refused != proto.Success:
		return l.refuse(refused)
	case l.disturbed:
		return l.alter(a, b, func(dst []byte) []byte { return l.apply.Packet(dst, a, b, size) })
	}
	c.delivered(l, b, size)
	l.run += len(b)
	return nil
}

// begin notes that the first packet has come.
func (l *lane) begin() {
	l.began = true
	if l.in {
		l.c.p.opened(l.c)
		l.until(time.Time{})
	}
}

// look decides what happens to a packet, and completes its description. refused is the reason code
// with which the proxy refuses the client.
func (c *connection) look(l *lane, p *Packet) (refused proto.Reason) {
	c.mu.Lock()
	c.renew()
	p.Topic = c.follow.Packet(l.in, p.Bytes)
	if c.source.Client == "" {
		c.source.Client = c.follow.Client()
	}
	l.source, l.v = c.source, c.follow.Version()
	p.Source, p.Version = &l.source, l.v
	if c.faults != nil {
		p.Action = c.faults.Packet(faults.Packet{In: l.in, Type: p.Type(), Size: p.Size, Client: l.source.Client, Topic: p.Topic})
		if p.Type() == proto.CONNECT && l.in && c.far == nil && !p.Action.Cut && !p.Action.Stall {
			refused = c.faults.Refuse(l.source.Client)
			p.Refused = refused != proto.Success
		}
	}
	if l.stalled {
		p.Action = faults.Action{Stall: true}
	}
	if !p.Whole() {
		p.Action.Duplicate, p.Action.Reorder = false, false
	}
	found, large := c.judge(l, p)
	c.mu.Unlock()
	c.violations(&l.source, found)
	if large {
		c.report("not judged any more: a packet is too large to be looked at", nil)
	}
	return refused
}

// refuse answers CONNECT with a reason code.
func (l *lane) refuse(r proto.Reason) error {
	ack := proto.Connack{Reason: r}
	b, err := ack.Append(nil, l.version())
	if err != nil {
		return errCut
	}
	near := l.c.near
	near.SetDeadline(time.Now().Add(lastWords))
	if _, err := near.Write(b); err == nil {
		drain(near)
	}
	return errCut
}

// more handles further bytes of the current packet.
func (l *lane) more(b []byte) error {
	l.left -= len(b)
	l.tell(b)
	switch {
	case l.stalled:
		l.window.done(len(b))
		return nil
	case l.disturbed:
		return l.alter(l.current(), b, func(dst []byte) []byte { return l.apply.More(dst, b) })
	}
	l.run += len(b)
	return nil
}

// unchanged passes bytes that are not MQTT.
func (l *lane) unchanged(b []byte) error {
	l.tell(b)
	if l.stalled {
		l.window.done(len(b))
		return nil
	}
	if l.apply.Held() {
		if err := l.forward(); err != nil {
			return err
		}
		if err := l.write(l.apply.Flush(l.scratch[:0])); err != nil {
			return err
		}
	}
	l.run += len(b)
	return nil
}

// tell tells watchers of bytes that are no whole packet.
func (l *lane) tell(b []byte) {
	if len(l.c.p.opt.Watchers) == 0 {
		return
	}
	l.c.mu.Lock()
	source := l.c.source
	l.c.mu.Unlock()
	for _, w := range l.c.p.opt.Watchers {
		w.Rest(&source, l.in, b)
	}
}

// alter writes what the faults of a make of b, which is the next to be forwarded, when it is due.
func (l *lane) alter(a faults.Action, b []byte, faulty func(dst []byte) []byte) error {
	if err := l.forward(); err != nil {
		return err
	}
	if err := l.sleep(l.apply.Due(a, len(b), l.came)); err != nil {
		return err
	}
	out := faulty(l.scratch[:0])
	l.window.done(len(b))
	l.c.altered(l, out)
	err := l.write(out)
	if l.scratch = out[:0]; cap(out) > largeWindow {
		l.scratch = nil
	}
	return err
}
