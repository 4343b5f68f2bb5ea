package rules

import (
	"slices"
	"sync"

	"mqtt/internal/proto"
)

// Bounds of what is remembered.
const (
	maxSessions    = 2048      // sessions in a Sessions
	maxInflight    = 4096      // packet identifiers of one direction and one session
	maxAway        = 256       // packet identifiers of a session without a connection
	maxFilters     = 256       // topic filters of a session
	maxFilterBytes = 64 << 10  // their size
	maxRequests    = 1024      // SUBSCRIBE and UNSUBSCRIBE packets that wait for an answer
	maxOwed        = 4096      // identifiers in an order of acknowledgements
	maxAliases     = 1024      // topic aliases of one side
	maxAliasBytes  = 256 << 10 // the size of their topics
)

// Sessions keeps what must be known across the connections to one server. It is safe for concurrent
// use. A client identifier must not also be used on connections that Sessions does not see: what
// happens there could be held against its client or against the server.
type Sessions struct {
	mu      sync.Mutex
	byID    map[string]*session
	pending map[string][]*Observer // of connections whose CONNECT was delivered and not answered, by client identifier
	number  uint64
}

// NewSessions returns a Sessions that knows no session.
func NewSessions() *Sessions {
	return &Sessions{byID: make(map[string]*session), pending: make(map[string][]*Observer)}
}

// Connection returns the observer of a new connection.
func (s *Sessions) Connection() *Observer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.number++
	o := &Observer{sessions: s, number: s.number, session: new(session)}
	for i := range o.sides {
		o.sides[i].limits = defaultLimits
	}
	return o
}

// session is the state of a client and a server that outlives a connection.
type session struct {
	whole bool    // it was seen from its beginning
	flows [2]flow // messages above QoS 0, by the direction in which they travel
	subscriptions
	owner *Observer // that has it now; nil if the client is not connected
	last  uint64    // number of the newest connection that had a session of this client
	// contested is set if another connection of the client may have begun a session at the same time
	// or since, or if the client has asked for one. Which session continues is not known.
	contested bool
}

// flow is the state of the messages above QoS 0 that travel in one direction.
type flow struct {
	sending   map[uint16]sending   // the sender's side
	receiving map[uint16]receiving // the receiver's side
	partial   bool                 // some entries are missing
	order     uint32               // of the last message
}

// sending is a message that its sender has sent, and whose last acknowledgement was not delivered
// to it.
type sending struct {
	qos      byte
	hash     uint32 // of the payload
	order    uint32 // of the first PUBLISH; 0 if it is not known
	number   uint64 // of the connection on which PUBLISH was sent last
	pubrecs  uint8  // PUBREC packets delivered to it and not answered
	released bool   // PUBREL was sent
	relOn    uint64 // on that connection
	stranger bool   // there was no PUBLISH, only a PUBREC
}

// receiving is a message that was delivered to its receiver.
type receiving struct {
	owed    [3]uint8 // PUBLISH packets by QoS that are not answered
	awaits  bool     // PUBREC was sent, and no PUBREL was delivered since
	pubrels uint8    // PUBREL packets delivered to it and not answered
}

func (f *flow) setSending(id uint16, e sending) {
	if f.sending == nil {
		f.sending = make(map[uint16]sending)
	}
	if len(f.sending) >= maxInflight {
		clear(f.sending)
		f.partial = true
	}
	f.sending[id] = e
}

func (f *flow) setReceiving(id uint16, e receiving) {
	if e == (receiving{}) {
		delete(f.receiving, id)
		return
	}
	if f.receiving == nil {
		f.receiving = make(map[uint16]receiving)
	}
	if len(f.receiving) >= maxInflight {
		clear(f.receiving)
		f.partial = true
	}
	f.receiving[id] = e
}

