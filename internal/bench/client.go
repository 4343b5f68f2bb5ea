package bench

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"mqtt/internal/conn"
	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// client is a session with one connection after another. Its goroutine owns all fields
// except the atomic ones and broken.
type client struct {
	run     *run
	role    Role
	number  int // among the clients of its role, including the plan's offset
	tally   *tally
	group   *group
	cfg     *conn.Config
	session session.Session
	pub     *publisher
	sub     *subscriber

	dialed     time.Time     // start of the last dial; the next two are of this dial, too
	reconnects bool          // there was a connection before
	phases     Phases        // of the dial
	slots      chan struct{} // to be received from when ready; nil with a ramp
	ready      bool          // the group knows that the client is ready
	leftAt     int64         // when its last connection ended
	ended      bool          // it ended its session at the server

	conn    atomic.Pointer[conn.Conn] // current connection; others may only Wake it
	stream  atomic.Pointer[net.Conn]  // its stream, which others close to stop a blocked client
	cut     atomic.Bool               // --churn requests that it cuts its connection and connects again
	leaving atomic.Bool               // it must disconnect
	broken  error                     // why it lost its connection, until it has another; guarded by the registry
}

// errCut is the error of a connection that --churn cut.
var errCut = errors.New("cut")

// keepConnected connects, and serves the connections, until the client is told to leave,
// the server is lost permanently, or ctx ends. It signals once that the client is ready, and
// once that it has published all.
func (c *client) keepConnected(ctx context.Context) {
	defer c.group.working.Done()
	defer c.signalReady()
	defer c.signalPublished()
	if err := c.configure(); err != nil {
		c.recordError(err, false)
		return
	}
	b := c.run.plan.Backoff
	b.Notice = func(err error, _ time.Duration) { c.recordError(err, true) }
	for again := true; again && !c.leaving.Load(); {
		again = false
		err := conn.Hold(ctx, c.cfg, &c.session, b, func(_ context.Context, k *conn.Conn) (err error) {
			again, err = c.serveConn(k)
			return err
		})
		if err == nil || c.run.closeCtx.Err() != nil || errors.Is(err, context.Canceled) {
			continue
		}
		c.recordError(err, ctx.Err() != nil && conn.Lost(err) && b.Tries != 0) // while the run ends, no other try is necessary
	}
}

// serveConn serves one connection. again reports that --churn cut it, so that the client
// must connect again at once.
func (c *client) serveConn(k *conn.Conn) (again bool, err error) {
	c.run.registry.opened(c, time.Since(c.dialed), k.Version().String())
	c.update(func(n *counts) {
		n.opened++
		if c.reconnects {
			n.reconnected++
		}
	})
	c.sessionAfterConnect(k)
	c.conn.Store(k)
	// The context of the dial would use memory for each connection that watches it, and its
	// end must not end connections. closeStream ends those that do not end by themselves.
	err = c.serve(context.Background(), k)
	c.conn.Store(nil)
	c.leftAt = c.run.now()
	c.run.registry.closed()
	if errors.Is(err, errCut) {
		k.Abort()
		c.update(func(n *counts) { n.cut++ })
		return true, nil
	}
	return false, err
}

// configure makes the configuration of the client, which records the phases of each dial.
func (c *client) configure() error {
	if c.cfg != nil {
		return nil
	}
	cfg, err := c.run.plan.Configure(c.role, c.number, &c.phases)
	if err != nil {
		return err
	}
	open := cfg.Dial
	// Opening a stream needs a deep stack. A goroutine that ends when the stream is open, or
	// has failed to open, keeps it from growing the stack of the client.
	cfg.Dial = func(ctx context.Context, v proto.Version) (net.Conn, error) {
		type opened struct {
			nc  net.Conn
			err error
		}
		c.dialed, c.reconnects, c.phases = time.Now(), c.session.Established, Phases{}
		ch := make(chan opened, 1)
		go func() {
			nc, err := open(ctx, v)
			ch <- opened{nc, err}
		}()
		o := <-ch
		if o.err != nil {
			return nil, o.err
		}
		nc := o.nc
		c.stream.Store(&nc)
		return nc, nil
	}
	c.cfg = cfg
	return nil
}

