package conn

import (
	"context"
	"net"
	"sync/atomic"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// Conn is a connection whose CONNECT was accepted. All methods except Wake may only be called by
// the goroutine that owns it.
type Conn struct {
	cfg    *Config
	nc     net.Conn
	src    prefixSource
	r      *proto.Reader
	v      proto.Version
	sess   *session.Session
	server Server
	err    error // why the connection ended; returned by all later calls

	// Sending.
	head          proto.Head        // of the last published message
	out           []byte            // queued packets
	written       int               // bytes of out that were written, all of its first packet
	gathered      bool              // gather was called since the last write
	partial       bool              // the previous connection wrote a part of the first packet of out
	backlog       []uint16          // identifiers of packets to resend within the server's Receive Maximum
	renewed       int               // see Renewed
	clientAliases map[uint16]string // Topic Aliases that we set
	relief        *relief           // nil until a write had to wait

	// Receiving.
	msg           proto.Publish      // the last message
	pendingAck    proto.Ack          // acknowledges msg, and is not queued yet; Kind is 0 for none
	unconfirmed   []byte             // acknowledgements that wait for Confirm
	violation     error              // of the server; ends the connection once the owner could call Confirm
	deferred      []deferredAck      // acknowledgements that must wait, in the order of receipt
	deferredDone  uint64             // number of elements that were removed from deferred
	serverAliases proto.TopicAliases // Topic Aliases that the server set
	aliasMax      int                // our Topic Alias Maximum
	receiveMax    int                // our Receive Maximum
	inherited     int                // QoS 2 exchanges of earlier connections, not counted against receiveMax [MQTT-4.9.0-1]
	expiry        uint32             // Session Expiry Interval in force, in seconds
	subscribing   int32              // SUBSCRIBE packets without an answer
	received      bool               // a message of the server was acknowledged
	productive    bool               // a message was received, or one of ours was acknowledged

	exchange  Exchange // the authentication under way; nil for none
	clock     clock
	unacked   int             // bytes that the server had not acknowledged when PINGREQ was sent, or later
	ctx       context.Context // watched, see watch
	stopWatch func()          // nil if ctx is not watched
	woken     atomic.Bool     // Wake was called
}

// past is a deadline that has passed: it ends a blocked read or write.
var past = time.Unix(1, 0)

// Server returns the limits and properties of the server's CONNACK.
func (c *Conn) Server() *Server { return &c.server }

// Version returns the protocol version in use.
func (c *Conn) Version() proto.Version { return c.v }

// ID returns the client identifier in use.
func (c *Conn) ID() string { return c.sess.ID }

// Renewed returns the number of QoS 2 messages that were published again as new messages because
// the server had lost the session. The server may deliver them twice [MQTT-3.2.2-5].
func (c *Conn) Renewed() int { return c.renewed }

// Free returns the number of messages at QoS 1 and 2 that may be published now. The window is the
// smaller of Config.Window and the server's Receive Maximum [MQTT-3.3.4-7].
func (c *Conn) Free() int { return c.sess.Sender.Free() }

// Pending returns the number of messages in flight.
func (c *Conn) Pending() int { return c.sess.Sender.Pending() }

// Ready reports whether Next will return an event without reading or writing. Packets that make no
// event, such as PUBREL, do not count: Next might wait after it has handled them.
func (c *Conn) Ready() bool {
	if len(c.out)+len(c.unconfirmed)+longestAck >= flushSize || c.violation != nil {
		return false
	}
	f, ok := c.r.Peek()
	if !ok {
		return false
	}
	switch t := f.Type(); t {
	case proto.PUBLISH:
		return f.First&proto.DupBit == 0 && (f.First>>1&3 != 2 || c.isNew(f)) // a repeated QoS 2 message makes no event
	case proto.PUBACK, proto.PUBCOMP:
		return len(f.Body) >= 2 && c.sess.Sender.Awaits(t, uint16(f.Body[0])<<8|uint16(f.Body[1])) // nor does a repeated acknowledgement
	case proto.SUBACK, proto.UNSUBACK:
		return true
	}
	return false
}

// isNew reports whether the packet identifier of a PUBLISH at QoS 2 is not in use.
func (c *Conn) isNew(f proto.Frame) bool {
	var p proto.Publish
	return p.Decode(f, c.v) != nil || !c.sess.Receiver.Has(p.PacketID)
}

// longestAck is the size of the longest acknowledgement that Next queues, in bytes.
const longestAck = 5

// Wake makes the current call of Next return Idle if it waits, or else the next call that would
// wait. Any goroutine may call it.
func (c *Conn) Wake() {
	c.woken.Store(true)
	c.nc.SetReadDeadline(past)
}

// trace passes the packet queued at c.out[start:] to Config.Trace.
func (c *Conn) trace(start int) {
	if c.cfg.Trace != nil {
		c.traceQueued(start)
	}
}

func (c *Conn) traceQueued(start int) {
	if f, n, err := proto.Split(c.out[start:], 0); n > 0 && err == nil {
		c.cfg.Trace(true, f, c.v)
	}
}

// traceReceived passes a received packet to Config.Trace.
func (c *Conn) traceReceived(f proto.Frame) {
	if c.cfg.Trace != nil {
		c.cfg.Trace(false, f, c.v)
	}
}

// fail closes the stream for good and returns err. Later calls return the first such error.
func (c *Conn) fail(err error) error {
	if c.err == nil {
		c.err = err
		c.dropDeferred()
		c.saveUnsent()
		c.unwatch()
		c.nc.Close()
		c.r.Close()
		c.out = nil
	}
	return err
}
