package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"mqtt/internal/proto"
)

// client is one connection. Its state is grouped by the goroutines or locks that own it.
type client struct {
	b    *Broker
	conn net.Conn
	ctx  context.Context // ends with the context of Serve

	terms       // set before the session refers to the client; not changed after that
	inbound     // owned by the reading goroutine
	admission   // owned by the reading goroutine
	publisher   // owned by the reading goroutine
	inputMemory // memory for unfinished packets
	outbound    // guarded by session.mu
	pace        // guarded by session.mu
	ending      // guarded by session.mu
	listing     // guarded by Broker.mu

	dying chan struct{} // closed when end is set
	stamp atomic.Uint64 // of the credentials that were checked
	done  chan struct{} // closed when the session is free for another client
}

// closeReason is the reason why a connection ends. The client gave a reason below 0x80 itself.
type closeReason struct {
	reason     proto.Reason
	text       string
	fromClient bool // given by the client's own DISCONNECT
	err        error

	unwritten bool // a write failed: the client may have sent more packets
}

func (l *closeReason) Error() string {
	switch {
	case l.reason == lost:
		return l.text // a broken connection has no reason code
	case l.text == "":
		return l.reason.Name(proto.DISCONNECT)
	}
	return l.reason.Name(proto.DISCONNECT) + ": " + l.text
}

func (l *closeReason) Unwrap() error { return l.err }

// disconnectError returns an error that ends a connection with DISCONNECT and reason code r.
func disconnectError(r proto.Reason, text string) error { return &closeReason{reason: r, text: text} }

// asCloseReason converts an error to the reason code of a DISCONNECT. It returns nil if no
// DISCONNECT can be sent.
func asCloseReason(err error) *closeReason {
	var l *closeReason
	if errors.As(err, &l) {
		return l
	}
	var e *proto.Error
	if errors.As(err, &e) {
		r := e.Reason
		if !r.Allowed(proto.DISCONNECT) {
			r = proto.ProtocolError
		}
		return &closeReason{reason: r, text: e.Error(), err: e}
	}
	return nil
}

// serve handles a connection from its first byte to its last. The broker starts it once a
// connection, and Close waits for it. After CONNECT a new goroutine continues, so that the stack
// that CONNECT needed is not kept for the life of the connection.
func (c *client) serve() {
	err := c.connect()
	if c.s != nil {
		go c.serveSession(err) // ends with the connection
		return
	}
	c.conn.Close()
	c.logRefusal(err)
	c.in.Close()
	c.setInputUnits(0)
	c.b.gone(c)
}

// serveSession serves a client that has a session.
func (c *client) serveSession(err error) {
	if err == nil {
		err = c.read()
	}
	c.in.Close()
	c.detach(err)
	c.b.gone(c)
}

// kill ends the connection with that reason. It does not wait. Any goroutine may call it, with no
// lock held.
func (c *client) kill(r proto.Reason, text string) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.end == nil {
		c.end = &closeReason{reason: r, text: text}
		close(c.dying)
		c.conn.SetReadDeadline(past())
	}
}

// takeOver ends the connection because another one has the same client identifier [MQTT-3.1.4-3].
func (c *client) takeOver(fresh bool) {
	c.s.mu.Lock()
	c.takenOver, c.takenClean = true, fresh
	c.s.mu.Unlock()
	c.kill(proto.SessionTakenOver, "another connection has the same client identifier")
}

// detach separates the client from its session, sends DISCONNECT where it may, and closes the
// connection.
func (c *client) detach(err error) {
	b, s := c.b, c.s
	why := asCloseReason(err)
	b.unregister(c)
	bt := b.batch(nil)
	s.mu.Lock()
	if c.end != nil && (!c.end.unwritten || why == nil || !why.fromClient) {
		why = c.end // unless the client sent its own DISCONNECT before the connection broke
	}
	byClient := why != nil && why.fromClient
	flush := why != nil && why.reason != lost // the client may still be reading
	switch {
	case !flush:
		c.discardOutput()
	case !byClient && c.v5():
		c.appendDisconnect(why)
	}
	c.closing = true
	c.conn.SetWriteDeadline(time.Now().Add(closeTimeout))
	s.online.Store(false)
	s.left = time.Now()
	ends := s.expiry == 0 || c.takenClean
	w := c.willOnDetach(byClient && why.reason == proto.Success, ends)
	if s.durable {
		b.opt.Store.PutSession(s.record())
	}
	s.received = s.receiver.Size()
	s.sender.Shrink(0)
	s.queue.shrink(0)
	if ends {
		s.markEnded() // before s.client is nil: no client may enter a session that is about to end
	} else {
		s.startExpiry()
	}
	c.releaseWaiters()
	c.setInputUnits(0)
	c.writing = 0
	s.client = nil
	s.countWalks(false)
	s.noteAway()
	s.charge()
	s.mu.Unlock()
	if !ends {
		bt.redistribute(s)
	}
	if w != nil {
		bt.will(w)
	}
	bt.finish()
	if ends {
		b.endSession(s)
	}
	close(c.done)
	b.opt.Log.Info("client disconnected", "client", escaped(s.id), "user", escaped(c.user()), "why", reasonText(err, why))
	c.drain(flush)
}

func reasonText(err error, why *closeReason) string {
	if why != nil {
		return why.Error()
	}
	return withoutAddress(err).Error()
}

// withoutAddress returns a network error without its addresses, because the log line has them
// already.
func withoutAddress(err error) error {
	var op *net.OpError
	if !errors.As(err, &op) {
		return err
	}
	if _, ok := op.Err.(*os.SyscallError); ok { // repeats the name of the call
		return op.Err
	}
	return fmt.Errorf("%s: %w", op.Op, op.Err)
}
