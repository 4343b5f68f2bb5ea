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
	p := Packet{In: l.in, Bytes: b, Size: size, Time: l.came}
	refused := c.look(l, &p)
	if !l.began {
		l.begin()
	}
	for _, w := range c.p.opt.Watchers {
		w.Packet(&p)
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
		l.mu.Lock()
		l.deadline()
		l.mu.Unlock()
	}
}

// look decides what happens to a packet, and completes its description. refused is the reason code
// with which the proxy refuses the client.
func (c *connection) look(l *lane, p *Packet) (refused proto.Reason) {
	c.faulted()
	c.mu.Lock()
	p.Topic = c.follow.Packet(l.in, p.Bytes)
	if c.source.Client == "" {
		c.source.Client = c.follow.Client()
	}
	source := c.source
	p.Source, p.Version = &source, c.follow.Version()
	if c.faults != nil {
		p.Action = c.faults.Packet(faults.Packet{In: l.in, Type: p.Type(), Size: p.Size, Client: source.Client, Topic: p.Topic})
		if p.Type() == proto.CONNECT && l.in && c.far == nil && !p.Action.Cut && !p.Action.Stall {
			refused = c.faults.Refuse(source.Client)
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
	c.violations(&source, found)
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
