package broker

import (
	"context"
	"errors"
	"fmt"
	"net"

	"mqtt/internal/proto"
)

// ErrClosed is returned by Serve of a broker that was closed before.
var ErrClosed = errors.New("broker is closed")

// Serve takes connections from l until ctx ends or the broker is closed, which is no
// error, and closes l. It may be called for many listeners. Connections outlive it. An error
// of l is the end: a listener of package transport waits out those that pass.
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

// admit starts a connection. One that is over a limit is told so in answer to its CONNECT; when
// there are many that were not let in, it is just closed.
func (b *Broker) admit(ctx context.Context, conn net.Conn) {
	c := &client{b: b, ctx: ctx, dying: make(chan struct{}), done: make(chan struct{})}
	b.stats.connects.Add(1)
	if b.opt.Fault != nil {
		if c.connFaults = b.opt.Fault.Connection(conn.RemoteAddr()); c.connFaults != nil {
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

// gone is the end of a connection.
func (b *Broker) gone(c *client) {
	c.accountConn(0)
	b.unregister(c)
	b.wg.Done()
}
