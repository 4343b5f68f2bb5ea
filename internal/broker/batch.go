package broker

import (
	"time"

	"mqtt/internal/proto"
)

// batch holds the packets of one read while they are routed to subscribers. Consecutive messages
// with the same topic, QoS and retain flag form a run. Each subscriber gets a run under one lock,
// and at QoS 0 as bytes that were encoded once. A batch belongs to one goroutine.
type batch struct {
	b      *Broker
	serial uint64
	from   *client  // the client that sent the packets, nil for the broker's own messages
	origin *session // the session that publishes, for no-local
	now    int64    // Unix nanoseconds, 0 until it is needed

	// The run.
	route  *route
	qos    byte
	retain bool
	msgs   []Message  // alias the reader's buffer
	copies []*Message // copies that outlive the batch, made when they are needed
	ids    []uint16   // packet identifiers of the messages
	forms  [2]encodedRun
	run    outcome   // of all messages
	each   []outcome // of each message, in addition to run; empty while they do not differ

	in           proto.Publish
	props        proto.Props // buffer for changed properties
	reply        []byte      // packets for from
	acks         []proto.Ack // acknowledgements of from
	wake         []*client
	slow         []slowClient
	count        tally
	limitReached shortage

	cost    int // estimated number of deliveries
	lookups int // retained topics that its SUBSCRIBEs may still look at

	replyBlocked bool // from does not read its replies
}

// encodedRun is a run at QoS 0 as bytes of one version.
type encodedRun struct {
	b       []byte
	largest int // size of the largest packet
	made    bool
	shared  []byte // an immutable copy, nil if there is none
}

// slowClient is a client for which publishers should wait, and the route by which it became slow.
type slowClient struct {
	c  *client
	rt *route
}

// batch begins a batch, which must be ended with finish. No lock is held at either.
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

// publish adds a message to the run. Topic, Props and Payload must stay valid until finish.
func (bt *batch) publish(m *Message) {
	rt := bt.route
	if rt == nil || string(m.Topic) != rt.name {
		rt = bt.find(m.Topic)
	}
	bt.addToRun(rt, m, 0)
}

// addToRun is publish for a caller that knows the route and a packet identifier to acknowledge.
func (bt *batch) addToRun(rt *route, m *Message, id uint16) {
	if len(bt.msgs) > 0 && (rt != bt.route || m.QoS != bt.qos || m.Retain || bt.retain) {
		bt.flush() // a retained message is a run of its own: its outcome decides whether it is stored
	}
	bt.route, bt.qos, bt.retain = rt, m.QoS, m.Retain
	m.Topic = rt.topic
	bt.msgs = append(bt.msgs, *m)
	bt.cost += 1 + len(rt.groups)
	if m.QoS > 0 || len(bt.msgs) == 1 { // a QoS 0 run is written at once
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

// nextTransaction ends the batch's transaction and begins another one, so that a commit need not
// wait for the whole of an expensive packet. The run has been flushed.
func (bt *batch) nextTransaction() {
	if bt.b.opt.Store != nil {
		bt.b.opt.Store.End()
		bt.b.opt.Store.Begin()
	}
}

// runInTurn waits for a work slot and does one part of a large task in a transaction of its own.
// The run has been flushed. No goroutine waits for a slot inside a transaction.
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

// deliverRun delivers the run to all subscribers of its topic.
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

// Copied messages of a run share one block of memory, but only a few of them: a message that stays
// in a queue for long must not keep much uncounted memory alive.
const (
	copyTogether      = 4   // messages
	copyTogetherBytes = 512 // bytes of their properties and payloads
)

// copyRun copies the run out of the reader's buffer.
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

// wakeWriter ensures that the contents of c.out are written. session.mu is held.
func (bt *batch) wakeWriter(c *client) {
	if !c.awake {
		c.awake = true
		bt.wake = append(bt.wake, c)
	}
}

// finish delivers the rest of the run, sends the replies, wakes the writers and, in a client's
// batch, waits for slow subscribers.
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
		if c.out.n > 0 || c.checking {
			bt.wakeWriter(c)
		}
		c.s.mu.Unlock()
	}
	if bt.from != nil {
		bt.pull(bt.from.s)
	}
	bt.offerLeft()
	for _, c := range bt.wake {
		go c.write() // ends when c.out is empty; serve waits for it
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
		return err // too large for the pool
	}
	bt.b.batches.Put(bt)
	return err
}