// serve does the work of the client's role on one connection. It returns nil when the client
// has disconnected.
func (c *client) serve(ctx context.Context, k *conn.Conn) error {
	switch c.role {
	case Publisher:
		return c.publish(ctx, k)
	case Subscriber:
		return c.subscribe(ctx, k)
	}
	c.signalReady()
	for {
		if done, err := c.leave(ctx, k); done {
			return err
		}
		if _, err := k.Next(ctx); err != nil {
			return err
		}
	}
}

// leave ends the connection if the client must disconnect or cut it.
func (c *client) leave(ctx context.Context, k *conn.Conn) (done bool, err error) {
	if c.cut.Load() && c.cut.Swap(false) {
		return true, errCut
	}
	if !c.leaving.Load() {
		return false, nil
	}
	if c.run.plan.Wills {
		k.Abort()
		return true, nil
	}
	if c.pub != nil && c.run.plan.Clear {
		c.clear(ctx, k)
	}
	bye := c.run.plan.Disconnect
	keep := c.role == Subscriber && c.run.keepSessions.Load()
	if keep {
		bye = nil // the server must keep the session
	}
	err = k.Close(ctx, bye)
	c.ended = err == nil && !keep
	if c.role == Publisher && c.run.plan.QoS == 0 {
		return true, err // queued messages may be lost
	}
	return true, nil
}

// signalReady signals the group, once, that the client is connected or never will be.
func (c *client) signalReady() {
	if !c.ready {
		c.ready = true
		if c.slots != nil {
			<-c.slots
			c.slots = nil
		}
		c.group.arrived.Done()
	}
}

// signalPublished signals the run, once, that a publisher sends nothing more.
func (c *client) signalPublished() {
	if u := c.pub; u != nil && !u.reported {
		u.reported = true
		c.run.publishing.Done()
	}
}

// wake makes the client check its flags.
func (c *client) wake() {
	if k := c.conn.Load(); k != nil {
		k.Wake()
	}
}

// closeStream ends the connection, even if the client is blocked in a write.
func (c *client) closeStream() {
	if nc := c.stream.Load(); nc != nil {
		(*nc).Close()
	}
}

// update changes the counts of the client.
func (c *client) update(f func(*counts)) {
	c.tally.mu.Lock()
	f(&c.tally.counts)
	c.tally.mu.Unlock()
}

// recordError counts err by its kind. again says that the client will try to recover from it
// with a new connection.
func (c *client) recordError(err error, again bool) {
	kind := kindOf(err)
	c.update(func(n *counts) {
		n.errors++
		switch kind {
		case "lost", "violation", "disconnected":
			n.lost++
		case "open", "refused", "descriptors", "ports", "timeout":
			n.failed++
		}
	})
	c.run.registry.failed(kind, err)
	switch {
	case !again, c.leaving.Load() && c.pub != nil && c.run.plan.QoS == 0: // queued messages may be lost
		c.run.registry.setPermanent(err)
	case !c.leaving.Load():
		c.run.registry.setBroken(c, err)
	}
}

// kinds has the words for the classes of errors in a result.
var kinds = [...]string{
	conn.ClassNone:         "other",
	conn.ClassOther:        "other",
	conn.ClassCanceled:     "other",
	conn.ClassDeadline:     "timeout",
	conn.ClassTimeout:      "timeout",
	conn.ClassOpen:         "open",
	conn.ClassResolve:      "open",
	conn.ClassConnect:      "open",
	conn.ClassProxy:        "open",
	conn.ClassTLS:          "open",
	conn.ClassCertificate:  "open",
	conn.ClassWebSocket:    "open",
	conn.ClassHungUp:       "open",
	conn.ClassSilent:       "open",
	conn.ClassForeign:      "open",
	conn.ClassRefused:      "refused",
	conn.ClassDisconnected: "disconnected",
	conn.ClassLost:         "lost",
	conn.ClassReconnect:    "open",
	conn.ClassProtocol:     "violation",
	conn.ClassSubscribe:    "subscribe",
	conn.ClassLimit:        "publish",
	conn.ClassInvalid:      "publish",
}

// kindOf returns the word for err in a result.
func kindOf(err error) string {
	var gone *conn.ReconnectError
	var refused *PublishError
	switch {
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "descriptors"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "ports"
	case errors.As(err, &refused):
		return "publish"
	case errors.As(err, &gone):
		err = gone.Err // why the last try failed
	}
	return kinds[conn.Class(err)]
}

// PublishError says that the server refused a message.
type PublishError struct{ Reason proto.Reason }

// Error returns the reason.
func (e *PublishError) Error() string { return "message refused: " + e.Reason.String() }
