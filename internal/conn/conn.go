package conn

import (
	"context"
	"net"
	"sync/atomic"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// Conn is a connection past its CONNACK. All methods but Wake belong to the one
// goroutine that owns it.
type Conn struct {
	cfg    *Config
	nc     net.Conn
	src    preface
	r      *proto.Reader
	v      proto.Version
	sess   *session.Session
	server Server

	head    proto.Head        // of the last message that we published
	out     []byte            // queued, not written yet
	written int               // bytes of out that the stream has already, of its first packet
	backlog []uint16          // to be sent again when the server's Receive Maximum allows
	renewed int               // QoS 2 messages that were published anew: see Renewed
	aliases map[uint16]string // Topic Aliases that we gave

	msg       proto.Publish      // the last message taken
	owed      proto.Ack          // its acknowledgement, Kind 0 for none
	held      []heldAck          // acknowledgements that wait, in the order of receipt; see Defer
	passed    uint64             // how many went through held
	topics    proto.TopicAliases // set by the server
	aliasMax  int                // how many we allow it
	inMax     int                // Receive Maximum that we gave
	inherited int                // exchanges of QoS 2 from before the connection, which its quota does not count [MQTT-4.9.0-1]
	expiry    uint32             // seconds that the server keeps the session after the connection, as of CONNACK

	clock clock
	ctx   context.Context
	undo  func() // ends the watch over ctx
	bell  atomic.Bool

	relief *relief // nil until a write found no room
	err    error
	more   bool // a read went before the write of out already
	begun  bool // the stream before had a part of the first packet of out too
	useful bool // a message came, or one of ours was delivered

	exchange Exchange // of the authentication under way; nil for none
}

// Server returns what the server said when it accepted the connection.
func (c *Conn) Server() *Server { return &c.server }

// Version returns the version that is spoken.
func (c *Conn) Version() proto.Version { return c.v }

// ID returns the client identifier in use.
func (c *Conn) ID() string { return c.sess.ID }

// Renewed tells how many QoS 2 messages had to be published anew because the server
// had lost the session: they may arrive twice [MQTT-3.2.2-5].
func (c *Conn) Renewed() int { return c.renewed }

// Free tells how many messages at QoS 1 and 2 may be published now: the window is
// the smaller of Config.Window and the server's Receive Maximum [MQTT-3.3.4-7].
func (c *Conn) Free() int { return c.sess.Sender.Free() }

// Pending tells how many messages are in flight.
func (c *Conn) Pending() int { return c.sess.Sender.Pending() }

// Ready tells whether Next has an event at hand and will neither read nor write to
// return it. A packet that is no event by itself, such as PUBREL, does not count:
// Next might wait behind it.
func (c *Conn) Ready() bool {
	if len(c.out)+longestAck >= enough {
		return false
	}
	f, ok := c.r.Peek()
	if !ok {
		return false
	}
	switch t := f.Type(); t {
	case proto.PUBLISH:
		return f.First&proto.DupBit == 0 && (f.First>>1&3 != 2 || c.fresh(f)) // a repeat at QoS 2 is none
	case proto.PUBACK, proto.PUBCOMP:
		return len(f.Body) >= 2 && c.sess.Sender.Awaits(t, uint16(f.Body[0])<<8|uint16(f.Body[1])) // a repeat is none
	case proto.SUBACK, proto.UNSUBACK:
		return true
	}
	return false
}

// fresh tells whether a PUBLISH at QoS 2 has an identifier that is not in use.
func (c *Conn) fresh(f proto.Frame) bool {
	var p proto.Publish
	return p.Decode(f, c.v) != nil || !c.sess.Receiver.Has(p.PacketID)
}

// longestAck is the size of the longest acknowledgement that Next may queue.
const longestAck = 5

// Wake makes a Next that waits, or the next one that would, return Idle. It is the
// one method that other goroutines may call.
func (c *Conn) Wake() {
	c.bell.Store(true)
	c.nc.SetReadDeadline(past)
}

// Publish queues p, and keeps it until the server has it for good if its QoS is 1
// or 2; p may be used again. The identifier is chosen here, tag comes back in the
// Delivered event. It never reads. An error means that p was not taken: ErrWindow, a
// *Limit, a *proto.Error and the end of ctx leave the connection as it was, any other is
// its end. What goes wrong with the write that a full queue asks for comes from the
// next call, for p is taken then.
func (c *Conn) Publish(ctx context.Context, p *proto.Publish, tag uint64) error {
	if err := c.room(ctx); err != nil {
		return err
	}
	aliased := len(p.Props) > 0 && p.Props.Has(proto.TopicAlias)
	if aliased {
		if err := c.reassign(ctx, p); err != nil {
			return err
		}
	}
	start := len(c.out)
	if p.QoS > 0 {
		p.Dup = false // it is ours to set [MQTT-3.3.1-1]
	}
	var err error
	switch {
	case !c.head.Matches(p):
		err = c.admit(p)
	case c.server.MaximumPacketSize != 0:
		err = c.within(p.QoS, p.Retain, p.Size(c.v))
	}
	switch {
	case err != nil:
	case aliased:
		err = c.publishAliased(p, tag)
	case p.QoS == 0:
		p.PacketID = 0
		c.out, err = c.head.Append(c.out, 0, p.Payload)
	default:
		var kept []byte
		if kept, err = c.keep(p, tag); err == nil {
			c.out = append(c.out, kept...)
		}
	}
	if err != nil {
		c.out = c.out[:start]
		return err
	}
	c.trace(start)
	if len(c.out) >= enough {
		c.flush(ctx)
	}
	return nil
}

// admit tells why the server is not to get p, whose head is c.head afterwards: its CONNACK
// forbids it, or the standard does. But for the size all of that is the head's matter: one
// that was found good is good for the messages that follow.
func (c *Conn) admit(p *proto.Publish) error {
	if err := c.within(p.QoS, p.Retain, p.Size(c.v)); err != nil {
		return err
	}
	if p.Props.Has(proto.SubscriptionIdentifier) { // [MQTT-3.3.4-6]
		return &proto.Error{Type: proto.PUBLISH, Reason: proto.ProtocolError, What: "subscription-identifier: only a server may send it"}
	}
	return c.head.Set(p, c.v)
}

// room tells why nothing more may be queued: the connection has ended, or a full queue
// could not be written because ctx is over.
func (c *Conn) room(ctx context.Context) error {
	if c.err != nil || len(c.out) < enough {
		return c.err
	}
	return c.flush(ctx)
}

// keep encodes p, whose head is c.head, into the ledger with a new identifier.
func (c *Conn) keep(p *proto.Publish, tag uint64) ([]byte, error) {
	id, kept, ok := c.sess.Sender.Add(p.QoS, tag)
	if !ok {
		return nil, ErrWindow
	}
	p.PacketID = id
	b, err := c.head.Append((*kept)[:0], id, p.Payload)
	if err != nil {
		c.sess.Sender.Cancel(id)
		return nil, err
	}
	*kept = b
	return b, nil
}

// publishAliased sends p with a Topic Alias: the topic goes with it once, and is
// left out afterwards. The ledger keeps the whole topic and no alias, for aliases
// die with the connection [MQTT-3.3.2-7].
func (c *Conn) publishAliased(p *proto.Publish, tag uint64) error {
	alias := int(p.Props.Num(proto.TopicAlias, 0))
	if alias > c.server.TopicAliasMaximum { // [MQTT-3.2.2-17], [MQTT-3.2.2-18]
		return &Limit{Property: proto.TopicAliasMaximum, Max: c.server.TopicAliasMaximum, What: "topic alias " + itoa(alias)}
	}
	short := *p
	known, given := c.aliases[uint16(alias)]
	if given && known == string(p.Topic) {
		short.Topic = nil
	} else if err := proto.CheckTopic(string(p.Topic)); err != nil {
		return err
	}
	var err error
	if p.PacketID = 0; p.QoS > 0 {
		id, kept, ok := c.sess.Sender.Add(p.QoS, tag)
		if !ok {
			return ErrWindow
		}
		p.PacketID, short.PacketID = id, id
		whole := *p
		whole.Props = p.Props.Without(proto.TopicAlias)
		*kept, err = whole.Append((*kept)[:0], c.v)
	}
	if err == nil {
		c.out, err = short.Append(c.out, c.v)
	}
	switch {
	case err != nil:
		c.sess.Sender.Cancel(p.PacketID)
	case short.Topic != nil:
		if c.aliases == nil {
			c.aliases = make(map[uint16]string)
		}
		c.aliases[uint16(alias)] = string(p.Topic)
	}
	return err
}

// reassign writes what is queued before the alias of p is given to another topic: what
// is queued means the one of before, which saveUnsent is still to know if a write fails.
func (c *Conn) reassign(ctx context.Context, p *proto.Publish) error {
	known, given := c.aliases[uint16(p.Props.Num(proto.TopicAlias, 0))]
	if !given || known == string(p.Topic) {
		return nil
	}
	return c.flush(ctx)
}

// within returns a *Limit if the server's CONNACK forbids a message of that QoS that
// is retained or not and takes size bytes.
func (c *Conn) within(qos byte, retain bool, size int) error {
	s := &c.server
	switch {
	case qos > s.MaximumQoS: // [MQTT-3.2.2-11]
		return &Limit{Property: proto.MaximumQoS, Max: int(s.MaximumQoS), What: "QoS " + itoa(int(qos))}
	case retain && !s.RetainAvailable: // [MQTT-3.2.2-14]
		return &Limit{Property: proto.RetainAvailable, Max: 0, What: "retained message"}
	case s.MaximumPacketSize != 0 && size > s.MaximumPacketSize: // [MQTT-3.2.2-15]
		return &Limit{Property: proto.MaximumPacketSize, Max: s.MaximumPacketSize, What: "packet of " + itoa(size) + " bytes"}
	}
	return nil
}

// Send queues a Subscribe, Unsubscribe, Ping or Auth; the answer comes from Next. A
// Subscribe or Unsubscribe gets its identifier here. Errors are as Publish's.
func (c *Conn) Send(ctx context.Context, p proto.Packet) error {
	if err := c.room(ctx); err != nil {
		return err
	}
	var id uint16
	exchange := c.exchange
	switch p := p.(type) {
	case *proto.Subscribe:
		id, _ = c.sess.Sender.Request(expected(proto.SUBACK, len(p.Filters)))
		p.PacketID = id
	case *proto.Unsubscribe:
		id, _ = c.sess.Sender.Request(expected(proto.UNSUBACK, len(p.Filters)))
		p.PacketID = id
	case *proto.Auth:
		if c.cfg.Auth == nil { // [MQTT-4.12.0-7]
			return &proto.Error{Type: proto.AUTH, Reason: proto.ProtocolError, What: "no authentication method was given"}
		}
		if p.Reason == proto.ReAuthenticate && c.exchange == nil && c.v >= proto.V5 {
			x, err := c.cfg.Auth.Begin()
			if err != nil {
				return err
			}
			c.exchange = x // its first data is the caller's
		}
	}
	if err := c.queue(p); err != nil {
		if id != 0 {
			c.sess.Sender.Cancel(id)
		}
		c.exchange = exchange
		return err
	}
	if _, ok := p.(*proto.Ping); ok {
		c.clock.await(time.Now(), true)
	}
	if len(c.out) >= enough {
		c.flush(ctx)
	}
	return nil
}

// expected is a request's tag in the ledger: the packet that answers it, with as
// many reasons as there were filters.
func expected(kind proto.Type, filters int) uint64 { return uint64(kind)<<32 | uint64(filters) }

// queue encodes p behind what is queued.
func (c *Conn) queue(p proto.Packet) error {
	start := len(c.out)
	out, err := p.Append(c.out, c.v)
	if err != nil {
		return err
	}
	if s := &c.server; s.MaximumPacketSize != 0 && len(out)-start > s.MaximumPacketSize { // [MQTT-3.2.2-15]
		return &Limit{Property: proto.MaximumPacketSize, Max: s.MaximumPacketSize,
			What: p.Type().String() + " of " + itoa(len(out)-start) + " bytes"}
	}
	c.out = out
	c.trace(start)
	return nil
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

// traceReceived passes a packet of the server to Config.Trace.
func (c *Conn) traceReceived(f proto.Frame) {
	if c.cfg.Trace != nil {
		c.cfg.Trace(false, f, c.v)
	}
}

var past = time.Unix(1, 0)
