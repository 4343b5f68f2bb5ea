package broker

import (
	"crypto/tls"
	"net"
	"sync"
	"time"

	"mqtt/internal/faults"
	"mqtt/internal/proto"
)

// Fault decides which connections have faults. It is for testing clients. A *faults.Plan is one.
type Fault interface {
	// Connection returns the faults of a new connection, nil for none.
	Connection() faults.Connection
}

// faultConn is a connection with faults. It splits both directions into packets. From bytes on that
// are no packet, everything is forwarded unchanged.
type faultConn struct {
	net.Conn
	faults  faults.Connection
	closed  chan struct{}
	once    sync.Once
	in, out faultLane

	mu     sync.Mutex // of follow
	follow proto.Follower
}

func newFaultConn(conn net.Conn, f faults.Connection) *faultConn {
	c := &faultConn{Conn: conn, faults: f, closed: make(chan struct{})}
	c.in = faultLane{c: c, inward: true, changed: make(chan struct{}, 1), set: conn.SetReadDeadline}
	c.out = faultLane{c: c, changed: make(chan struct{}, 1), set: conn.SetWriteDeadline}
	return c
}

// decide returns what to do with a packet of that size, of which b is the beginning.
func (c *faultConn) decide(inward bool, b []byte, size int) faults.Action {
	c.mu.Lock()
	topic := c.follow.Packet(inward, b)
	client := c.follow.Client()
	c.mu.Unlock()
	return c.faults.Packet(faults.Packet{In: inward, Type: proto.Type(b[0] >> 4), Size: size, Client: client, Topic: topic})
}

// Close closes the connection and ends all delays.
func (c *faultConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	c.flushOut()
	return c.Conn.Close()
}

// CloseWrite closes the writing side if the connection supports that.
func (c *faultConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		c.flushOut()
		return half.CloseWrite()
	}
	return net.ErrClosed
}

// flushOut writes a packet to the client that waits for the next one, unless a write is in progress.
func (c *faultConn) flushOut() {
	if !c.out.busy.TryLock() {
		return
	}
	defer c.out.busy.Unlock()
	if c.out.lane.Held() {
		c.Conn.SetWriteDeadline(time.Now().Add(closeTimeout))
		c.Conn.Write(c.out.lane.Flush(nil))
	}
}

// ConnectionState returns the state of a TLS connection, and the zero value for another one.
func (c *faultConn) ConnectionState() tls.ConnectionState {
	if t, ok := c.Conn.(interface{ ConnectionState() tls.ConnectionState }); ok {
		return t.ConnectionState()
	}
	return tls.ConnectionState{}
}

// SetReadDeadline also limits the delay of packets from the client.
func (c *faultConn) SetReadDeadline(t time.Time) error { return c.in.deadline(t) }

// SetWriteDeadline also limits the delay of packets to the client.
func (c *faultConn) SetWriteDeadline(t time.Time) error { return c.out.deadline(t) }

// SetDeadline sets both deadlines.
func (c *faultConn) SetDeadline(t time.Time) error {
	c.in.deadline(t)
	return c.out.deadline(t)
}

// Read returns bytes of packets that may be forwarded. After a timeout it may be called again.
func (c *faultConn) Read(b []byte) (int, error) {
	l := &c.in
	for {
		err := l.forward()
		if len(l.ready) > 0 {
			n := copy(b, l.ready)
			l.ready = append(l.ready[:0], l.ready[n:]...)
			return n, nil
		}
		if err != nil {
			return 0, err
		}
		n, err := c.Conn.Read(l.room())
		l.came = time.Now()
		l.raw = l.raw[:len(l.raw)+n]
		if n > 0 || l.released(err) {
			continue
		}
		if err != nil {
			return 0, err
		}
	}
}

// Write writes the packets that may be forwarded. The caller waits while they are delayed.
func (c *faultConn) Write(b []byte) (int, error) {
	l := &c.out
	l.busy.Lock()
	defer l.busy.Unlock()
	l.came = time.Now()
	l.raw = append(l.raw, b...)
	err := l.forward()
	if len(l.ready) > 0 {
		_, bad := c.Conn.Write(l.ready)
		l.ready = l.ready[:0]
		if bad != nil {
			return 0, bad
		}
	}
	if err != nil {
		return 0, err
	}
	if l.lane.Held() {
		time.AfterFunc(faults.ReorderWait, c.flushLate) // waits for no longer than a Write
	}
	return len(b), nil
}

// flushLate writes the packet to the client for which no next one has come.
func (c *faultConn) flushLate() {
	c.out.busy.Lock()
	defer c.out.busy.Unlock()
	if c.out.lane.Held() && time.Since(c.out.came) >= faults.ReorderWait {
		c.Conn.Write(c.out.lane.Flush(nil)) // the next Write returns an error, too
	}
}
