package broker

import "log/slog"

// expiredAtOnce is the number of expired retained messages that are removed under one lock.
const expiredAtOnce = 64

// retainRun delivers a message that is to be retained, and stores it for its topic unless it is
// refused: a refused message changes nothing. If there is no room for a message that cannot be
// refused, it is delivered and not stored, and the older message of its topic is removed.
//
// A session that subscribes after the delivery and before the message is stored misses the
// delivery, and gets the older message from the store. retainRun delivers the message to such a
// session, too.
func (bt *batch) retainRun() {
	b, m := bt.b, &bt.msgs[0]
	r := &b.retained
	turn := r.topicLock(bt.route.name)
	turn.Lock()
	defer turn.Unlock()
	m.Came = bt.time()
	limit, before := b.reserve(m, bt.time())
	defer b.unreserve()
	if limit != "" {
		bt.limitReached = shortage{limit, "a retained message"}
		if bt.refusable() {
			bt.run |= denied
			return
		}
		bt.count.dropped++
		if b.noting() {
			bt.count.note(slog.LevelDebug, "message not retained", slog.String("topic", escaped(string(m.Topic))), slog.String("why", "limit reached: "+limit))
		}
	}
	bt.route = b.router.find(bt.route.topic)
	bt.deliverRun()
	if r, _ := bt.outcome(0).verdict(); r.Failed() && bt.refusable() {
		return
	}
	after := b.retain(m, limit == "" && len(m.Payload) > 0)
	rt := b.router.find(bt.route.topic)
	if rt.gen == bt.route.gen {
		return
	}
	run, each := bt.run, bt.each
	for i := range rt.targets {
		if t := &rt.targets[i]; t.since >= before && t.since < after && bt.route.targetOf(t.s) == nil {
			bt.deliver(t)
		}
	}
	bt.run, bt.each = run, each // late deliveries do not decide whether the message is stored
}

// reserve reserves a place among the retained messages for m. It returns the limit that forbids
// that, "" if none does; expired messages are removed first. serial is the serial of the newest
// retained message.
func (b *Broker) reserve(m *Message, now int64) (limit string, serial uint64) {
	r := &b.retained
	free := b.available(forBacklog, true)
	if b.memoryLow(free) {
		b.startClearing()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reserved++
	limit = r.limit(m, b.opt.Retained, free)
	before, count := r.bytes, r.count
	for tries := 0; limit != "" && tries < 16; tries++ {
		some := r.count
		if r.expire(now, expiredAtOnce, b.dropRetained); r.count == some {
			break
		}
		limit = r.limit(m, b.opt.Retained, free+int64(before-r.bytes))
	}
	if r.count != count {
		b.countRetained(before)
	}
	return limit, r.serial
}

func (b *Broker) unreserve() {
	b.retained.mu.Lock()
	b.retained.reserved--
	b.retained.mu.Unlock()
}

// retain stores m as the retained message of its topic if keep is true, and otherwise removes the
// topic's message. It returns the serial of the change.
func (b *Broker) retain(m *Message, keep bool) uint64 {
	r := &b.retained
	older := b.available(forBacklog, true) > 0
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.bytes
	if keep {
		kept := r.put(m, older)
		if b.opt.Store != nil {
			b.opt.Store.PutRetained(kept)
		}
	} else {
		r.remove(string(m.Topic), older)
		b.dropRetained(m)
	}
	r.trim(expiredAtOnce)
	b.countRetained(before)
	return r.serial
}

// dropRetained records in the Store that a retained message is removed.
func (b *Broker) dropRetained(m *Message) {
	if b.opt.Store != nil {
		b.opt.Store.DropRetained(m.Topic)
	}
}

// countRetained updates the broker's counts. before is the number of bytes before the change.
// retained.mu is held.
func (b *Broker) countRetained(before int) {
	b.memory.Add(int64(b.retained.bytes - before))
	b.retainedCount.Store(int64(b.retained.count))
}
