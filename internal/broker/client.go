package broker

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	ledger "mqtt/internal/session"

	"mqtt/internal/proto"
)

// client is one connection.
type client struct {
	b    *Broker
	conn net.Conn
	ctx  context.Context // ends with Serve's

	// Set before the session knows of the client, and not changed.
	v         proto.Version
	who       *Identity
	s         *session
	limit     int  // QoS 1 and 2 messages in flight to it
	maxPacket int  // bytes it takes, 0 for any
	aliasMax  int  // topic aliases it takes
	problem   bool // it wants reason strings
	bridge    bool // of 3.1 or 3.1.1: it gets nothing that it published, and retain flags as published

	// Of the goroutine that reads.
	in         *proto.Reader
	keep       time.Duration      // one and a half times the keepalive, 0 if there is none
	last       time.Time          // when the last sign of life came
	partial    time.Time          // since when a packet is unfinished, zero if there is none
	lastLook   bool               // the keepalive is over, and the connection is read a last time
	refused    proto.Reason       // decided when the connection came
	fate       Fate               // its faults, nil for none
	aliasIn    proto.TopicAliases // set by the client
	unacked    int                // QoS 1 and 2 messages it sent and we have not acknowledged
	route      *route             // of the last topic, at the last generation
	allowed    bool               // to publish to it
	exchange   Exchange           // a reauthentication that is under way
	exchangeBy time.Time          // when it must be over
	method     string             // of authentication
	warned     time.Time          // when the log was told of topics that begin with $
	answered   bool               // its CONNECT was refused with a CONNACK
	foreign    bool               // it speaks another protocol
	given      atomic.Bool        // its place among those that were not let in was given to another connection
	holding                       // what it holds for unfinished packets
	finished   bool               // a packet was finished since that was weighed
	burdened   int64              // bytes that are counted for the connection itself
	weight     int                // units of memory that are counted for what it has sent
	credit     time.Duration      // how long it may still be kept waiting while others starve
	creditAt   time.Time
	until      time.Time   // when reading ends after a write has failed
	heard      bool        // something came since until was looked at
	waiting    atomic.Bool // for a slow subscriber: its acknowledgements stay unread

	// Guarded by session.mu.
	out         out
	awake       bool          // a writer runs, or is about to be started
	idle        chan struct{} // closed when the writer ends; made by who waits for that
	closing     bool          // nothing more goes into out
	walking     bool          // a goroutine delivers retained messages
	subscribing bool          // a SUBSCRIBE is not answered yet
	writing     int           // bytes that the writer has in hand
	moved       uint64        // grows whenever the client takes something
	movedAt     int64         // when it did, by Broker.moment
	aliases     map[string]uint16
	aliased     int                   // bytes of aliases
	resend      []ledger.Flight[held] // what a resumed session must send first
	crowd       uint64                // the batch that has it on its list of slow ones
	room        []chan struct{}       // who waits for it to take something
	since       int64                 // when it was crowded and last took something, by Broker.moment; 0 if it is not
	lagging     bool                  // nobody waits for it until it has caught up
	end         *leave                // why it must go, set from outside
	overtaken   bool                  // another connection has taken the session
	fresh       bool                  // and wants a new one

	attached bool          // it has a session; guarded by Broker.mu
	placed   bool          // it has a place, see places.go; likewise
	silent   *list.Element // in Broker.silent, nil once its CONNECT has come; likewise
	opening  *list.Element // in Broker.opening, nil once it was let in; likewise

	dying chan struct{} // closed with end
	stamp atomic.Uint64 // of the credentials with which it came in
	done  chan struct{} // closed when the session is free for another client
}

// leave is why a connection ends. A Reason below 0x80 was said by the client.
type leave struct {
	reason proto.Reason
	text   string
	said   bool // by the client's own DISCONNECT
	err    error

	unwritten bool // a write failed: the client may have said more
}

func (l *leave) Error() string {
	switch {
	case l.reason == lost:
		return l.text // nobody gave a reason
	case l.text == "":
		return l.reason.Name(proto.DISCONNECT)
	}
	return l.reason.Name(proto.DISCONNECT) + ": " + l.text
}

