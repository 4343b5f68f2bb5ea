package broker

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	ledger "mqtt/internal/session"

	"mqtt/internal/proto"
)

// session is the state of a client, which may outlive its connections. Both directions have their
// own packet identifiers: sender for messages to the client, receiver for messages from it.
type session struct {
	b      *Broker
	id     string
	who    atomic.Pointer[Identity] // of the current or the last connection; always the same user if names are checked
	epoch  atomic.Uint32            // changes with the subscriptions
	online atomic.Bool              // for the choice among the members of a group
	load   atomic.Uint32            // idle, waiting or congested, for the same choice
	shares atomic.Int32             // number of groups of which it is a member

	receiver ledger.Receiver // owned by the goroutine that reads from the client

	mu        sync.Mutex
	client    *client // nil while disconnected
	ended     bool
	gone      chan struct{} // closed when endSession has finished
	durable   bool          // the Store holds it
	unowned   bool          // its owner was not stored, see SessionRecord
	expiry    uint32        // seconds after the end of the connection, or never
	left      time.Time
	timer     *time.Timer // ends the session
	will      *will
	subs      map[string]*subscription
	groups    map[*group]struct{} // groups of which it is a member
	idleWalks int                 // number of walks that were abandoned
	walks     []*walk             // retained messages still to be delivered, before the queue
	sender    ledger.Sender[delivery]
	queue     queue
	awayAt    uint64 // serial of the newest retained message when its client left, 0 while connected
	sweptAt   int64  // time of the last search for expired messages in the queue
	received  int    // bytes of receiver, as its goroutine last reported them
	seq       uint64
	bytes     int   // of messages in the queue and in flight
	filters   int   // bytes of subscriptions
	counted   bool  // counted in retained.walks
	charged   int   // units of memory that the broker counts for it
	missed    int   // dropped messages that have not been logged yet
	missedAt  int64 // time of the last log line about them, by Broker.moment, 0 if there was none
	moving    int   // part of charged: packets in transit
}

// unit is the granularity in which memory is counted, in bytes: a smaller change costs no atomic
// operation. A session counts as one unit at least, which is about what it takes with its
// connection, so the number of small sessions is limited, too.
const unit = 4 << 10

// charge updates the broker's count of memory. s.mu is held.
func (s *session) charge() {
	n := s.bytes + s.filters + len(s.id) + walkSize*len(s.walks) + s.sender.Size() + s.queue.size() + s.received
	if who := s.who.Load(); who != nil {
		n += len(who.Username)
	}
	if s.will != nil {
		n += s.will.m.size()
	}
	moving := 0
	if c := s.client; c != nil {
		n += c.out.n + c.writing + c.aliased
		moving = (c.out.n + c.writing) / unit
	}
	units := 1 + n/unit
	if s.ended {
		units = 0
	}
	if units != s.charged {
		s.b.memory.Add(int64(units-s.charged) * unit)
		s.charged = units
	}
	if moving != s.moving {
		s.b.moving.Add(int64(moving-s.moving) * unit)
		s.moving = moving
	}
	if l := s.currentLoad(); l != s.load.Load() {
		s.load.Store(l)
	}
}

// completed removes the message h from the counts and from the Store. s.mu is held.
func (s *session) completed(h *delivery) {
	s.bytes -= h.size()
	if s.durable && h.qos > 0 {
		s.b.opt.Store.Settle(s.id, h.seq)
	}
	*h = delivery{}
}

// abandon gives up a message in flight that is not to be sent again. A QoS 2 message that may have
// arrived keeps its packet identifier, without its contents, until PUBCOMP: the client would treat
// the next message with that identifier as a redelivery. release is true if PUBREL must follow, as
// if PUBREC had arrived. s.mu is held.
func (s *session) abandon(id uint16, h *delivery) (release bool) {
	if h.qos < 2 || !h.sent {
		s.sender.Cancel(id)
		s.completed(h)
		return false
	}
	step, _ := s.sender.Acknowledge(proto.PUBREC, id, proto.Success)
	if s.durable {
		s.b.opt.Store.Pubrec(s.id, step.Tag)
	}
	s.bytes -= h.size()
	h.m, h.g = &Message{}, &grant{qos: h.qos, group: h.g.group}
	s.bytes += h.size()
	return true
}

// removeShared removes the messages of shared subscriptions from a session that has ended, and
// returns them: those in the queue, and those sent at QoS 1 and not acknowledged. Other members get
// them [MQTT-4.8.2-4]. A message that was sent at QoS 2 never goes to another member
// [MQTT-4.8.2-5]. The Store holds them in this session until recordPassed. s.mu is held.
func (s *session) removeShared() (left []delivery) {
	s.queue.removeIf(func(h *delivery) bool {
		if h.g.group == nil {
			return false
		}
		left = append(left, *h)
		s.bytes -= h.size()
		return true
	})
	for _, f := range s.sender.Resend() {
		if f.Message.g.group != nil && f.Message.qos == 1 {
			left = append(left, *f.Message)
		}
	}
	return left
}

