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

// client is one connection after another of one session. Everything but live and cut
// belongs to its goroutine.
type client struct {
	run     *run
	role    Role
	number  int // among those of its role, with the plan's offset
	cfg     *conn.Config
	began   time.Time // of the last dial; resumes and took are of it too
	resumes bool      // there was a connection before
	took    Phases
	sess    session.Session
	tally   *tally
	group   *group
	slots   chan struct{}             // to be freed when ready; nil with a ramp
	live    atomic.Pointer[conn.Conn] // to be woken
	stream  atomic.Pointer[net.Conn]  // to be closed when nothing else helps
	cut     atomic.Bool               // --churn wants it to connect anew
	away    atomic.Bool               // it is to close in order
	ready   bool                      // told the barrier
	broken  error                     // what ended its connection, until it has another; guarded by the registry
	pub     *publisher
	sub     *subscriber
}

// errCut is a connection that --churn ended.
var errCut = errors.New("cut")

// hold connects and serves until the run dismisses it, the server is lost for good, or
// ctx ends. It tells the barrier once, and the run when it is done.
func (c *client) hold(ctx context.Context) {
	defer c.group.working.Done()
	defer c.tellReady()
	defer c.tellPublished()
	if err := c.configure(); err != nil {
		c.fault(err, false)
		return
	}
	b := c.run.plan.Backoff
	b.Notice = func(err error, _ time.Duration) { c.fault(err, true) }
	for again := true; again && !c.away.Load(); {
		again = false
		err := conn.Hold(ctx, c.cfg, &c.sess, b, func(_ context.Context, k *conn.Conn) (err error) {
			again, err = c.attend(k)
			return err
		})
		if err == nil || c.run.patient.Err() != nil || errors.Is(err, context.Canceled) {
			continue
		}
		c.fault(err, ctx.Err() != nil && conn.Lost(err) && b.Tries != 0) // in the goodbye no other try is needed
	}
}

// attend serves over one connection. again tells that it was cut, and another one is
// wanted at once.
func (c *client) attend(k *conn.Conn) (again bool, err error) {
	c.run.registry.opened(c, time.Since(c.began), k.Version().String())
	c.note(func(n *counts) {
		n.opened++
		if c.resumes {
			n.reopened++
		}
	})
	c.live.Store(k)
	// Not the context of the dial: it would cost each connection memory to watch over
	// it, and its end is not theirs. breakOff ends what does not end itself.
	err = c.serve(context.Background(), k)
	c.live.Store(nil)
	c.run.registry.closed()
	if errors.Is(err, errCut) {
		k.Abort()
		c.note(func(n *counts) { n.cut++ })
		return true, nil
	}
	return false, err
}

// configure makes the client's configuration, which notes how each dial goes.
func (c *client) configure() error {
	if c.cfg != nil {
		return nil
	}
	cfg, err := c.run.plan.Configure(c.role, c.number, &c.took)
	if err != nil {
		return err
	}
	open := cfg.Dial
	// The deep stack of opening a stream ends with a goroutine of its own, which
	// ends when the stream is open or open has failed.
	cfg.Dial = func(ctx context.Context, v proto.Version) (net.Conn, error) {
		type opened struct {
			nc  net.Conn
			err error
		}
		c.began, c.resumes, c.took = time.Now(), c.sess.Established, Phases{}
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

// serve runs the client's part over one connection. nil is its end.
func (c *client) serve(ctx context.Context, k *conn.Conn) error {
	switch c.role {
	case Publisher:
		return c.publish(ctx, k)
	case Subscriber:
		return c.subscribe(ctx, k)
	}
	c.tellReady()
	for {
		if done, err := c.leave(ctx, k); done {
			return err
		}
		if _, err := k.Next(ctx); err != nil {
			return err
		}
	}
}

// leave ends the connection if that is wanted.
func (c *client) leave(ctx context.Context, k *conn.Conn) (done bool, err error) {
	if c.cut.Load() && c.cut.Swap(false) {
		return true, errCut
	}
	if !c.away.Load() {
		return false, nil
	}
	if c.run.plan.Wills {
		k.Abort()
		return true, nil
	}
	if c.pub != nil && c.run.plan.Clear {
		c.clear(ctx, k)
	}
	bye := c.run.plan.Goodbye
	if c.role == Subscriber && c.run.keepSessions.Load() {
		bye = nil // the session is to stay
	}
	err = k.Close(ctx, bye)
	if c.role == Publisher && c.run.plan.QoS == 0 {
		return true, err // what was queued may not have been handed over
	}
	return true, nil
}

// tellReady lets the barrier know that the client is up, or will never be.
func (c *client) tellReady() {
	if !c.ready {
		c.ready = true
		if c.slots != nil {
			<-c.slots
			c.slots = nil
		}
		c.group.arrived.Done()
	}
}

// tellPublished lets the run know that nothing more comes of a publisher.
func (c *client) tellPublished() {
	if u := c.pub; u != nil && !u.told {
		u.told = true
		c.run.publishing.Done()
	}
}

// wake makes the client look at what is wanted of it.
func (c *client) wake() {
	if k := c.live.Load(); k != nil {
		k.Wake()
	}
}

// breakOff ends the connection, whatever its goroutine does.
func (c *client) breakOff() {
	if nc := c.stream.Load(); nc != nil {
		(*nc).Close()
	}
}

func (c *client) note(f func(*counts)) {
	c.tally.mu.Lock()
	f(&c.tally.counts)
	c.tally.mu.Unlock()
}

// fault counts err by its kind. again tells that a new connection may mend it.
func (c *client) fault(err error, again bool) {
	kind := kindOf(err)
	c.note(func(n *counts) {
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
	case !again, c.away.Load() && c.pub != nil && c.run.plan.QoS == 0: // what was queued may be lost
		c.run.registry.stays(err)
	case !c.away.Load():
		c.run.registry.broke(c, err)
	}
}

// kinds are the words for the classes of errors in a result.
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

// PublishError is a message that the server refused.
type PublishError struct{ Reason proto.Reason }

// Error names the reason.
func (e *PublishError) Error() string { return "message refused: " + e.Reason.String() }
