package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// Phase is a step of opening a connection.
type Phase uint8

// The phases of Dial, in their order, and that of Listen. A connection that a Listener accepted
// reports a bad WebSocket handshake with phase Upgrade.
const (
	Prepare   Phase = iota // check values and read files, before anything is sent
	Resolve                // name resolution
	Connect                // TCP or Unix socket
	Proxy                  // connect through the proxy
	Secure                 // TLS handshake
	Upgrade                // WebSocket handshake
	Listening              // of a server
)

// String returns the name of the phase.
func (p Phase) String() string {
	return [...]string{"prepare", "resolve", "connect", "proxy", "tls", "websocket", "listen"}[p]
}

// Error says in which phase and where a connection failed.
type Error struct {
	Phase Phase
	Addr  string // host:port, a host (phase Resolve), or a file name
	Err   error
}

// Error returns text such as "connect to 127.0.0.1:1883: connection refused".
func (e *Error) Error() string {
	text := plain(e.Err)
	switch e.Phase {
	case Prepare:
		return e.Err.Error()
	case Resolve:
		return "resolve " + e.Addr + ": " + text
	case Connect:
		return "connect to " + e.Addr + ": " + text
	case Proxy:
		return "proxy " + e.Addr + ": " + text
	case Secure:
		return "tls with " + e.Addr + ": " + tlsText(e.Err)
	case Listening:
		return "listen on " + e.Addr + ": " + text
	}
	return "websocket with " + e.Addr + ": " + text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do, in one line, or returns "".
func (e *Error) Hint() string { return Hint(e) }

// TargetError is an invalid value in a Target or an Endpoint, or in its TLS or WebSocket. It is
// found before anything is sent.
type TargetError struct {
	Field string // Port, Bind, Socket, Proxy, Path, Header, Subprotocol, CAFile, CAPath, CRLFile, Cert, Key or KeyLog
	Err   error
}

// Error returns the text of the cause.
func (f *TargetError) Error() string { return f.Err.Error() }

// Unwrap returns the cause.
func (f *TargetError) Unwrap() error { return f.Err }

// fieldError returns a *TargetError, or nil if err is nil.
func fieldError(field string, err error) error {
	if err == nil {
		return nil
	}
	return &TargetError{field, err}
}

// errHungUp reports that the stream ended during a handshake.
var errHungUp = errors.New("the server closed the connection during the handshake")

// foreign is an answer in an unexpected protocol.
type foreign struct {
	want, got string // got is "" if it is not known
}

// Error names both protocols.
func (f *foreign) Error() string {
	if f.got == "" {
		return "the peer does not speak " + f.want
	}
	return "the peer speaks " + f.got + ", not " + f.want
}

// SpokenBy returns the protocol that the peer speaks, as DetectProtocol names it, if err says that it
// speaks another one than was expected.
func SpokenBy(err error) (protocol string, ok bool) {
	var other *foreign
	if !errors.As(err, &other) {
		return "", false
	}
	return other.got, true
}

// DetectProtocol returns the protocol of a peer that sent these first bytes: "HTTP", "TLS", "SSH",
// "PROXY", or "" if it is unknown. It is used to explain bytes that are not MQTT.
func DetectProtocol(first []byte) string {
	has := func(s string) bool { return len(first) >= len(s) && string(first[:len(s)]) == s }
	switch {
	case has("HTTP/"), has("GET "), has("POST "), has("PUT "), has("HEAD "), has("CONNECT "), has("OPTIONS "):
		return "HTTP"
	case has("\x16\x03"), has("\x15\x03"):
		return "TLS"
	case has("SSH-"):
		return "SSH"
	case has("PROXY "), has("\r\n\r\n\x00\r\nQUIT\n"):
		return "PROXY"
	}
	return ""
}

// isErrno reports whether err is one of the numbers.
func isErrno(err error, numbers ...syscall.Errno) bool {
	for _, no := range numbers {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}

// plain returns the text of err, without the addresses and operations that the net package adds.
func plain(err error) string {
	var (
		dns *net.DNSError
		op  *net.OpError
		no  syscall.Errno
	)
	if text := AlertText(err); text != "" {
		return "the server refused: " + text
	}
	switch {
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "timed out"
	case errors.As(err, &dns):
		if dns.IsNotFound {
			return "no such host"
		}
		return dns.Err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errHungUp.Error()
	case errors.As(err, &no):
		return no.Error()
	case errors.As(err, &op) && op.Err != nil:
		return plain(op.Err)
	}
	return err.Error()
}
