package broker

import (
	"context"
	"errors"
	"fmt"
	"net"

	"mqtt/internal/proto"
)

// ErrClosed is the error of Serve on a closed broker.
var ErrClosed = errors.New("broker is closed")

// Serve accepts connections from l until ctx ends or the broker is closed, and returns nil then. It
// closes l. It may be called for several listeners. Connections outlive it. Serve returns any error
// of l: a listener of package transport retries temporary ones itself.
func (b *Broker) Serve(ctx context.Context, l net.Listener) error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return errors.Join(ErrClosed, l.Close())
	}
	b.listeners[l] = struct{}{}
	b.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer func() {
		stop()
		l.Close()
		b.mu.Lock()
		delete(b.listeners, l)
		b.mu.Unlock()
	}()
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			b.admit(context.WithoutCancel(ctx), conn)
		case ctx.Err() != nil || b.isClosed():
			return nil
		default:
			return fmt.Errorf("accept on %s: %w", l.Addr(), err)
		}
	}
}

func (b *Broker) isClosed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}

// admit starts a connection. A connection over a limit is refused with CONNACK. If too many
// connections are waiting for their CONNACK, it is closed at once.
func (b *Broker) admit(ctx context.Context, conn net.Conn) {
	c := &client{b: b, ctx: ctx, dying: make(chan struct{}), done: make(chan struct{})}
	b.stats.connects.Add(1)
	if b.opt.Fault != nil {
		if c.connFaults = b.opt.Fault.Connection(); c.connFaults != nil {
			conn = newFaultConn(conn, c.connFaults)
		}
	}
	c.conn = conn
	c.in = proto.NewReader(conn, 0)
	if !b.register(c) {
		conn.Close()
		return
	}
	c.accountConn(connMemory(conn, false))
	if b.available(forConnection, false) < 0 {
		b.warn(shortage{memoryLimit, "a connection"})
		c.refused = proto.QuotaExceeded
	}
	go c.serve() // ends with the connection; Close waits for it
}

// gone unregisters a connection that has ended.
func (b *Broker) gone(c *client) {
	c.accountConn(0)
	b.unregister(c)
	b.wg.Done()
}
