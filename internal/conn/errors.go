package conn

import (
	"errors"
	"fmt"

	"mqtt/internal/proto"
)

// Errors that a caller tests for.
var (
	// ErrHungUp is a stream that ended before CONNACK.
	ErrHungUp = errors.New("the server closed the connection before it answered")
	// ErrSilent is a server that did not answer before the time was up.
	ErrSilent = errors.New("the server did not answer CONNECT")
	// ErrTimeout is a server that did not answer within the keep alive.
	ErrTimeout = errors.New("no answer to PINGREQ")
	// ErrWindow is a Publish although Free is 0.
	ErrWindow = errors.New("window is full")
	// ErrClosed is a use of a connection that the owner closed.
	ErrClosed = errors.New("connection is closed")
)

// Refused is a CONNACK that says no.
type Refused struct {
	Version proto.Version // of the CONNECT
	Reason  proto.Reason
	Props   proto.Props // of the CONNACK
}

// Error names the reason and the server's own words; below version 5 the return code
// that stood on the wire.
func (e *Refused) Error() string {
	if e.Version < proto.V5 {
		code := e.Reason.ReturnCode()
		return "connection refused by the server: " + proto.ReturnCodeName(code) + " (return code " + itoa(int(code)) + ")"
	}
	return "connection refused by the server: " + e.Reason.Explain(proto.CONNACK, e.Props)
}

// Disconnected is a DISCONNECT from the server.
type Disconnected struct {
	Reason proto.Reason
	Props  proto.Props
}

// Error names the reason and the server's own words.
func (e *Disconnected) Error() string {
	return "disconnected by the server: " + e.Reason.Explain(proto.DISCONNECT, e.Props)
}

// Denied is an exchange that the server ended with an error of the authentication method, such as a
// wrong password.
type Denied struct{ Err error }

// Error returns the text of the method's error.
func (e *Denied) Error() string { return e.Err.Error() }

// Unwrap returns the method's error.
func (e *Denied) Unwrap() error { return e.Err }

// Violation is a server that broke the protocol; the connection was closed over it.
type Violation struct{ Err error }

// Error says what the server did.
func (e *Violation) Error() string { return "protocol error of the server: " + e.Err.Error() }

// Unwrap returns the *proto.Error.
func (e *Violation) Unwrap() error { return e.Err }

// Broken is a stream that failed.
type Broken struct {
	Op  string // "read", "write"
	Err error
}

// Error says what failed.
func (e *Broken) Error() string {
	return fmt.Sprintf("connection lost: %s: %v", e.Op, e.Err)
}

// Unwrap returns the cause.
func (e *Broken) Unwrap() error { return e.Err }

// ReconnectError is a connection that was lost and could not be opened again.
type ReconnectError struct{ Err error }

// Error says why the last try failed.
func (e *ReconnectError) Error() string { return "connection lost, and not regained: " + e.Err.Error() }

// Unwrap returns the *Opening of the last try.
func (e *ReconnectError) Unwrap() error { return e.Err }

// Limit is a packet that the server's CONNACK does not allow. It was not sent, and
// the connection goes on.
type Limit struct {
	Property proto.PropID // the limit
	Max      int          // its value
	What     string       // what is over it
}

// Error names the limit.
func (e *Limit) Error() string {
	return fmt.Sprintf("%s, but the server's %s is %d", e.What, e.Property, e.Max)
}

// OpenError is a byte stream that could not be opened, or no CONNACK in time.
type OpenError struct{ Err error }

// Error is the cause's.
func (e *OpenError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *OpenError) Unwrap() error { return e.Err }
