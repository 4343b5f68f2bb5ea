package broker

import (
	"net"
	"sync"
	"time"

	"mqtt/internal/proto"
)

// Fault decides which connections are to suffer, for the test of clients.
type Fault interface {
	// Connection returns what shall happen to a new connection, nil for nothing.
	Connection(remote net.Addr) Fate
}

// Fate is what shall happen to one connection. Packet is called by two goroutines,
// one for each direction.
type Fate interface {
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
	fate   Fate
	closed chan struct{}
	once   sync.Once

	raw, ready []byte // read and not looked at; looked at and not taken
	part       []byte // written and not a whole packet yet
}

func newFaultConn(conn net.Conn, fate Fate) *faultConn {
	return &faultConn{Conn: conn, fate: fate, closed: make(chan struct{})}
}

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

// apply does what the Fate has for a packet and tells how often it passes. ok is
// false if the connection is over.
func (c *faultConn) apply(in bool, f proto.Frame) (times int, ok bool) {
	a := c.fate.Packet(in, f.Type(), f.Size())
	if a.Delay > 0 {
		t := time.NewTimer(a.Delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-c.closed:
			return 0, false
		}
	}
	switch {
	case a.Stall:
		<-c.closed
		return 0, false
	case a.Cut:
		c.Close()
		return 0, false
	case a.Drop:
		return 0, true
	case a.Duplicate:
		return 2, true
	}
	return 1, true
}

// pass moves whole packets from raw to the end of ready.
func (c *faultConn) pass(in bool, raw, ready []byte) (rest, out []byte, err error) {
	for {
		f, n, bad := proto.Split(raw, 0)
		if bad != nil {
			return nil, append(ready, raw...), nil
		}
		if n == 0 {
			return raw, ready, nil
		}
		times, ok := c.apply(in, f)
		if !ok {
			return nil, ready, net.ErrClosed
		}
		for range times {
			ready = append(ready, raw[:n]...)
		}
		raw = raw[n:]
	}
}

// Read returns bytes of packets that may pass.
func (c *faultConn) Read(b []byte) (int, error) {
	for len(c.ready) == 0 {
		var space [4096]byte
		n, err := c.Conn.Read(space[:])
		if n > 0 {
			raw := append(c.raw, space[:n]...)
			var rest []byte
			var over error
			rest, c.ready, over = c.pass(true, raw, c.ready[:0])
			c.raw = append([]byte(nil), rest...)
			if over != nil && len(c.ready) == 0 {
				return 0, over
			}
			continue
		}
		if err != nil {
			return 0, err
		}
	}
	n := copy(b, c.ready)
	c.ready = c.ready[n:]
	return n, nil
}

// Write sends the packets that may pass.
func (c *faultConn) Write(b []byte) (int, error) {
	rest, ready, over := c.pass(false, append(c.part, b...), nil)
	c.part = append([]byte(nil), rest...)
	if len(ready) > 0 {
		if _, err := c.Conn.Write(ready); err != nil {
			return 0, err
		}
	}
	if over != nil {
		return 0, over
	}
	return len(b), nil
}
