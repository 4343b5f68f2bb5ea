package broker

import (
	"container/list"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"mqtt/internal/proto"
)

// The memory of unfinished packets is counted. When memory runs out, the clients are disconnected
// whose packets have been unfinished longest, and not the client that needs memory last: its packet
// may be complete in a moment.

// unfinished lists the clients that hold memory for their input, in the order in which they began
// to.
type unfinished struct {
	mu          sync.Mutex
	clients     list.List
	endingBytes atomic.Int64 // bytes of clients that are being disconnected
}

// inputMemory is the memory that a client holds for its input.
type inputMemory struct {
	heldSince atomic.Int64 // beginning of its packet, by Broker.moment

	// Guarded by unfinished.mu.
	heldPlace  *list.Element
	heldListed int64 // heldSince at the time of heldPlace
	heldBytes  int64
	evicting   bool // it is being disconnected, and endingBytes includes heldBytes
}

// accountInput counts the memory of a client's unfinished packet and its topic aliases. It returns
// an error if there is no memory and no other client has held some for longer.
func (c *client) accountInput() error {
	held := c.in.Size()
	if held > 0 && (c.finished || c.inputUnits == 0) {
		c.heldSince.Store(c.b.moment(time.Now()))
	}
	c.finished = false
	n := (held + c.aliasIn.Size()) / unit
	if n == c.inputUnits {
		return nil
	}
	grown := n > c.inputUnits
	c.setInputUnits(n)
	if !grown {
		return nil
	}
	if missing := -c.b.available(forTransit, false) - c.b.unfinished.endingBytes.Load(); missing > 0 && !c.b.makeRoom(c, missing) {
		c.b.warn(shortage{memoryLimit, "a packet"})
		return disconnectError(proto.QuotaExceeded, "the server's memory is used up")
	}
	return nil
}

// setInputUnits sets how many units of memory the client holds for its input.
func (c *client) setInputUnits(n int) {
	if n == c.inputUnits {
		return
	}
	more := int64(n-c.inputUnits) * unit
	c.inputUnits = n
	c.b.memory.Add(more)
	c.b.moving.Add(more)

	u := &c.b.unfinished
	u.mu.Lock()
	defer u.mu.Unlock()
	if c.evicting {
		u.endingBytes.Add(more)
	}
	c.heldBytes += more
	switch {
	case c.heldBytes == 0 && c.heldPlace != nil:
		u.clients.Remove(c.heldPlace)
		c.heldPlace = nil
	case c.heldBytes > 0 && c.heldPlace == nil && !c.evicting:
		c.heldListed = c.heldSince.Load()
		c.heldPlace = u.clients.PushBack(c)
	}
}

// makeRoom disconnects the clients whose packets have been unfinished longest, until that frees
// missing bytes. It returns false if c itself would be next before that.
func (b *Broker) makeRoom(c *client, missing int64) bool {
	u := &b.unfinished
	var gone []*client
	u.mu.Lock()
	for missing > 0 {
		front := u.clients.Front()
		if front == nil {
			break
		}
		old := front.Value.(*client)
		if now := old.heldSince.Load(); now != old.heldListed { // it has begun another packet
			old.heldListed = now
			u.clients.MoveToBack(front)
			continue
		}
		if old == c {
			break
		}
		u.clients.Remove(front)
		old.heldPlace, old.evicting = nil, true
		u.endingBytes.Add(old.heldBytes)
		missing -= old.heldBytes
		gone = append(gone, old)
	}
	u.mu.Unlock()
	for _, old := range gone {
		old.evict()
	}
	return missing <= 0
}

// evict ends the connection of a client whose memory others need.
func (c *client) evict() {
	b := c.b
	b.warn(shortage{memoryLimit, "an unfinished packet"})
	b.mu.Lock()
	attached := c.attached
	b.mu.Unlock()
	if attached {
		c.kill(proto.QuotaExceeded, "the server's memory is used up")
		return
	}
	c.evicted.Store(true)
	c.conn.SetReadDeadline(past()) // its reader closes it
}

// Bytes that a connection takes besides those counted elsewhere, about.
const (
	tlsMemory       = 32 << 10 // buffers and keys
	handshakeMemory = 16 << 10 // header of a WebSocket handshake, at most
)

// connMemory returns how many bytes a connection takes besides its packets. opened is true after
// CONNECT, when the handshake is over.
func connMemory(conn net.Conn, opened bool) (n int64) {
	if f, ok := conn.(*faultConn); ok {
		conn = f.Conn
	}
	if w, ok := conn.(interface{ NetConn() net.Conn }); ok {
		if _, ok := conn.(*tls.Conn); !ok {
			if !opened {
				n += handshakeMemory
			}
			conn = w.NetConn()
		}
	}
	if _, ok := conn.(*tls.Conn); ok {
		n += tlsMemory
	}
	return n
}

// accountConn sets how many bytes the connection takes besides its packets.
func (c *client) accountConn(n int64) {
	c.b.memory.Add(n - c.connBytes)
	c.connBytes = n
}
