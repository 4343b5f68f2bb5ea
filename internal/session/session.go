package session

import "mqtt/internal/proto"

// Session is the state of a client that outlives its connections.
type Session struct {
	ID          string         // client identifier in use; may be assigned by the server [MQTT-3.1.3-2]
	Established bool           // a server has accepted a CONNECT of this session
	Version     proto.Version  // version in use; 0 until Established
	Guessed     bool           // Version is a fallback from a server that may know version 5 as well
	Sender      Sender[[]byte] // stores each PUBLISH in encoded form, with its full topic
	Receiver    Receiver
	Unsent      []byte // encoded QoS 0 messages that a connection queued and did not write
	Partial     bool   // the first message of Unsent was written in part
	Lost        int    // number of QoS 0 messages that were dropped because two streams failed within them
}
