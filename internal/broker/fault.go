package broker

import (
	"crypto/tls"
	"net"
	"os"
	"sync"
	"time"

	"mqtt/internal/proto"
)

// Fault decides which connections are to suffer, for the test of clients.
type Fault interface {
	// Connection returns what shall happen to a new connection, nil for nothing.
	Connection(remote net.Addr) ConnFaults
}

// Fate is what shall happen to one connection. Packet is called by two goroutines,
// one for each direction.
type ConnFaults interface {
	// Refuse returns the reason to answer CONNECT with, Success to let it in.
	Refuse() proto.Reason
	// Packet tells what to do with the next packet: one that came from the client if
	// in is true, or one that goes to it.
	Packet(in bool, t proto.Type, size int) Action
}

// Action is what happens to one packet: the delay first, then the rest. The zero
// value lets it pass.
type Action struct {
	Delay     time.Duration // before it, and all that is behind it
	Drop      bool          // it never was
	Duplicate bool          // it comes twice
	Cut       bool          // the connection breaks in the place of it
	Stall     bool          // nothing comes any more in this direction, and nothing breaks
}

// faultConn is a connection that keeps to its Fate. Both directions are cut into
// packets; bytes that cannot be are passed as they are.
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
	raw    []byte // not looked at
	ready  []byte // looked at and not passed on
	action *Action
	due    time.Time // when the held packet may go on

	mu      sync.Mutex
	until   time.Time // the deadline: no delay outlasts it
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

// CloseWrite does so where the connection can.
func (c *faultConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return net.ErrClosed
}

// ConnectionState is that of a TLS connection, the zero value of another one.
func (c *faultConn) ConnectionState() tls.ConnectionState {
	if t, ok := c.Conn.(interface{ ConnectionState() tls.ConnectionState }); ok {
		return t.ConnectionState()
	}
	return tls.ConnectionState{}
}

// SetReadDeadline is also the end of a delay of what comes.
func (c *faultConn) SetReadDeadline(t time.Time) error {
	c.in.deadline(t)
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline is also the end of a delay of what goes.
func (c *faultConn) SetWriteDeadline(t time.Time) error {
	c.out.deadline(t)
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline sets both.
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

// wait returns when the held packet is due, with an error if the deadline or the
// connection's end came first.
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

// pass moves whole packets from l.raw to l.ready, as the Fate has it.
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

// Read returns bytes of packets that may pass. It may time out and go on.
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

// Write sends the packets that may pass. What they wait for, the caller waits for.
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
