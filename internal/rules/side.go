package rules

import (
	"time"

	"mqtt/internal/proto"
)

// side is what is known of the sender of one direction.
type side struct {
	version    proto.Version // of its packets; 0 before CONNECT
	sent       bool          // a packet was sent
	bye        bool          // DISCONNECT, or a CONNACK that refuses, was sent
	refused    bool          // it was that CONNACK
	lost       bool          // what it received is not known: answers are not judged
	closed     bool
	pings      int               // PINGREQ delivered to it and not answered; server only
	lastSent   time.Time         // when its last packet was read
	lastGot    time.Time         // when the last packet was delivered to it
	lastAnswer time.Time         // when it last sent an answer to a packet; server only
	aliases    map[uint16]string // topic aliases that it set
	aliasBytes int               // size of their topics
	aliasLost  bool              // aliases has not all of them
	window     int               // PUBLISH packets above QoS 0 of this connection that count against Receive Maximum
	acked      int               // final acknowledgements delivered to it on this connection
	resent     uint32            // order of the last PUBLISH that it sent again
	owed       [3][]uint16       // by QoS: identifiers of PUBLISH packets delivered to it on this connection and not answered, in their order
	owedLost   bool              // owed has not all of them
	pubrecs    []uint16          // identifiers of PUBREC packets delivered to it and not answered, in their order
	limits     limits            // what the other side allows it
	known      bool              // it has received limits
	auths      int               // AUTH packets delivered to it
}

// limits are what one side allows the other on this connection.
type limits struct {
	receiveMaximum int
	packetSize     int // 0: any
	aliasMaximum   int
	maximumQoS     byte
	noRetain       bool
	noWildcard     bool
	noShared       bool
	noIdentifier   bool
}

// defaultLimits are the limits of a side that gave none.
var defaultLimits = limits{receiveMaximum: 65535, maximumQoS: 2}

// hello is what is known of the beginning of a connection.
type hello struct {
	seen          bool // CONNECT was sent
	delivered     bool // and given to the server
	version       proto.Version
	clean         bool
	keepAlive     int // in seconds
	clientID      string
	method        string // authentication method
	hasMethod     bool
	expiry        uint32
	noProblem     bool // Request Problem Information is 0
	wantsResponse bool
	early         bool      // the client sent packets before CONNACK was delivered
	answered      bool      // CONNACK was sent
	accepted      bool      // and accepted the client
	told          bool      // an accepting CONNACK was delivered to the client
	toldAt        time.Time // when that CONNACK came
	present       bool
	again         bool // the client has begun to authenticate again, and the server knows
}
