package session

import "mqtt/internal/proto"

// Session is a client's state, which outlives its connections.
type Session struct {
	ID          string         // the client identifier in use, be it one that the server assigned [MQTT-3.1.3-2]
	Established bool           // a server has accepted a CONNECT of this session
	Version     proto.Version  // that was settled on; 0 before
	Sender      Sender[[]byte] // keeps each PUBLISH as it was encoded, with its full topic
	Receiver    Receiver
	Unsent      []byte // packets of QoS 0 messages that a connection took and no stream did, one behind the other
	Partial     bool   // the first of Unsent was written in part
	Lost        int    // messages at QoS 0 in the middle of which streams ended twice
}
