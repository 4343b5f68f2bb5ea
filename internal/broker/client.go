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

// client is one connection. Its state is in parts by who may use it.
type client struct {
	b    *Broker
	conn net.Conn
	ctx  context.Context // ends with Serve's

	terms       // set before the session knows of the client, and not changed
	inbound     // of the goroutine that reads
	admission   // likewise
	publisher   // likewise
	inputMemory // what it holds for unfinished packets
	outbound    // guarded by session.mu
	pace        // likewise
	ending      // likewise
	listing     // guarded by Broker.mu

	dying chan struct{} // closed with end
	stamp atomic.Uint64 // of the credentials with which it came in
	done  chan struct{} // closed when the session is free for another client
}

// leave is why a connection ends. A Reason below 0x80 was said by the client.
type closeReason struct {
	reason     proto.Reason
	text       string
	fromClient bool // by the client's own DISCONNECT
	err        error

	unwritten bool // a write failed: the client may have said more
}

func (l *closeReason) Error() string {
	switch {
	case l.reason == lost:
		return l.text // nobody gave a reason
	case l.text == "":
		return l.reason.Name(proto.DISCONNECT)
	}
	return l.reason.Name(proto.DISCONNECT) + ": " + l.text
}

func (l *closeReason) Unwrap() error { return l.err }

// fault is the error that ends a connection with a DISCONNECT of that reason.
func disconnectError(r proto.Reason, text string) error { return &closeReason{reason: r, text: text} }

// asLeave turns whatever ended the connection into a reason for a DISCONNECT, nil
// where there is nobody to tell.
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

// serve is a connection from its first byte to its last. The broker starts it for
// each one, and Close waits for it. What follows the CONNECT runs in a goroutine of
// its own: the stack that the CONNECT needed is not kept for the connection's life.
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

// stay serves a client that has a session.
func (c *client) serveSession(err error) {
	if err == nil {
		err = c.read()
	}
	c.in.Close()
	c.detach(err)
	c.b.gone(c)
}

// kill makes the connection end with that reason. It does not wait. It may be called
// from anywhere, with no lock held.
func (c *client) kill(r proto.Reason, text string) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.end == nil {
		c.end = &closeReason{reason: r, text: text}
		close(c.dying)
		c.conn.SetReadDeadline(past())
	}
}

// overtake ends the connection for another one with its client identifier
// [MQTT-3.1.4-3].
func (c *client) takeOver(fresh bool) {
	c.s.mu.Lock()
	c.takenOver, c.takenClean = true, fresh
	c.s.mu.Unlock()
	c.kill(proto.SessionTakenOver, "another connection has the same client identifier")
}

// part separates the client from its session, says goodbye and closes.
func (c *client) detach(err error) {
	b, s := c.b, c.s
	why := asCloseReason(err)
	b.unregister(c)
	bt := b.batch(nil)
	s.mu.Lock()
	if c.end != nil && (!c.end.unwritten || why == nil || !why.fromClient) {
		why = c.end // unless the client's own word came before the connection broke
	}
	said := why != nil && why.fromClient
	flush := why != nil && why.reason != lost // there may be somebody to read it
	switch {
	case !flush:
		c.discardOutput()
	case !said && c.v5():
		c.appendDisconnect(why)
	}
	c.closing = true
	c.conn.SetWriteDeadline(time.Now().Add(closeTimeout))
	s.online.Store(false)
	s.left = time.Now()
	ends := s.expiry == 0 || c.takenClean
	w := c.willOnDetach(said && why.reason == proto.Success, ends)
	if s.durable {
		b.opt.Store.PutSession(s.record())
	}
	s.received = s.receiver.Size()
	s.sender.Shrink(0)
	s.queue.shrink(0)
	if ends {
		s.markEnded() // with the client: nobody may enter what is about to go
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
	b.opt.Log.Info("client left", "client", escaped(s.id), "user", escaped(c.user()), "why", reasonText(err, why))
	c.drain(flush)
}

func reasonText(err error, why *closeReason) string {
	if why != nil {
		return why.Error()
	}
	return withoutAddress(err).Error()
}

// bare is an error of the network without its addresses, which the log has anyway.
func withoutAddress(err error) error {
	var op *net.OpError
	if !errors.As(err, &op) {
		return err
	}
	if _, ok := op.Err.(*os.SyscallError); ok { // which names the call again
		return op.Err
	}
	return fmt.Errorf("%s: %w", op.Op, op.Err)
}
