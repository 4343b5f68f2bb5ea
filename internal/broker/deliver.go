package broker

import (
	"time"

	"mqtt/internal/proto"
)

// deliver delivers the run to a session.
func (bt *batch) deliver(t *target) {
	s := t.s
	s.mu.Lock()
	if t.epoch != s.epoch.Load() {
		// The route is older than the session's subscriptions. A subscription that has just been
		// removed gets no more messages [MQTT-3.10.4-2].
		s.mu.Unlock()
		if t = bt.b.router.find(bt.route.topic).targetOf(s); t == nil {
			return
		}
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	g := t.grant
	if s == bt.origin {
		g = t.own
	}
	if g == nil || s.ended {
		return
	}
	bt.run |= matched
	retain := bt.retain && g.rap // [MQTT-3.3.1-12], [MQTT-3.3.1-13]
	qos := min(bt.qos, g.qos)
	if qos == 0 && s.queue.zeros == 0 && len(s.walks) == 0 {
		bt.writeQoS0(s, g, retain)
		return
	}
	c := s.connected()
	if c == nil && qos == 0 {
		return
	}
	bt.copyRun()
	for i := range bt.msgs {
		m := bt.copies[i]
		switch {
		case !s.enqueue(bt, m, g, qos, retain):
			bt.mark(i, full)
			bt.count.drop(s, m, 1, bt.dropReason(s))
		case c == nil || c.fitsPacketLimit(bt.time(), &delivery{m: m, g: g, qos: qos, retain: retain}):
			bt.mark(i, accepted)
		}
	}
	s.charge()
}

// dropReason returns why the session just had no room for a message. s.mu is held.
func (bt *batch) dropReason(s *session) string {
	if s.queue.n >= bt.b.opt.QueueMessages || bt.limitReached.limit != memoryLimit {
		return whyFull
	}
	return whyMemory
}

// notSentReason returns why a message was not sent.
func notSentReason(late bool) string {
	if late {
		return whyExpired
	}
	return whyTooLarge
}

// connected returns the session's client, or nil if it is disconnected or about to be. s.mu is
// held.
func (s *session) connected() *client {
	if c := s.client; c != nil && !c.closing {
		return c
	}
	return nil
}

// offer is deliver for one message of a shared subscription.
func (s *session) offer(bt *batch, m *Message, g *grant) outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := delivery{m: m, g: g, qos: min(m.QoS, g.qos), retain: m.Retain && g.rap}
	c := s.connected()
	if s.ended || c == nil && h.qos == 0 || c != nil && !c.fitsPacketLimit(bt.time(), &h) {
		return matched
	}
	if !s.enqueue(bt, m, g, h.qos, h.retain) {
		return matched | full
	}
	s.charge()
	return matched | accepted
}

// writeQoS0 appends the run at QoS 0 to the client's output. A disconnected client gets nothing.
// s.mu is held.
func (bt *batch) writeQoS0(s *session, g *grant, retain bool) {
	c := s.connected()
	if c == nil {
		return
	}
	b := bt.b
	noMemory := c.out.n > 0 && b.available(forTransit, false) < 0
	if noMemory {
		bt.limitReached = shortage{memoryLimit, "a message for a session"}
	}
	if noMemory || c.backlogged() && c.lagging {
		why := whySlow
		if noMemory {
			why = whyMemory
		}
		bt.count.drop(s, &bt.msgs[0], len(bt.msgs), why)
		bt.run |= full
		return
	}
	f := bt.encoded(c.v)
	if retain || len(g.ids) > 0 && c.v5() || c.aliasMax > 0 || c.maxPacket > 0 && f.largest > c.maxPacket {
		for i := range bt.msgs {
			m := &bt.msgs[i]
			h := delivery{m: m, g: g, retain: retain}
			if m.expired(bt.time()) {
				bt.count.drop(s, m, 1, whyExpired)
				continue
			}
			if !c.append(bt.time(), &h, 0) {
				bt.count.drop(s, m, 1, whyTooLarge)
				continue
			}
			bt.mark(i, accepted)
			bt.count.sent++
			bt.count.sentBytes += len(m.Payload)
		}
	} else {
		bt.run |= accepted
		if f.shared != nil {
			c.out.share(&b.blocks, f.shared)
		} else {
			c.out.add(&b.blocks, f.b)
		}
		bt.count.sent += len(bt.msgs)
		for i := range bt.msgs {
			bt.count.sentBytes += len(bt.msgs[i].Payload)
		}
	}
	bt.wakeWriter(c)
	bt.noteSlow(c)
	s.charge()
}

