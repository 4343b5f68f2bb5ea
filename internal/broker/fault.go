package broker

import (
	"crypto/tls"
	"net"
	"os"
	"sync"
	"time"

	"mqtt/internal/proto"
)

// Fault decides which connections have faults. It is for testing clients.
type Fault interface {
	// Connection returns the faults of a new connection, nil for none.
	Connection(remote net.Addr) ConnFaults
}

// ConnFaults decides the faults of one connection. Two goroutines call Packet, one for each
// direction.
type ConnFaults interface {
	// Refuse returns the reason code of CONNACK, Success to accept the client.
	Refuse() proto.Reason
	// Packet returns what to do with the next packet. in is true if the client sent it.
	Packet(in bool, t proto.Type, size int) Action
}

// Action is what happens to one packet: first the delay, then the rest. The zero value forwards the
// packet.
type Action struct {
	Delay     time.Duration // of this packet and all that follow it
	Drop      bool          // discard the packet
	Duplicate bool          // forward the packet twice
	Cut       bool          // close the connection instead
	Stall     bool          // forward nothing more in this direction, without closing
}

// faultConn is a connection with faults. It splits both directions into packets. Bytes that are no
// packets are forwarded unchanged.
type faultConn struct {
	net.Conn
	faults  ConnFaults
	closed  chan struct{}
	once    sync.Once
	in, out lane
}

// lane is one direction of a faultConn.
type lane struct {
	inward bool
	raw    []byte // not yet split into packets
	ready  []byte // may be forwarded
	action *Action
	due    time.Time // when the packet of action may be forwarded

	mu      sync.Mutex
	until   time.Time // deadline, which also ends a delay
	changed chan struct{}
}

func newFaultConn(conn net.Conn, fate ConnFaults) *faultConn {
	c := &faultConn{Conn: conn, faults: fate, closed: make(chan struct{})}
	c.in.inward = true
	c.in.changed, c.out.changed = make(chan struct{}, 1), make(chan struct{}, 1)
	return c
}

// Close closes the connection and ends all delays.
func (c *faultConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// CloseWrite closes the writing side if the connection supports that.
func (c *faultConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return net.ErrClosed
}

// ConnectionState returns the state of a TLS connection, and the zero value for another one.
func (c *faultConn) ConnectionState() tls.ConnectionState {
	if t, ok := c.Conn.(interface{ ConnectionState() tls.ConnectionState }); ok {
		return t.ConnectionState()
	}
	return tls.ConnectionState{}
}

// SetReadDeadline also limits the delay of packets from the client.
func (c *faultConn) SetReadDeadline(t time.Time) error {
	c.in.deadline(t)
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline also limits the delay of packets to the client.
func (c *faultConn) SetWriteDeadline(t time.Time) error {
	c.out.deadline(t)
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline sets both deadlines.
func (c *faultConn) SetDeadline(t time.Time) error {
	c.in.deadline(t)
	c.out.deadline(t)
	return c.Conn.SetDeadline(t)
}

func (l *lane) deadline(t time.Time) {
	l.mu.Lock()
	l.until = t
	l.mu.Unlock()
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// wait returns when the packet of action is due, or with an error if the deadline passes or the
// connection is closed first.
func (l *lane) wait(closed <-chan struct{}) error {
	for {
		l.mu.Lock()
		until := l.until
		l.mu.Unlock()
		left := time.Until(l.due)
		if l.action.Stall {
			left = 1 << 62
		}
		if left <= 0 {
			return nil
		}
		if !until.IsZero() {
			rest := time.Until(until)
			if rest <= 0 {
				return os.ErrDeadlineExceeded
			}
			left = min(left, rest)
		}
		t := time.NewTimer(left)
		select {
		case <-t.C:
		case <-l.changed:
		case <-closed:
			t.Stop()
			return net.ErrClosed
		}
		t.Stop()
	}
}

// forward moves whole packets from l.raw to l.ready, as the faults tell.
func (c *faultConn) forward(l *lane) error {
	for {
		f, n, bad := proto.Split(l.raw, 0)
		if bad != nil {
			l.ready = append(l.ready, l.raw...)
			l.raw = nil
			return nil
		}
		if n == 0 {
			return nil
		}
		if l.action == nil {
			a := c.faults.Packet(l.inward, f.Type(), f.Size())
			l.action, l.due = &a, time.Now().Add(a.Delay)
		}
		if err := l.wait(c.closed); err != nil {
			return err
		}
		a := l.action
		l.action = nil
		switch {
		case a.Cut:
			c.Close()
			return net.ErrClosed
		case a.Drop:
		case a.Duplicate:
			l.ready = append(append(l.ready, l.raw[:n]...), l.raw[:n]...)
		default:
			l.ready = append(l.ready, l.raw[:n]...)
		}
		l.raw = l.raw[n:]
	}
}

// Read returns bytes of packets that may be forwarded. After a timeout it may be called again.
func (c *faultConn) Read(b []byte) (int, error) {
	l := &c.in
	for {
		err := c.forward(l)
		if len(l.ready) > 0 {
			n := copy(b, l.ready)
			l.ready = append(l.ready[:0], l.ready[n:]...)
			return n, nil
		}
		if err != nil {
			return 0, err
		}
		var space [4096]byte
		n, err := c.Conn.Read(space[:])
		l.raw = append(append([]byte(nil), l.raw...), space[:n]...)
		if n == 0 && err != nil {
			return 0, err
		}
	}
}

// Write writes the packets that may be forwarded. The caller waits while they are delayed.
func (c *faultConn) Write(b []byte) (int, error) {
	l := &c.out
	l.raw = append(append([]byte(nil), l.raw...), b...)
	err := c.forward(l)
	if len(l.ready) > 0 {
		if _, err := c.Conn.Write(l.ready); err != nil {
			return 0, err
		}
		l.ready = l.ready[:0]
	}
	if err != nil {
		return 0, err
	}
	return len(b), nil
}