// recordPassed records that a message of a shared subscription no longer belongs to this session.
func (s *session) recordPassed(h *delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.durable && h.qos > 0 {
		s.b.opt.Store.Settle(s.id, h.seq)
	}
}

// mayTakeOver reports whether who may take over the session. If the user of its owner was not
// stored, the user name must be the same. Without authentication user names are unverified and not
// compared: that would lock out only the owner, who connected without the name before. s.mu is
// held.
func (s *session) mayTakeOver(who *Identity) bool {
	is := s.who.Load()
	switch {
	case s.b.opt.Auth == nil && s.b.opt.Enhanced == nil && is.CertificateName() == "" && who.CertificateName() == "":
		return true
	case s.unowned:
		return is.Username == who.Username
	}
	return is.same(who)
}

// record returns the session's record for the Store. s.mu is held.
func (s *session) record() SessionRecord {
	r := SessionRecord{Client: s.id, Unowned: s.unowned, Expiry: s.expiry, Left: s.left}
	if who := s.who.Load(); who != nil {
		r.User, r.Named = who.User()
	}
	if s.will != nil {
		r.Will, r.WillDue, r.Delay = s.will.m, s.will.due, s.will.delay
	}
	return r
}

// markEnded marks the session as ended. The caller must call endSession. Until that has finished
// the session remains in Broker.sessions, so that no client enters it, and no new session is made
// whose records endSession would delete. s.mu is held.
func (s *session) markEnded() { s.ended, s.gone = true, make(chan struct{}) }

// endSession removes a session that is marked as ended, in steps. No lock is held.
func (b *Broker) endSession(s *session) {
	bt := b.batch(nil)
	s.mu.Lock()
	if s.timer != nil {
		s.timer.Stop()
	}
	subs, w := s.subs, s.will
	s.subs, s.will, s.walks = nil, nil, nil
	s.countWalks(false)
	s.mu.Unlock()
	for some := range slices.Chunk(slices.Collect(maps.Values(subs)), filtersAtOnce) {
		b.router.remove(s, some...)
		bt.nextTransaction()
	}
	b.stats.subscriptions.Add(-int64(len(subs)))
	s.mu.Lock()
	left := s.removeShared()
	s.sender.Forget()
	s.queue.reset()
	s.bytes, s.filters = 0, 0
	s.charge()
	s.mu.Unlock()
	b.passToMembers(bt, s, left)
	s.mu.Lock()
	if s.durable {
		b.opt.Store.DropSession(s.id)
		s.durable = false
	}
	s.mu.Unlock()
	b.stats.sessionsEnded.Add(1)
	if w != nil {
		w.stop()
		bt.will(w) // the end of the session ends the delay [MQTT-3.1.2-8]
	}
	bt.finish()
	b.mu.Lock()
	delete(b.sessions, s.id)
	b.mu.Unlock()
	close(s.gone)
}

// expire ends the session when its expiry interval has passed without a client [MQTT-4.1.0-2].
func (b *Broker) expire(s *session) {
	s.mu.Lock()
	over := s.client == nil && !s.ended && !s.left.IsZero() && !b.isClosed()
	if over {
		s.markEnded()
	}
	s.mu.Unlock()
	if over {
		b.stats.expired.Add(1)
		b.endSession(s)
	}
}

// startExpiry starts the timer of a session whose connection has ended. s.mu is held.
func (s *session) startExpiry() {
	if s.expiry == never {
		return
	}
	left := time.Until(s.left.Add(time.Duration(s.expiry) * time.Second))
	s.timer = time.AfterFunc(left, func() { s.b.expire(s) })
}

// putSubscription records a subscription in the Store. s.mu is held.
func (s *session) putSubscription(sub *subscription) {
	if s.durable {
		s.b.opt.Store.PutSubscription(s.id, sub.record())
	}
}

// record returns the subscription's record for the Store. session.mu is held.
func (sub *subscription) record() SubscriptionRecord {
	r := SubscriptionRecord{Subscription: sub.Subscription, ID: sub.id}
	if sub.walk != nil && sub.QoS > 0 { // a disconnected client gets nothing at QoS 0
		r.Walking, r.From = true, sub.walk.from
	}
	return r
}

// entry returns the delivery's entry for the Store.
func (h *delivery) entry() Entry {
	e := Entry{Seq: h.seq, Message: h.m, QoS: h.qos, Retain: h.retain, IDs: h.g.ids}
	if h.g.group != nil {
		e.Share = h.g.group.filter
	}
	return e
}

// v5 reports whether the client speaks MQTT 5.
func (c *client) v5() bool { return c.v >= proto.V5 }
