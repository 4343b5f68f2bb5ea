package broker

import (
	"container/list"
	"sync/atomic"
	"time"

	ledger "mqtt/internal/session"

	"mqtt/internal/proto"
)

// terms is what client and broker have agreed on with CONNECT and CONNACK.
type terms struct {
	v         proto.Version
	who       *Identity
	s         *session
	limit     int  // QoS 1 and 2 messages in flight to it
	maxPacket int  // bytes it takes, 0 for any
	aliasMax  int  // topic aliases it takes
	problem   bool // it wants reason strings
	bridge    bool // of 3.1 or 3.1.1: it gets nothing that it published, and retain flags as published
}

// inbound is what comes from a client, and the watch over its keepalive.
type inbound struct {
	in           *proto.Reader
	silenceLimit time.Duration // one and a half times the keepalive, 0 if there is none
	last         time.Time     // when the last sign of life came
	partial      time.Time     // since when a packet is unfinished, zero if there is none
	lastLook     bool          // the keepalive is over, and the connection is read a last time
	finished     bool          // a packet was finished since memory was counted
	inputUnits   int           // units of memory that are counted for what it has sent
	connBytes    int64         // bytes that are counted for the connection itself
	until        time.Time     // when reading ends after a write has failed
	heard        bool          // something came since until was looked at
	connFaults   ConnFaults    // its faults, nil for none
}

// admission is how a client was let in, and authenticates anew.
type admission struct {
	refused    proto.Reason // decided when the connection came
	method     string       // of authentication
	exchange   Exchange     // a reauthentication that is under way
	exchangeBy time.Time    // when it must be over
	answered   bool         // its CONNECT was refused with a CONNACK
	foreign    bool         // it speaks another protocol
	evicted    atomic.Bool  // its place among those that were not let in was given to another connection
}

// publisher is what is known of what a client publishes.
type publisher struct {
	aliasIn  proto.TopicAliases // set by the client
	unacked  int                // QoS 1 and 2 messages it sent and we have not acknowledged
	route    *route             // of the last topic, at the last generation
	allowed  bool               // to publish to it
	warned   time.Time          // when the log was told of topics that begin with $
	credit   time.Duration      // how long it may still be kept waiting while others starve
	creditAt time.Time
	waiting  atomic.Bool // for a slow subscriber: its acknowledgements stay unread
}

// outbound is what goes to a client.
type outbound struct {
	out         out
	awake       bool          // a writer runs, or is about to be started
	idle        chan struct{} // closed when the writer ends; made by who waits for that
	writing     int           // bytes that the writer has in hand
	walking     bool          // a goroutine delivers retained messages
	subscribing bool          // a SUBSCRIBE is not answered yet
	aliases     map[string]uint16
	aliased     int                       // bytes of aliases
	resend      []ledger.Flight[delivery] // what a resumed session must send first
}

// pace is how fast a client takes what goes to it.
type pace struct {
	moved           uint64          // grows whenever the client takes something
	movedAt         int64           // when it did, by Broker.moment
	slowIn          uint64          // the batch that has it on its list of slow ones
	waiters         []chan struct{} // who waits for it to take something
	backloggedSince int64           // when it was crowded and last took something, by Broker.moment; 0 if it is not
	lagging         bool            // nobody waits for it until it has caught up
}

// ending is how a client comes to its end.
type ending struct {
	closing    bool         // nothing more goes into out
	end        *closeReason // why it must go, set from outside
	takenOver  bool         // another connection has taken the session
	takenClean bool         // and wants a new one
}

// listing is where the broker has a client on its lists.
type listing struct {
	attached   bool          // it has a session
	placed     bool          // it has a place, see places.go
	silent     *list.Element // in Broker.silent, nil once its CONNECT has come
	unadmitted *list.Element // in Broker.opening, nil once it was let in
}
