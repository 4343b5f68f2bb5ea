package broker

import (
	"time"

	"mqtt/internal/proto"
)

// batch is what one read brought, on its way to the subscribers. Consecutive
// messages of one topic, QoS and retain flag are a run: each subscriber gets the run
// under one lock, and at QoS 0 as bytes that were encoded once. A batch belongs to
// one goroutine.
type batch struct {
	b      *Broker
	serial uint64
	from   *client  // whose batch it is, nil if it is the broker's own
	origin *session // whose messages they are, for no-local
	now    int64    // Unix nanoseconds, 0 until somebody asks

	// The run.
	route  *route
	qos    byte
	retain bool
	msgs   []Message  // they alias the reader's buffer
	copies []*Message // copies that last, empty until somebody needs them
	ids    []uint16   // the packet identifiers they came under
	forms  [2]encodedRun
	run    outcome   // of every message
	each   []outcome // of each message, added to run; empty where they do not differ

	in           proto.Publish
	props        proto.Props // room for properties that were changed
	reply        []byte      // what goes back to from
	acks         []proto.Ack // what from acknowledges
	wake         []*client
	slow         []slowClient
	count        tally
	limitReached shortage

	cost    int // about how many deliveries it has come to
	lookups int // retained topics that its SUBSCRIBEs may still look at

	replyBlocked bool // from does not read what goes back
}

// form is a run at QoS 0, encoded.
type encodedRun struct {
	b       []byte
	largest int // packet
	made    bool
	shared  []byte // a copy that may be kept, nil if none was made
}

// crowded is a client for which publishers should wait, and what made it so.
type slowClient struct {
	c  *client
	rt *route
}

// batch begins a batch. finish ends it. No lock is held at either.
func (b *Broker) batch(from *client) *batch {
	bt, ok := b.batches.Get().(*batch)
	if !ok {
		bt = &batch{b: b}
	}
	bt.serial = b.serial.Add(1)
	bt.from = from
	bt.lookups, bt.cost = stepTopics, 0
	if from != nil {
		bt.origin = from.s
	}
	if b.opt.Store != nil {
		b.opt.Store.Begin()
	}
	return bt
}

func (bt *batch) time() int64 {
	if bt.now == 0 {
		bt.now = time.Now().UnixNano()
	}
	return bt.now
}

// publish adds a message to the run. Topic, Props and Payload need only be good
// until finish.
func (bt *batch) publish(m *Message) {
	rt := bt.route
	if rt == nil || string(m.Topic) != rt.name {
		rt = bt.find(m.Topic)
	}
	bt.addToRun(rt, m, 0)
}

// add is publish for a caller that knows the route and has an identifier to
// acknowledge.
func (bt *batch) addToRun(rt *route, m *Message, id uint16) {
	if len(bt.msgs) > 0 && (rt != bt.route || m.QoS != bt.qos || m.Retain || bt.retain) {
		bt.flush() // a retained message is a run of its own: whether it is kept depends on its outcome
	}
	bt.route, bt.qos, bt.retain = rt, m.QoS, m.Retain
	m.Topic = rt.topic
	bt.msgs = append(bt.msgs, *m)
	bt.cost += 1 + len(rt.groups)
	if m.QoS > 0 || len(bt.msgs) == 1 { // at QoS 0 a run is written at once
		bt.cost += len(rt.targets)
	}
	if m.QoS > 0 {
		bt.ids = append(bt.ids, id)
	}
}

// flush delivers the run and acknowledges it.
func (bt *batch) flush() {
	if len(bt.msgs) == 0 {
		return
	}
	if bt.retain {
		bt.retainRun()
	} else {
		bt.deliverRun()
	}
	if bt.from != nil && bt.qos > 0 {
		bt.acknowledge()
	}
	clear(bt.msgs)
	clear(bt.copies)
	bt.msgs, bt.copies = bt.msgs[:0], bt.copies[:0]
	for i := range bt.forms {
		f := &bt.forms[i]
		*f = encodedRun{b: f.b[:0]}
	}
	bt.ids, bt.run, bt.each = bt.ids[:0], 0, bt.each[:0]
}

// rest ends the batch's transaction and begins another, so that a commit need not wait for
// all of a packet that has much to do. The run has been flushed.
func (bt *batch) nextTransaction() {
	if bt.b.opt.Store != nil {
		bt.b.opt.Store.End()
		bt.b.opt.Store.Begin()
	}
}

