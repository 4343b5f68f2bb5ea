package proto

import (
	"fmt"
	"strings"
)

// Error says why bytes are not a packet, or why a packet must not be sent.
type Error struct {
	Type   Type   // the packet, WILL (zero) where none is known
	Offset int    // where in the packet, in bytes from its first; in a topic, from the topic's first
	Reason Reason // what a DISCONNECT or CONNACK would say
	What   string // what was wrong, in words
}

// Error names the packet, the place and the fault.
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

// unsendable is an error of encoding: there is no offset in what was never written.
func unsendable(t Type, r Reason, what string) *Error {
	return &Error{Type: t, Reason: r, What: what}
}
