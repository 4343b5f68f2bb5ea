package conn

import (
	"time"

	"mqtt/internal/proto"
)

// Kind is the kind of an Event.
type Kind byte

// The kinds of events.
const (
	Idle      Kind = iota // the limit of NextBy has passed, or Wake was called
	Message               // a PUBLISH was received
	Delivered             // the server acknowledged or refused a message at QoS 1 or 2
	Answer                // SUBACK or UNSUBACK was received, or a re-authentication ended
	Pong                  // the answer to a Ping that the owner sent
)

// Event is an event of a connection. What its pointers refer to is valid until the next call of
// Next, Publish, Send or Close, which may reuse the buffer. An Event is small enough to be returned
// in registers: copying a larger one would be a notable part of the cost of a message.
type Event struct {
	Kind    Kind
	Reason  proto.Reason   // Delivered: an error if the message was refused
	Tag     uint64         // Delivered: the tag given to Publish
	RTT     time.Duration  // Pong: the round-trip time
	Message *proto.Publish // Message: its topic is complete, also if the packet had a Topic Alias only
	Answer  proto.Packet   // Answer: *proto.Suback or *proto.Auth; Delivered: *proto.Ack if it has properties, else nil
}

// Props returns the properties of the acknowledgement of a Delivered event.
func (e Event) Props() proto.Props {
	if a, ok := e.Answer.(*proto.Ack); ok {
		return a.Props
	}
	return nil
}
