package proto

import (
	"fmt"
	"strings"
)

// Error says why received bytes are not a packet, or why a packet must not be sent.
type Error struct {
	Type   Type   // of the packet; WILL (zero) if it is not known
	Offset int    // in bytes, from the beginning of the packet or, for a topic, of the topic
	Reason Reason // for DISCONNECT or CONNACK
	What   string // what is wrong
}

// Error names the packet, what is wrong, and the offset.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Type != WILL {
		b.WriteString(e.Type.String())
		b.WriteString(": ")
	}
	b.WriteString(e.What)
	if e.Offset > 0 {
		fmt.Fprintf(&b, " at byte %d", e.Offset)
	}
	return b.String()
}

// encodeError returns an error of encoding, which has no offset.
func encodeError(t Type, r Reason, what string) *Error {
	return &Error{Type: t, Reason: r, What: what}
}
