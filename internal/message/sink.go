package message

import (
	"time"

	"mqtt/internal/proto"
)

// Sink takes received messages and shows them.
type Sink interface {
	// Put takes a message that was received at version v. It is shown at the latest with the next
	// Flush. decoded is its payload as JSON, nil if it was not decoded. Put keeps neither.
	Put(v proto.Version, p *proto.Publish, decoded []byte) error
	// Flush shows what Put has taken. It is called before waiting for the network.
	Flush() error
	// Due returns the time when Flush should be called although no message came; zero: never.
	Due() time.Time
	// Lost reports whether messages could not be shown.
	Lost() bool
	// Close shows the last state.
	Close()
}
