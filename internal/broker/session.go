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

// session is a client's state, which may outlive its connections. Both directions
// have packet identifiers of their own: sender for what goes out, receiver for what
// comes in.
type session struct {
	b      *Broker
	id     string
	who    atomic.Pointer[Identity] // of the connection, or the last one: the same user, if names are checked
	epoch  atomic.Uint32            // changes with the subscriptions
	online atomic.Bool              // for the choice among the members of a share
	load   atomic.Uint32            // idle, waiting or congested; likewise
	shares atomic.Int32             // groups of which it is a member

	receiver ledger.Receiver // belongs to the goroutine that reads for the client

	mu        sync.Mutex
	client    *client // nil while nobody is connected
	ended     bool
	gone      chan struct{} // closed when an ended session has been taken apart
	durable   bool          // the Store knows it
	unowned   bool          // whose it is was not kept
	expiry    uint32        // seconds from the end of the connection, never
	left      time.Time
	timer     *time.Timer // for the end of the session
	will      *will
	subs      map[string]*subscription
	groups    map[*group]struct{} // of which it is a member
	idleWalks int                 // of walks: those that were given up
	walks     []*walk             // retained messages that are still to be delivered, before the queue
	sender    ledger.Sender[delivery]
	queue     queue
	awayAt    uint64 // the serial of what was retained last when its client left, 0 if there is one
	sweptAt   int64  // when the queue was looked through for messages that have expired
	received  int    // bytes of receiver, when its goroutine last said so
	seq       uint64
	bytes     int   // of messages in the queue and in flight
	filters   int   // bytes of subscriptions
	counted   bool  // among those to which walks are under way
	charged   int   // units of memory that the broker counts for it
	missed    int   // messages that it did not get and of which the log was not told
	missedAt  int64 // when the log was told, by Broker.moment, 0 if it never was
	moving    int   // those of packets on their way, of them
}

// unit is the grain in which memory is counted: a change within it costs no atomic
// operation. A session counts for one at least, which is about what it takes with its
// connection: many small ones have a ceiling, too.
const unit = 4 << 10

// charge brings the broker's count of memory up to date. s.mu is held.
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

// settled takes the message h, which is done with, off the counts. s.mu is held.
func (s *session) completed(h *delivery) {
	s.bytes -= h.size()
	if s.durable && h.qos > 0 {
		s.b.opt.Store.Settle(s.id, h.seq)
	}
	*h = delivery{}
}

// abandon gives up a message in flight that is not to be sent again. One that may have
// arrived at QoS 2 keeps its identifier, without its content, until PUBCOMP: the client would
// take the next message under it for a repeat. release is true if PUBREL must follow, as if
// PUBREC had come. s.mu is held.
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

// shared takes out of the queue of a session that has ended what came by shared subscriptions and
// was not sent, and of what was sent at QoS 1 and not acknowledged: others get it [MQTT-4.8.2-4].
// What was sent at QoS 2 is never given to another [MQTT-4.8.2-5]. The Store has it in this session
// until passed. s.mu is held.
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

// passed records that a message of a shared subscription is no longer this session's.
func (s *session) recordPassed(h *delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.durable && h.qos > 0 {
		s.b.opt.Store.Settle(s.id, h.seq)
	}
}

// admits tells whether the session is who's, or has no owner and may become who's: a user
// name is all that is known of who made it. A name that nobody has checked is nobody's
// word: it would lock out only its owner, who came without it before. s.mu is held.
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

// record is the session as the Store keeps it. s.mu is held.
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

// over marks the session as ended. Who does that calls finish; until that is done the
// session keeps its place in Broker.sessions, so that nobody enters it, and nobody
// makes another whose records finish would drop. s.mu is held.
func (s *session) markEnded() { s.ended, s.gone = true, make(chan struct{}) }

// finish takes apart a session that is over, step by step. No lock is held.
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
	s.queue = queue{}
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
		bt.will(w) // the session's end cuts the delay short [MQTT-3.1.2-8]
	}
	bt.finish()
	b.mu.Lock()
	delete(b.sessions, s.id)
	b.mu.Unlock()
	close(s.gone)
}

// expire is called when the session's time is up, if nobody came back [MQTT-4.1.0-2].
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

// wait starts the clock of a session whose connection has ended. s.mu is held.
func (s *session) startExpiry() {
	if s.expiry == never {
		return
	}
	left := time.Until(s.left.Add(time.Duration(s.expiry) * time.Second))
	s.timer = time.AfterFunc(left, func() { s.b.expire(s) })
}

// putSubscription records a subscription. s.mu is held.
func (s *session) putSubscription(sub *subscription) {
	if s.durable {
		s.b.opt.Store.PutSubscription(s.id, sub.record())
	}
}

// record is a subscription as the Store keeps it. session.mu is held.
func (sub *subscription) record() SubscriptionRecord {
	r := SubscriptionRecord{Subscription: sub.Subscription, ID: sub.id}
	if sub.walk != nil && sub.QoS > 0 { // who is away gets nothing at QoS 0
		r.Walking, r.From = true, sub.walk.from
	}
	return r
}

// entry is h as the Store keeps it.
func (h *delivery) entry() Entry {
	e := Entry{Seq: h.seq, Message: h.m, QoS: h.qos, Retain: h.retain, IDs: h.g.ids}
	if h.g.group != nil {
		e.Share = h.g.group.filter
	}
	return e
}

// five tells whether the client speaks MQTT 5.
func (c *client) v5() bool { return c.v >= proto.V5 }
