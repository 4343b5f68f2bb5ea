package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// Phase is a step on the way to a connection.
type Phase uint8

// The phases of Dial, in their order, and that of Listen. A connection that a listener
// took reports a bad upgrade as Upgrade.
const (
	Prepare   Phase = iota // flags and files, before anything is sent
	Resolve                // name to address
	Connect                // TCP or Unix socket
	Proxy                  // what the proxy was asked
	Secure                 // TLS handshake
	Upgrade                // WebSocket handshake
	Listening              // of a server
)

// String names the phase.
func (p Phase) String() string {
	return [...]string{"prepare", "resolve", "connect", "proxy", "tls", "websocket", "listen"}[p]
}

// Error says in which phase and where a connection failed.
type Error struct {
	Phase Phase
	Addr  string // host:port, host where it is Resolve, or a file name
	Err   error  // the cause
}

// Error reads like "connect to 127.0.0.1:1883: connection refused".
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

// Hint says what may help, in one line, or "".
func (e *Error) Hint() string { return Hint(e) }

// TargetError is what is wrong with one part of a Target, of its TLS or of its WebSocket, before any connection.
type TargetError struct {
	Field string // the field: Port, Bind, Socket, Proxy, Path, Header, CAFile, CAPath, Cert, Key, KeyLog
	Err   error
}

// Error is the cause's.
func (f *TargetError) Error() string { return f.Err.Error() }

// Unwrap returns the cause.
func (f *TargetError) Unwrap() error { return f.Err }

// faulty says which part err is about, if it is an error.
func faulty(part string, err error) error {
	if err == nil {
		return nil
	}
	return &TargetError{part, err}
}

// errHungUp is an end of the stream in the middle of a handshake.
var errHungUp = errors.New("the server closed the connection during the handshake")

// foreign is an answer in another protocol than was expected.
type foreign struct {
	want, got string // got is "" if it is not known
}

func (f *foreign) Error() string {
	if f.got == "" {
		return "the peer does not speak " + f.want
	}
	return "the peer speaks " + f.got + ", not " + f.want
}

// DetectProtocol names the protocol of a peer whose first bytes are given: "HTTP", "TLS", "SSH",
// "PROXY", or "" if they tell nothing. It is for explaining bytes that are not MQTT.
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

// among tells whether err is one of the system's errors named.
func among(err error, numbers ...syscall.Errno) bool {
	for _, no := range numbers {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}

// plain is the text of err without what the net package says about the way there.
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