// attach makes o the owner of the session of a client that was accepted. o.session has what
// happened on the connection before.
func (o *Observer) attach(client string, clean, present bool, v proto.Version) {
	s := o.sessions
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.byID[client]
	s.decided(o)
	switch {
	case clean, v >= proto.V311 && !present:
		o.session.whole = true
	case v >= proto.V311 && old != nil && old.owner == nil:
		if old.contested || o.overlaps {
			old.spoil()
		}
		old.merge(o.session)
		o.session = old
	}
	o.session.last = o.number
	if old != nil && old != o.session {
		o.session.contested = old.owner != nil || old.last > o.number
		o.session.last = max(o.number, old.last)
	}
	o.session.contested = o.session.contested || o.overlaps
	o.session.owner, o.client, o.attached = o, client, true
	if old == nil && len(s.byID) >= maxSessions {
		s.evict()
	}
	if old != nil || len(s.byID) < maxSessions {
		s.byID[client] = o.session
	}
}

// await notes that the CONNECT of o was delivered. Until its answer is seen, the server may have begun
// a session or have gone on with one.
func (s *Sessions) await(o *Observer, client string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.awaits = client
	s.pending[client] = append(s.pending[client], o)
}

// decided notes that the server has accepted the client of o, or may have. In which order it has
// handled this CONNECT and those that wait for an answer is not known. The caller holds s.mu.
func (s *Sessions) decided(o *Observer) {
	for _, other := range s.remove(o) {
		o.overlaps, other.overlaps = true, true
	}
}

// remove ends the wait for an answer, and returns the connections of the same client that still wait
// for theirs. The caller holds s.mu.
func (s *Sessions) remove(o *Observer) []*Observer {
	all := s.pending[o.awaits]
	i := slices.Index(all, o)
	if i < 0 {
		return nil
	}
	if all = slices.Delete(all, i, i+1); len(all) == 0 {
		delete(s.pending, o.awaits)
		return nil
	}
	s.pending[o.awaits] = all
	return all
}

// refused notes that the server has refused the client of o, which changes no session.
func (s *Sessions) refused(o *Observer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(o)
}

// unanswered notes that no answer to the CONNECT of o will be seen.
func (s *Sessions) unanswered(o *Observer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.pending[o.awaits], o) {
		return
	}
	s.decided(o)
	if old := s.byID[o.awaits]; old != nil {
		old.contested = true
	}
}

// forget notes that a client has asked for a new session. Whether it gets one is not known before
// CONNACK, and if there is none, not at all: an old session that continues later is not known any more.
func (s *Sessions) forget(client string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.byID[client]; old != nil {
		old.contested = true
	}
}

// evict removes a session without a connection. The caller holds s.mu.
func (s *Sessions) evict() {
	for id, old := range s.byID {
		if old.owner == nil {
			delete(s.byID, id)
			return
		}
	}
}

// merge adds what happened on a connection before its session was known.
func (s *session) merge(first *session) {
	for way := range s.flows {
		f := &s.flows[way]
		for id, e := range first.flows[way].sending {
			if e.order != 0 {
				f.order++
				e.order = f.order
			}
			f.setSending(id, e)
		}
		for id, e := range first.flows[way].receiving {
			f.setReceiving(id, e)
		}
		f.partial = f.partial || first.flows[way].partial
	}
	s.subscriptions.merge(&first.subscriptions)
}

// spoil notes that what happened in the session is not known.
func (s *session) spoil() {
	s.whole = false
	for i := range s.flows {
		s.flows[i] = flow{partial: true}
	}
	s.subscriptions = subscriptions{missing: true}
}

// detach ends the ownership of the session.
func (o *Observer) detach() {
	o.sessions.unanswered(o)
	if o.sides[In].lost || o.sides[Out].lost {
		o.session.spoil()
	}
	if o.attached {
		o.sessions.mu.Lock()
		o.session.owner = nil
		for i := range o.session.flows {
			f := &o.session.flows[i]
			if len(f.sending)+len(f.receiving) > maxAway {
				*f = flow{partial: true}
			}
		}
		o.sessions.mu.Unlock()
	}
	o.attached, o.session = false, new(session) // another connection may continue with the session
}