// turn does a part of a large piece of work in a transaction of its own, when it is its turn. The
// run has been flushed. Nobody waits for a turn within a transaction.
func (bt *batch) runInTurn(work func()) {
	store := bt.b.opt.Store
	if store != nil {
		store.End()
	}
	bt.b.workSlots <- struct{}{}
	if store != nil {
		store.Begin()
	}
	work()
	<-bt.b.workSlots
	bt.nextTransaction()
}

// spread gives the run to all who subscribe to its topic.
func (bt *batch) deliverRun() {
	rt := bt.route
	if !rt.hasReceivers() {
		return
	}
	if bt.qos > 0 || len(rt.groups) > 0 {
		bt.copyRun()
	}
	for i := range rt.targets {
		bt.deliver(&rt.targets[i])
	}
	for _, g := range rt.groups {
		for i := range bt.msgs {
			o := g.deliver(bt, bt.copies[i], nil)
			if o&accepted == 0 && o&full != 0 {
				bt.count.dropped++
				bt.noteShare(g, bt.copies[i])
			}
			bt.mark(i, o)
		}
	}
}

// Messages of a run that are kept share memory, but few: one that is held for long must
// not hold much that nobody counts.
const (
	copyTogether      = 4   // messages
	copyTogetherBytes = 512 // of theirs
)

// keep copies the run out of the reader's buffer.
func (bt *batch) copyRun() {
	if len(bt.copies) > 0 {
		return
	}
	for rest := bt.msgs; len(rest) > 0; {
		n, size := 0, 0
		for n < min(len(rest), copyTogether) {
			more := len(rest[n].Props) + len(rest[n].Payload)
			if n > 0 && size+more > copyTogetherBytes {
				break
			}
			n++
			size += more
		}
		chunk := make([]byte, 0, size)
		kept := append(make([]Message, 0, n), rest[:n]...)
		for i := range kept {
			m := &kept[i]
			m.Came = bt.time()
			at := len(chunk)
			chunk = append(chunk, m.Props...)
			mid := len(chunk)
			chunk = append(chunk, m.Payload...)
			m.Props, m.Payload = proto.Props(chunk[at:mid:mid]), chunk[mid:len(chunk):len(chunk)]
			bt.copies = append(bt.copies, m)
		}
		rest = rest[n:]
	}
}

// touch makes sure that what is in c.out will be written. session.mu is held.
func (bt *batch) wakeWriter(c *client) {
	if !c.awake {
		c.awake = true
		bt.wake = append(bt.wake, c)
	}
}

// finish delivers what is left, sends what goes back, wakes the writers and, for a
// client's batch, waits for slow subscribers.
func (bt *batch) finish() error {
	bt.flush()
	var err error
	if c := bt.from; c != nil && (len(bt.acks) > 0 || len(bt.reply) > 0) {
		c.s.mu.Lock()
		err = c.applyAcks(bt)
		if n := c.s.receiver.Size(); n != c.s.received {
			c.s.received = n
			c.s.charge()
		}
		if len(bt.reply) > 0 && !c.closing {
			c.out.add(&bt.b.blocks, bt.reply)
			c.out.sync = true
			bt.replyBlocked = c.out.n >= 2*bt.b.opt.HighWater
		}
		if c.out.n > 0 {
			bt.wakeWriter(c)
		}
		c.s.mu.Unlock()
	}
	if bt.from != nil {
		bt.pull(bt.from.s)
	}
	bt.offerLeft()
	for _, c := range bt.wake {
		go c.write() // ends when it has written all there is; serve waits for it
	}
	if bt.b.opt.Store != nil {
		bt.b.opt.Store.End()
	}
	bt.count.add(&bt.b.stats)
	bt.count.write(bt.b.opt.Log)
	if bt.limitReached.limit != "" {
		bt.b.warn(bt.limitReached)
	}
	if bt.from != nil {
		for i := range bt.slow {
			bt.slow[i].c.blockPublisher(bt.from, bt.slow[i].rt)
		}
		if bt.replyBlocked && err == nil {
			err = bt.from.awaitReader()
		}
	}
	clear(bt.wake)
	clear(bt.slow)
	clear(bt.acks)
	bt.in = proto.Publish{}
	bt.wake, bt.slow, bt.acks, bt.reply = bt.wake[:0], bt.slow[:0], bt.acks[:0], bt.reply[:0]
	bt.props, bt.replyBlocked = bt.props[:0], false
	bt.from, bt.origin, bt.route, bt.now, bt.count, bt.limitReached = nil, nil, nil, 0, tally{}, shortage{}
	if cap(bt.reply) > maxPooledBlock || cap(bt.forms[0].b) > maxPooledBlock || cap(bt.forms[1].b) > maxPooledBlock {
		return err // too big to keep
	}
	bt.b.batches.Put(bt)
	return err
}