func (l *leave) Unwrap() error { return l.err }

// fault is the error that ends a connection with a DISCONNECT of that reason.
func fault(r proto.Reason, text string) error { return &leave{reason: r, text: text} }

// asLeave turns whatever ended the connection into a reason for a DISCONNECT, nil
// where there is nobody to tell.
func asLeave(err error) *leave {
	var l *leave
	if errors.As(err, &l) {
		return l
	}
	var e *proto.Error
	if errors.As(err, &e) {
		r := e.Reason
		if !r.Allowed(proto.DISCONNECT) {
			r = proto.ProtocolError
		}
		return &leave{reason: r, text: e.Error(), err: e}
	}
	return nil
}

// serve is a connection from its first byte to its last. The broker starts it for
// each one, and Close waits for it. What follows the CONNECT runs in a goroutine of
// its own: the stack that the CONNECT needed is not kept for the connection's life.
func (c *client) serve() {
	err := c.connect()
	if c.s != nil {
		go c.stay(err) // ends with the connection
		return
	}
	c.conn.Close()
	c.logRefusal(err)
	c.in.Close()
	c.count(0)
	c.b.gone(c)
}

// stay serves a client that has a session.
func (c *client) stay(err error) {
	if err == nil {
		err = c.read()
	}
	c.in.Close()
	c.part(err)
	c.b.gone(c)
}

// kill makes the connection end with that reason. It does not wait. It may be called
// from anywhere, with no lock held.
func (c *client) kill(r proto.Reason, text string) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.end == nil {
		c.end = &leave{reason: r, text: text}
		close(c.dying)
		c.conn.SetReadDeadline(past())
	}
}

// overtake ends the connection for another one with its client identifier
// [MQTT-3.1.4-3].
func (c *client) overtake(fresh bool) {
	c.s.mu.Lock()
	c.overtaken, c.fresh = true, fresh
	c.s.mu.Unlock()
	c.kill(proto.SessionTakenOver, "another connection has the same client identifier")
}

// part separates the client from its session, says goodbye and closes.
func (c *client) part(err error) {
	b, s := c.b, c.s
	why := asLeave(err)
	b.vacate(c)
	bt := b.batch(nil)
	s.mu.Lock()
	if c.end != nil && (!c.end.unwritten || why == nil || !why.said) {
		why = c.end // unless the client's own word came before the connection broke
	}
	said := why != nil && why.said
	flush := why != nil && why.reason != lost // there may be somebody to read it
	switch {
	case !flush:
		c.forget()
	case !said && c.five():
		c.goodbye(why)
	}
	c.closing = true
	c.conn.SetWriteDeadline(time.Now().Add(goodbyeTime))
	s.online.Store(false)
	s.left = time.Now()
	ends := s.expiry == 0 || c.fresh
	w := c.legacy(said && why.reason == proto.Success, ends)
	if s.keep {
		b.opt.Store.PutSession(s.record())
	}
	s.received = s.receiver.Size()
	s.sender.Shrink(0)
	s.queue.shrink(0)
	if ends {
		s.over() // with the client: nobody may enter what is about to go
	} else {
		s.wait()
	}
	c.release()
	c.count(0)
	c.writing = 0
	s.client = nil
	s.walking(false)
	s.charge()
	s.mu.Unlock()
	if !ends {
		bt.share(s)
	}
	if w != nil {
		bt.will(w)
	}
	bt.finish()
	if ends {
		b.finish(s)
	}
	close(c.done)
	b.opt.Log.Info("client left", "client", shown(s.id), "user", shown(c.user()), "why", words(err, why))
	c.drain(flush)
}

func words(err error, why *leave) string {
	if why != nil {
		return why.Error()
	}
	return bare(err).Error()
}

// bare is an error of the network without its addresses, which the log has anyway.
func bare(err error) error {
	var op *net.OpError
	if !errors.As(err, &op) {
		return err
	}
	if _, ok := op.Err.(*os.SyscallError); ok { // which names the call again
		return op.Err
	}
	return fmt.Errorf("%s: %w", op.Op, op.Err)
}
