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

// Endpoint describes a listener.
type Endpoint struct {
	Host, Port string     // "" means all addresses, and the default port; port 0 means a free one
	Socket     string     // file name of a Unix socket, instead of host and port
	TLS        *TLS       // nil means none; it needs a certificate and a key
	WebSocket  *WebSocket // nil means none; Path "" accepts any path, and the other fields are not used

	// Origins are the web pages that may connect by WebSocket, such as https://example.org, or *
	// for any. Without Origins any page may connect, except that on a loopback address only pages
	// of this machine may.
	Origins []string

	// AcceptFailed, if not nil, is called when accepting a connection failed, for example because
	// the process is out of file descriptors. wait is the time until the next attempt.
	AcceptFailed func(err error, wait time.Duration)
}

// Scheme returns the scheme of the endpoint's URL.
func (e *Endpoint) Scheme() Scheme { return scheme(e.Socket, e.TLS, e.WebSocket) }

// Addr returns host:port, or the file name of a Unix socket.
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

// Listen opens a listener. ctx bounds the call only; Close closes the listener. The file of a Unix
// socket on which no process listens is replaced. An error is a *Error.
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

// removeStale removes the file of a Unix socket on which no process listens. It reports whether it
// did.
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
	return connectionRefused(err) && os.Remove(name) == nil
}

// Accept returns the next connection. The first Read of a connection does the TLS and WebSocket
// handshakes, in the reader's goroutine and with its deadline, so that a silent peer delays nobody
// else. A TLS handshake cannot be continued after a timeout; a WebSocket handshake can. While the
// system is out of file descriptors or memory, Accept waits and tries again.
func (l *Listener) Accept() (net.Conn, error) {
	const least, most = 5 * time.Millisecond, time.Second
	for wait := least; ; wait = min(2*wait, most) {
		c, err := l.l.Accept()
		if err == nil {
			return l.wrap(c), nil
		}
		if !isTransient(err) {
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
	w := &wsConn{Conn: c, pendingHandshake: &serverHandshake{end: &l.end}}
	w.pendingHandshake.head.server = true
	return w
}

// Close closes the listener and removes the file of a Unix socket. Accepted connections stay open.
func (l *Listener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.err = l.l.Close()
	})
	return l.err
}

// Addr returns the address of the socket.
func (l *Listener) Addr() net.Addr { return l.l.Addr() }

// URL returns the URL for clients on this machine: with the port that was chosen, and with a
// loopback address if the listener accepts on all addresses.
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
