package conn

import (
	"errors"
	"fmt"

	"mqtt/internal/proto"
)

var (
	// ErrHungUp reports that the server closed the stream before CONNACK.
	ErrHungUp = errors.New("the server closed the connection before it answered")
	// ErrSilent reports that the server sent no CONNACK in time.
	ErrSilent = errors.New("the server did not answer CONNECT")
	// ErrOldConnack reports that the server accepted a CONNECT of version 5 with a CONNACK of
	// 3.1.1.
	ErrOldConnack = errors.New("the server answered in the form of MQTT 3.1.1")
	// ErrTimeout reports that the server sent nothing after PINGREQ within the keep alive.
	ErrTimeout = errors.New("no answer to PINGREQ")
	// ErrWindow is returned by Publish if Free returns 0.
	ErrWindow = errors.New("window is full")
	// ErrClosed reports that the owner has closed the connection.
	ErrClosed = errors.New("connection is closed")
)

// OpenError is returned by Dial if the byte stream could not be opened, or brought no CONNACK.
type OpenError struct{ Err error }

// Error returns the text of the cause.
func (e *OpenError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *OpenError) Unwrap() error { return e.Err }

// Interrupted is the end of a context while there was no connection.
type Interrupted struct {
	Err     error // the context's
	During  error // what the attempt that was interrupted, or the last one, ended with
	Waiting bool  // for the next attempt
}

// Error returns the text of the context's error.
func (e *Interrupted) Error() string { return e.Err.Error() }

// Unwrap returns the context's error.
func (e *Interrupted) Unwrap() error { return e.Err }

// Refused is a CONNACK with an error.
type Refused struct {
	Version proto.Version // of CONNECT
	Reason  proto.Reason
	Props   proto.Props // of CONNACK
}

// Error names the reason, with the server's Reason String. Before version 5 it names the return
// code of the packet.
func (e *Refused) Error() string {
	if e.Version < proto.V5 {
		code := e.Reason.ReturnCode()
		return "connection refused by the server: " + proto.ReturnCodeName(code) + " (return code " + itoa(int(code)) + ")"
	}
	return "connection refused by the server: " + e.Reason.Explain(proto.CONNACK, e.Props)
}

// Denied is an exchange that the server ended with an error of the authentication method, such as a
// wrong password.
type Denied struct{ Err error }

// Error returns the text of the method's error.
func (e *Denied) Error() string { return e.Err.Error() }

// Unwrap returns the method's error.
func (e *Denied) Unwrap() error { return e.Err }

// Disconnected is a DISCONNECT from the server.
type Disconnected struct {
	Reason proto.Reason
	Props  proto.Props
}

// Error names the reason, with the server's Reason String.
func (e *Disconnected) Error() string {
	return "disconnected by the server: " + e.Reason.Explain(proto.DISCONNECT, e.Props)
}

// Violation is a violation of the protocol by the server. It ends the connection.
type Violation struct{ Err error }

// Error says what the server did.
func (e *Violation) Error() string { return "protocol error of the server: " + e.Err.Error() }

// Unwrap returns the *proto.Error, or the error of an authentication method.
func (e *Violation) Unwrap() error { return e.Err }

// Broken is a stream that failed.
type Broken struct {
	Op  string // "read", "write" or "keep alive"
	Err error
	// Unanswered is SUBSCRIBE or PUBLISH if the server closed the stream instead of answering such a
	// packet. Some servers do so where a client lacks the right. It is 0 otherwise.
	Unanswered proto.Type
}

// Error names the operation and the cause.
func (e *Broken) Error() string {
	return fmt.Sprintf("connection lost: %s: %v", e.Op, e.Err)
}

// Unwrap returns the cause.
func (e *Broken) Unwrap() error { return e.Err }

// ReconnectError is returned by Hold if a connection was lost and could not be opened again.
type ReconnectError struct{ Err error }

// Error says why the last attempt failed.
func (e *ReconnectError) Error() string {
	return "connection lost, and reconnecting failed: " + e.Err.Error()
}

// Unwrap returns the *OpenError of the last attempt.
func (e *ReconnectError) Unwrap() error { return e.Err }

// Limit is a packet that exceeds a limit of the server's CONNACK. It was not sent, and the
// connection continues.
type Limit struct {
	Property proto.PropID
	Max      int    // value of Property
	What     string // the part of the packet that exceeds it
}

// Error names the limit.
func (e *Limit) Error() string {
	return fmt.Sprintf("%s, but the server's %s is %d", e.What, e.Property, e.Max)
}
