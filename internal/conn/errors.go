package conn

import (
	"context"
	"crypto/tls"
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
	return "connection refused by the server: " + e.Reason.In(proto.CONNACK) + words(e.Props)
}

// Disconnected is a DISCONNECT from the server.
type Disconnected struct {
	Reason proto.Reason
	Props  proto.Props
}

// Error names the reason and the server's own words.
func (e *Disconnected) Error() string {
	return "disconnected by the server: " + e.Reason.In(proto.DISCONNECT) + words(e.Props)
}

func words(ps proto.Props) string {
	if s := ps.Value(proto.ReasonString); len(s) > 0 {
		return ": " + string(s)
	}
	return ""
}

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

// Gone is a connection that was lost and could not be opened again.
type Gone struct{ Err error }

// Error says why the last try failed.
func (e *Gone) Error() string { return "connection lost, and not regained: " + e.Err.Error() }

// Unwrap returns the *Opening of the last try.
func (e *Gone) Unwrap() error { return e.Err }

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

// Lost tells whether another connection can help against err: a stream that failed,
// a server that is busy or going down. Bad credentials, broken packets, a session
// that another client took over, a certificate that is not trusted or an end of ctx
// stay so.
func Lost(err error) bool {
	var (
		refused *Refused
		gone    *Disconnected
		wrong   *Violation
		cert    *tls.CertificateVerificationError
		limit   *Limit
		bad     *proto.Error
		foreign *Foreign
	)
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded) && !isBroken(err):
		return false
	case errors.As(err, &refused):
		return passing(refused.Reason)
	case errors.As(err, &gone):
		return passing(gone.Reason)
	case errors.As(err, &wrong), errors.As(err, &cert), errors.As(err, &limit), errors.As(err, &bad),
		errors.As(err, &foreign):
		return false
	case errors.Is(err, ErrHungUp), errors.Is(err, ErrTimeout), isBroken(err):
		return true
	}
	var opening *Opening
	return errors.As(err, &opening)
}

func isBroken(err error) bool {
	var b *Broken
	var o *Opening
	return errors.As(err, &b) || errors.As(err, &o)
}

// passing tells whether a refusal for r may pass with time.
func passing(r proto.Reason) bool {
	switch r {
	case proto.Success, proto.UnspecifiedError, proto.ImplementationSpecificError, proto.ServerUnavailable, proto.ServerBusy,
		proto.ServerShuttingDown, proto.KeepAliveTimeout, proto.MessageRateTooHigh, proto.QuotaExceeded,
		proto.AdministrativeAction, proto.ConnectionRateExceeded, proto.MaximumConnectTime, proto.ReceiveMaximumExceeded:
		return true
	}
	return false
}

// Opening is a byte stream that could not be opened, or no CONNACK in time.
type Opening struct{ Err error }

// Error is the cause's.
func (e *Opening) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Opening) Unwrap() error { return e.Err }
