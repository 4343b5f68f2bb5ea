package transport

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
)

// secure does the TLS handshake.
func (d *dialer) secure(ctx context.Context, c net.Conn) (net.Conn, error) {
	defer timed(&d.tr.TLS)()
	hello := &helloConn{Conn: c}
	tc := tls.Client(hello, d.tls)
	if err := tc.HandshakeContext(ctx); err != nil {
		c.Close()
		if errors.Is(err, io.EOF) {
			err = errHungUp
		}
		if v := hello.version(); v != 0 && v < d.tls.MinVersion {
			err = &oldVersion{v, err}
		}
		return nil, d.fail(ctx, Secure, d.Addr(), d.TLS.explainCertificate(err))
	}
	d.tr.tls(tc.ConnectionState())
	return tc, nil
}

// helloConn keeps the beginning of what a TLS server sends. crypto/tls has no error type for a
// server that chose an old version, but its ServerHello names the version.
type helloConn struct {
	net.Conn
	head [11]byte
	n    int
}

// NetConn returns the stream below, for those who ask the socket how much the peer has taken.
func (c *helloConn) NetConn() net.Conn { return c.Conn }

// Read reads from the connection.
func (c *helloConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.n < len(c.head) {
		c.n += copy(c.head[c.n:], b[:n])
	}
	return n, err
}

// version returns the version in the ServerHello, which is TLS 1.2 for all later versions. It
// returns 0 if the stream does not begin with a ServerHello.
func (c *helloConn) version() uint16 {
	const handshakeRecord, serverHello = 22, 2
	if c.n < len(c.head) || c.head[0] != handshakeRecord || c.head[5] != serverHello {
		return 0
	}
	return binary.BigEndian.Uint16(c.head[9:])
}

// oldVersion is a server that chose a TLS version below the configured minimum.
type oldVersion struct {
	version uint16
	err     error
}

// Error names the version.
func (e *oldVersion) Error() string { return "the server only speaks " + tls.VersionName(e.version) }

// Unwrap returns the error of the handshake.
func (e *oldVersion) Unwrap() error { return e.err }
