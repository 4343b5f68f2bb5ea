package broker

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Restore loads the state from the Store. It must be called before Serve, and does nothing without
// a Store. Sessions and wills continue with the time that they had left. The expiry of a session
// whose client was connected when the broker stopped begins now.
func (b *Broker) Restore(ctx context.Context) error {
	if b.opt.Store == nil {
		return nil
	}
	image, err := b.opt.Store.Load(ctx)
	if err != nil {
		return fmt.Errorf("load the stored state: %w", err)
	}
	b.retained.mu.Lock()
	for _, m := range image.Retained {
		b.retained.put(m, false)
	}
	b.memory.Add(int64(b.retained.bytes))
	b.retainedCount.Store(int64(b.retained.count))
	b.retained.mu.Unlock()
	now := time.Now()
	for i := range image.Sessions {
		if err := b.restoreSession(&image.Sessions[i], now); err != nil {
			return fmt.Errorf("restore session %q: %w", image.Sessions[i].Client, err)
		}
	}
	b.maxMemory.Store(max(b.opt.Memory, b.memory.Load()+b.opt.reserve())) // restored data may exceed the limit, and clients that connect may delete it
	bt := b.batch(nil)
	defer bt.finish()
	for _, s := range slices.Collect(maps.Values(b.sessions)) { // expired sessions end at once
		s.mu.Lock()
		if s.will != nil {
			s.will.start()
		}
		if s.durable {
			b.opt.Store.PutSession(s.record())
		}
		s.startExpiry()
		s.mu.Unlock()
	}
	return nil
}

// restoreSession makes one session.
func (b *Broker) restoreSession(im *SessionImage, now time.Time) error {
	s := &session{b: b, id: im.Client, expiry: im.Expiry, left: im.Left, durable: true, unowned: im.Unowned}
	s.who.Store(&Identity{ClientID: im.Client, HasUsername: im.Named, Username: im.User})
	if s.left.IsZero() || s.left.After(now) { // the clock was set back
		s.left = now
	}
	if im.Will != nil {
		s.will = &will{s: s, who: s.who.Load(), m: im.Will, delay: im.Delay, due: im.WillDue}
		if s.will.due.After(now.Add(time.Duration(im.Delay) * time.Second)) {
			s.will.due = time.Time{} // the clock was set back: the delay begins now
		}
	}
	for _, r := range im.Subscriptions {
		sub := newSubscription(r.Subscription, r.ID)
		if s.subs == nil {
			s.subs = make(map[string]*subscription)
		}
		if r.Walking {
			s.addWalk(sub, r.From, b.retained.serial)
		}
		s.subs[r.Filter] = sub
		s.filters += sub.size()
		b.router.add(s, sub)
		b.stats.subscriptions.Add(1)
	}
	s.sender.Limit(65535)
	for _, e := range im.Entries {
		h := delivery{m: e.Message, g: &grant{qos: e.QoS, ids: e.IDs}, seq: e.Seq, qos: e.QoS, retain: e.Retain}
		if e.Share != "" {
			h.g.group = b.router.group(e.Share)
		}
		s.seq = max(s.seq, e.Seq)
		s.bytes += h.size()
		if e.PacketID == 0 {
			s.queue.push(h)
			continue
		}
		h.sent = true
		kept, ok := s.sender.Restore(e.PacketID, e.QoS, e.Released, e.Seq)
		if !ok {
			return fmt.Errorf("packet identifier %d is in flight twice", e.PacketID)
		}
		*kept = h
	}
	for _, id := range im.Accepted {
		s.receiver.Accept(id)
	}
	s.charge()
	b.sessions[im.Client] = s
	b.stats.sessions.Add(1)
	return nil
}
