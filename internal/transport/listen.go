package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"
)

// Endpoint says where a server listens and how it is spoken to.
type Endpoint struct {
	Host, Port string     // "" is every address, and the customary port; port 0 picks a free one
	Socket     string     // file name of a Unix socket, in place of host and port
	TLS        *TLS       // nil is plain; a certificate and key are needed
	WebSocket  *WebSocket // nil is none; its Path "" takes any, the rest is not used

	// Origins names the web pages that may connect by WebSocket, as in
	// https://example.org; * is any. None named: any, but on a loopback address those
	// of this machine only.
	Origins []string

	// AcceptFailed, if not nil, is told when connections cannot be accepted for now, for want
	// of descriptors for one, and how long the listener waits.
	AcceptFailed func(err error, wait time.Duration)
}

// Scheme returns how the endpoint is spoken to.
func (e *Endpoint) Scheme() Scheme { return scheme(e.Socket, e.TLS, e.WebSocket) }

// Addr returns host:port, or the socket's file name.
func (e *Endpoint) Addr() string {
	if e.Socket != "" {
		return e.Socket
	}
	port := e.Port
	if port == "" {
		port = e.Scheme().Port()
	}
	return net.JoinHostPort(e.Host, port)
}

// Listener is a net.Listener of one Endpoint.
type Listener struct {
	end    Endpoint
	l      net.Listener
	closed chan struct{}
	once   sync.Once
	err    error
}

// Listen begins to listen. ctx bounds the call alone; Close ends the listener. A stale
// file of a Unix socket is removed if nobody listens on it. An error is a *Error.
func Listen(ctx context.Context, e *Endpoint) (*Listener, error) {
	l := &Listener{end: *e, closed: make(chan struct{})}
	fail := func(p Phase, err error) (*Listener, error) {
		return nil, &Error{Phase: p, Addr: e.Addr(), Err: err}
	}
	if e.TLS != nil {
		if _, err := e.TLS.ServerConfig(); err != nil {
			return fail(Prepare, err)
		}
	}
	if e.WebSocket != nil {
		if err := checkPath(e.WebSocket.Path); err != nil {
			return fail(Prepare, err)
		}
		if p := e.WebSocket.Path; p != "" && p[0] != '/' {
			l.end.WebSocket = &WebSocket{Path: "/" + p}
		}
	}
	var (
		lc  net.ListenConfig
		err error
	)
	if e.Socket == "" {
		l.l, err = lc.Listen(ctx, "tcp", e.Addr())
	} else if l.l, err = lc.Listen(ctx, "unix", e.Socket); inUse(err) && removeStale(ctx, e.Socket) {
		l.l, err = lc.Listen(ctx, "unix", e.Socket)
	}
	if err != nil {
		return fail(Listening, err)
	}
	return l, nil
}

// removeStale removes the file of a socket on which nobody listens.
func removeStale(ctx context.Context, name string) bool {
	st, err := os.Lstat(name)
	if err != nil || st.Mode().Type() != fs.ModeSocket {
		return false
	}
	c, err := new(net.Dialer).DialContext(ctx, "unix", name)
	if err == nil {
		c.Close()
		return false
	}
	return refusedBySystem(err) && os.Remove(name) == nil
}

// Accept returns the next connection. TLS and WebSocket handshakes are done by the
// connection's first Read, in the goroutine and under the deadline of who reads: a peer
// that does nothing holds up nobody. A TLS handshake that timed out is over; anything
// else that timed out can go on. While the system is out of descriptors or memory,
// Accept waits and tries again.
func (l *Listener) Accept() (net.Conn, error) {
	const least, most = 5 * time.Millisecond, time.Second
	for wait := least; ; wait = min(2*wait, most) {
		c, err := l.l.Accept()
		if err == nil {
			return l.wrap(c), nil
		}
		if !passing(err) {
			return nil, err
		}
		if l.end.AcceptFailed != nil {
			l.end.AcceptFailed(err, wait)
		}
		pause := time.NewTimer(wait)
		select {
		case <-pause.C:
		case <-l.closed:
			pause.Stop()
			return nil, net.ErrClosed
		}
	}
}

func (l *Listener) wrap(c net.Conn) net.Conn {
	if l.end.TLS != nil {
		c = tls.Server(c, l.end.TLS.server.current.Load())
	}
	if l.end.WebSocket == nil {
		return c
	}
	w := &wsConn{Conn: c, greet: &greeting{end: &l.end}}
	w.greet.head.server = true
	return w
}

// Close ends Accept and removes the file of a Unix socket. Accepted connections stay.
func (l *Listener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.err = l.l.Close()
	})
	return l.err
}

// Addr returns the address of the socket.
func (l *Listener) Addr() net.Addr { return l.l.Addr() }

// URL returns what clients on this machine connect to: the port that was picked, and
// loopback in place of every address.
func (l *Listener) URL() URL {
	u := URL{Scheme: l.end.Scheme(), Host: l.end.Host}
	if u.Scheme == Unix {
		u.Path = l.end.Socket
		return u
	}
	if a, ok := l.l.Addr().(*net.TCPAddr); ok {
		u.Port = fmt.Sprint(a.Port)
		if _, err := netip.ParseAddr(u.Host); err == nil || u.Host == "" {
			u.Host = a.AddrPort().Addr().Unmap().String()
		}
		if a.IP.IsUnspecified() {
			u.Host = "127.0.0.1"
			if strings.Contains(l.end.Host, ":") {
				u.Host = "::1"
			}
		}
	}
	if l.end.WebSocket != nil {
		u.Path = l.end.WebSocket.path()
	}
	return u
}
