package broker

import (
	"container/list"
	"sync/atomic"
	"time"

	ledger "mqtt/internal/session"

	"mqtt/internal/faults"
	"mqtt/internal/proto"
)

// terms is what CONNECT and CONNACK agree on.
type terms struct {
	v         proto.Version
	who       *Identity
	s         *session
	limit     int  // QoS 1 and 2 messages in flight to the client
	maxPacket int  // bytes, 0 for no limit
	aliasMax  int  // topic aliases the client accepts
	problem   bool // the client wants reason strings
	bridge    bool // 3.1 and 3.1.1: it gets no message of its own, and retain flags as published
}

// inbound is the reading side of a client, with its keep alive.
type inbound struct {
	in           *proto.Reader
	silenceLimit time.Duration     // one and a half times the keep alive, 0 for none
	last         time.Time         // time of the last sign of life
	partial      time.Time         // start of the unfinished packet, zero if there is none
	lastLook     bool              // the keep alive is over, and the connection is read one last time
	finished     bool              // a packet was completed since memory was counted
	inputUnits   int               // units of memory counted for its input
	connBytes    int64             // bytes counted for the connection itself
	until        time.Time         // end of reading after a failed write
	heard        bool              // bytes arrived since until was checked
	connFaults   faults.Connection // nil for none
}

// admission holds how a client was authenticated and authenticates again.
type admission struct {
	refused    proto.Reason // decided when the connection was accepted
	method     string       // authentication method
	exchange   Exchange     // reauthentication in progress
	exchangeBy time.Time    // its deadline
	answered   bool         // its CONNECT was refused with a CONNACK
	foreign    bool         // it speaks another protocol
	evicted    atomic.Bool  // closed before CONNACK in favor of another connection
}

// publisher is what the broker remembers about a publishing client.
type publisher struct {
	aliasIn  proto.TopicAliases // topic aliases set by the client
	unacked  int                // QoS 1 and 2 messages the broker has not acknowledged
	route    *route             // of the last topic, at the current generation
	allowed  bool               // whether the client may publish to route
	warned   time.Time          // time of the last warning about topics that begin with $
	credit   time.Duration      // how long it may still wait for slow subscribers while others idle
	creditAt time.Time
	waiting  atomic.Bool // for a slow subscriber: meanwhile its acknowledgements are not read
}

// outbound is the writing side of a client.
type outbound struct {
	out         out
	awake       bool          // a writer runs, or is about to be started
	idle        chan struct{} // closed when the writer ends; made by the goroutine that waits for that
	writing     int           // bytes that the writer has taken from out
	walking     bool          // a goroutine delivers retained messages
	checking    bool          // sendQueued has stopped after checksAtOnce; the writer continues
	subscribing bool          // a SUBSCRIBE has not been answered yet
	aliases     map[string]uint16
	aliased     int                       // bytes of aliases
	resend      []ledger.Flight[delivery] // messages that a resumed session must send first
}

// pace measures how fast a client reads.
type pace struct {
	moved           uint64          // number of times the client made progress
	movedAt         int64           // time of the last progress, by Broker.moment
	slowIn          uint64          // serial of the last batch that listed it in slow
	waiters         []chan struct{} // one for each publisher that waits for the client
	backloggedSince int64           // time of the last progress while backlogged, by Broker.moment; 0 if it is not
	lagging         bool            // publishers do not wait for it until it has caught up
}

// ending describes the end of a client.
type ending struct {
	closing    bool         // nothing more is appended to out
	end        *closeReason // reason set by another goroutine
	takenOver  bool         // another connection has taken over the session
	takenClean bool         // with Clean Start
}

// listing is a client's membership in the broker's lists.
type listing struct {
	attached   bool          // it has a session
	placed     bool          // it counts against Options.Connections, see places.go
	silent     *list.Element // element of Broker.silent, nil after its CONNECT
	unadmitted *list.Element // element of Broker.unadmitted, nil after its CONNACK
}
