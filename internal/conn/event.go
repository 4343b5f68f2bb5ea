package conn

import (
	"time"

	"mqtt/internal/proto"
)

// Kind tells the events apart.
type Kind byte

// The events.
const (
	Idle      Kind = iota // the limit of NextBy has passed, or Wake was called
	Message               // a PUBLISH came
	Delivered             // the server has a message of QoS 1 or 2, or has refused it
	Answer                // SUBACK or UNSUBACK came, or a re-authentication ended
	Pong                  // the answer to a Ping that the owner sent
)

// Event is what Next returns. All that it points to is good until the next call of
// Next, Publish, Send or Close: a write that is stuck may make room in the buffer. It is
// small enough to be returned in registers: a copy of it would be much of what a message
// costs.
type Event struct {
	Kind    Kind
	Reason  proto.Reason   // of Delivered: 0x80 and above is a refusal
	Tag     uint64         // of Delivered: Publish's tag
	RTT     time.Duration  // of Pong: the round trip
	Message *proto.Publish // of Message, with its whole topic, where a Topic Alias stood for it
	Answer  proto.Packet   // of Answer: *proto.Suback or *proto.Auth; of Delivered: *proto.Ack, nil without properties
}

// Props returns the properties of the acknowledgement that Delivered came with.
func (e Event) Props() proto.Props {
	if a, ok := e.Answer.(*proto.Ack); ok {
		return a.Props
	}
	return nil
}
