package conn

import (
	"context"
	"crypto/tls"
	"errors"

	"mqtt/internal/proto"
	"mqtt/internal/transport"
)

// ErrorClass is a class of errors. Exit statuses, hints and counts are tables over it.
type ErrorClass uint8

// The classes. Those from ClassTimeout to ClassForeign end a Dial before CONNACK.
const (
	ClassNone         ErrorClass = iota // nil
	ClassOther                          // not an error of a connection
	ClassCanceled                       // the caller's context was canceled
	ClassDeadline                       // the deadline of the caller's context has passed
	ClassTimeout                        // the byte stream was not open in time
	ClassOpen                           // the byte stream was not opened for another reason, such as an unreadable file
	ClassResolve                        // name resolution
	ClassConnect                        // TCP or unix socket
	ClassProxy                          // the proxy
	ClassTLS                            // TLS handshake, or an alert instead of CONNACK
	ClassCertificate                    // the server's certificate was not accepted
	ClassWebSocket                      // WebSocket handshake
	ClassHungUp                         // the server closed the stream before CONNACK
	ClassSilent                         // no CONNACK in time
	ClassForeign                        // the server speaks another protocol
	ClassRefused                        // refused by CONNACK, or by an error of the authentication method
	ClassDisconnected                   // the server sent DISCONNECT
	ClassLost                           // the stream failed, or PINGREQ was not answered
	ClassReconnect                      // the connection was lost and could not be opened again
	ClassProtocol                       // the server broke the protocol
	ClassSubscribe                      // a topic filter was refused
	ClassLimit                          // a packet exceeds a limit of the server and was not sent
	ClassInvalid                        // a packet violates the standard and was not sent
)

var classNames = [...]string{
	ClassNone:         "none",
	ClassOther:        "other",
	ClassCanceled:     "canceled",
	ClassDeadline:     "deadline",
	ClassTimeout:      "timeout",
	ClassOpen:         "open",
	ClassResolve:      "name resolution",
	ClassConnect:      "TCP",
	ClassProxy:        "proxy",
	ClassTLS:          "TLS",
	ClassCertificate:  "certificate",
	ClassWebSocket:    "WebSocket",
	ClassHungUp:       "hung up",
	ClassSilent:       "silent",
	ClassForeign:      "foreign protocol",
	ClassRefused:      "refused",
	ClassDisconnected: "disconnected",
	ClassLost:         "lost",
	ClassReconnect:    "gone",
	ClassProtocol:     "protocol",
	ClassSubscribe:    "subscribe",
	ClassLimit:        "limit",
	ClassInvalid:      "invalid",
}

// String returns the name of the class, such as "TLS".
func (c ErrorClass) String() string { return classNames[c] }

// Class returns the class of err, which may wrap an error of this package.
func Class(err error) ErrorClass {
	var (
		limit        *Limit
		gone         *ReconnectError
		refused      *Refused
		denied       *Denied
		disconnected *Disconnected
		subscribe    *SubscribeError
		violation    *Violation
		opening      *OpenError
		broken       *Broken
		invalid      *proto.Error
	)
	switch {
	case err == nil:
		return ClassNone
	case errors.Is(err, context.Canceled):
		return ClassCanceled
	case errors.As(err, &limit):
		return ClassLimit
	case errors.As(err, &gone):
		return ClassReconnect
	case errors.As(err, &refused), errors.As(err, &denied):
		return ClassRefused
	case errors.As(err, &disconnected):
		return ClassDisconnected
	case errors.As(err, &subscribe):
		return ClassSubscribe
	case errors.As(err, &violation):
		return ClassProtocol
	case errors.As(err, &opening):
		return openingClass(opening)
	case errors.As(err, &broken), errors.Is(err, ErrTimeout):
		return ClassLost
	case errors.Is(err, ErrHungUp):
		return ClassHungUp
	case errors.Is(err, ErrSilent):
		return ClassSilent
	case errors.As(err, &invalid):
		return ClassInvalid
	case errors.Is(err, context.DeadlineExceeded):
		return ClassDeadline
	}
	return ClassOther
}

// phaseClasses are the classes of the phases of transport.Dial.
var phaseClasses = [...]ErrorClass{
	transport.Prepare:   ClassOpen,
	transport.Resolve:   ClassResolve,
	transport.Connect:   ClassConnect,
	transport.Proxy:     ClassProxy,
	transport.Secure:    ClassTLS,
	transport.Upgrade:   ClassWebSocket,
	transport.Listening: ClassOpen,
}

// openingClass returns the class of an error before CONNACK.
func openingClass(err *OpenError) ErrorClass {
	var (
		certificate *tls.CertificateVerificationError
		foreign     *Foreign
		dial        *transport.Error
	)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return ClassTimeout
	case errors.Is(err, ErrHungUp):
		return ClassHungUp
	case errors.Is(err, ErrSilent):
		return ClassSilent
	case errors.As(err, &foreign):
		return ClassForeign
	case errors.As(err, &certificate):
		return ClassCertificate
	case transport.AlertText(err) != "":
		return ClassTLS
	case errors.As(err, &dial):
		return phaseClasses[dial.Phase]
	}
	return ClassOpen
}

// passing has the classes of errors that may pass with time. For ClassRefused and ClassDisconnected
// the reason code decides.
var passing = [...]bool{
	ClassTimeout:   true,
	ClassOpen:      true,
	ClassResolve:   true,
	ClassConnect:   true,
	ClassProxy:     true,
	ClassTLS:       true,
	ClassWebSocket: true,
	ClassHungUp:    true,
	ClassSilent:    true,
	ClassLost:      true,
	ClassInvalid:   false,
}

// Lost reports whether a new connection may succeed after err: the stream failed, or the server is
// busy or shutting down. It reports false for bad credentials, invalid packets, a takeover of the
// session by another client, a certificate that is not trusted, and the end of the caller's
// context.
func Lost(err error) bool {
	switch class := Class(err); class {
	case ClassRefused:
		var refused *Refused
		return errors.As(err, &refused) && passes(refused.Reason)
	case ClassDisconnected:
		var disconnected *Disconnected
		return errors.As(err, &disconnected) && passes(disconnected.Reason)
	case ClassReconnect:
		var gone *ReconnectError
		return errors.As(err, &gone) && Lost(gone.Err)
	default:
		return passing[class]
	}
}

// passes reports whether a refusal with reason r may pass with time.
func passes(r proto.Reason) bool {
	switch r {
	case proto.Success, proto.UnspecifiedError, proto.ImplementationSpecificError, proto.ServerUnavailable, proto.ServerBusy,
		proto.ServerShuttingDown, proto.KeepAliveTimeout, proto.MessageRateTooHigh, proto.QuotaExceeded,
		proto.AdministrativeAction, proto.ConnectionRateExceeded, proto.MaximumConnectTime, proto.ReceiveMaximumExceeded:
		return true
	}
	return false
}