// encoded returns the run at QoS 0 as bytes of version v.
func (bt *batch) encoded(v proto.Version) *encodedRun {
	f := &bt.forms[0]
	if v >= proto.V5 {
		f = &bt.forms[1]
	} else {
		v = proto.V311 // 3.1 has the same PUBLISH
	}
	if f.made {
		return f
	}
	f.made = true
	for i := range bt.msgs {
		m := &bt.msgs[i]
		p := proto.Publish{Topic: m.Topic, Payload: m.Payload}
		if v >= proto.V5 {
			p.Props = m.Props
		}
		at := len(f.b)
		f.b, _ = p.Append(f.b, v) // a packet that was decoded can be encoded
		f.largest = max(f.largest, len(f.b)-at)
	}
	if len(bt.route.targets) >= 4 && len(f.b) >= shareFrom {
		f.shared = append([]byte(nil), f.b...)
	}
	return f
}

// noteSlow adds c to the slow clients for which the publisher waits after the batch. session.mu is
// held.
func (bt *batch) noteSlow(c *client) {
	if c.slowIn != bt.serial && !c.lagging && bt.from != nil && c.backlogged() {
		c.slowIn = bt.serial
		if c.backloggedSince == 0 {
			c.backloggedSince = c.b.moment(time.Now())
		}
		bt.slow = append(bt.slow, slowClient{c, bt.route})
	}
}

// enqueue sends a message to the session's client or queues it. QoS 1 and 2 messages are queued
// whenever they cannot be sent, QoS 0 messages only for a connected client. It returns false if
// there is no room: the newest message is dropped. m must not alias a reader's buffer. s.mu is
// held.
func (s *session) enqueue(bt *batch, m *Message, g *grant, qos byte, retain bool) bool {
	b, c := s.b, s.client
	if c != nil && c.closing {
		c = nil
	}
	if c == nil && qos == 0 {
		return false
	}
	size := (&delivery{m: m, g: g}).size()
	now, fits, full := s.canAccept(c, size, qos)
	if !fits && s.dropExpired(bt.time(), &bt.count) {
		now, fits, full = s.canAccept(c, size, qos)
	}
	if !fits {
		if full {
			bt.limitReached = shortage{memoryLimit, "a message for a session"}
		}
		if c != nil {
			bt.noteSlow(c)
		}
		return false
	}
	h := delivery{m: m, g: g, qos: qos, retain: retain}
	s.bytes += size
	if qos > 0 {
		s.seq++
		h.seq = s.seq
		if s.durable {
			b.opt.Store.Enqueue(s.id, h.entry())
		}
	}
	if now {
		s.send(bt.time(), &h, &bt.count)
		bt.wakeWriter(c)
	} else {
		s.queue.push(h)
	}
	if c != nil {
		bt.noteSlow(c)
	}
	return true
}

// canAccept reports whether there is room for a message to c, which is nil if disconnected, whether
// it can be sent now, and whether the broker's memory is full. s.mu is held.
func (s *session) canAccept(c *client, size int, qos byte) (now, fits, full bool) {
	b := s.b
	now = c != nil && s.queue.n == 0 && len(c.resend) == 0 && len(s.walks) == 0 && c.out.n < b.opt.HighWater && (qos == 0 || s.sender.Free() > 0)
	purpose, kept := forBacklog, true
	switch {
	case now && qos == 0:
		purpose, kept = forTransit, false
	case now:
		purpose, kept = forInFlight, s.durable
	}
	left := b.available(purpose, kept)
	full = left < int64(size)
	if b.memoryLow(left) {
		b.startClearing()
	}
	return now, !full && s.queue.n < b.opt.QueueMessages && s.bytes+size <= b.opt.QueueBytes, full
}

// send sends one message to the client. s.mu is held. At QoS 1 and 2 the inflight window must have
// room.
func (s *session) send(now int64, h *delivery, count *tally) {
	c := s.client
	var id uint16
	var kept *delivery
	if h.qos > 0 {
		id, kept, _ = s.sender.Add(h.qos, h.seq)
	}
	late := h.m.expired(now)
	if late || !c.append(now, h, id) {
		// An expired message, or one larger than the client accepts, is treated as if it had been
		// sent [MQTT-3.1.2-25].
		if h.qos > 0 {
			s.sender.Cancel(id)
		}
		if h.g.group != nil && !late {
			count.left = append(count.left, *h) // for another member
		} else {
			count.drop(s, h.m, 1, notSentReason(late))
		}
		s.completed(h)
		return
	}
	count.sent++
	count.sentBytes += len(h.m.Payload)
	if kept == nil {
		s.completed(h)
		return
	}
	c.out.sync = c.out.sync || s.durable
	h.sent = true
	*kept = *h
	if s.durable {
		s.b.opt.Store.InFlight(s.id, h.seq, id)
	}
}
