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
	src    source
	r      *proto.Reader
	v      proto.Version
	sess   *session.Session
	server Server

	out     []byte                // queued, not written yet
	backlog []uint16              // to be sent again when the server's Receive Maximum allows
	renewed int                   // QoS 2 messages that were published anew: see Renewed
	aliases map[uint16]string     // Topic Aliases that we gave
	ids     map[uint16]proto.Type // requests that await their answer

	msg      proto.Publish     // the last message taken
	owed     proto.Ack         // its acknowledgement, Kind 0 for none
	topics   map[uint16][]byte // Topic Aliases that the server gave
	aliasMax int               // how many we allow it
	inMax    int               // Receive Maximum that we gave

	clock clock
	bell  atomic.Bool
	ctx   context.Context
	undo  func() // ends the watch over ctx

	relief *relief
	auth   bool // a re-authentication goes on
	err    error
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
// return it.
func (c *Conn) Ready() bool { return len(c.out) < enough && c.r.Ready() }

// Wake makes a Next that waits, or the next one that would, return Idle. It is the
// one method that other goroutines may call.
func (c *Conn) Wake() {
	c.bell.Store(true)
	c.nc.SetReadDeadline(past)
}

// Publish queues p, and keeps it until the server has it for good if its QoS is 1
// or 2; p may be used again. The identifier is chosen here, tag comes back in the
// Delivered event. It never reads. ErrWindow, a *Limit and a *proto.Error leave the
// connection as it was; any other error is its end.
func (c *Conn) Publish(ctx context.Context, p *proto.Publish, tag uint64) error {
	if c.err != nil {
		return c.err
	}
	if err := c.allowed(p); err != nil {
		return err
	}
	start := len(c.out)
	var err error
	switch {
	case len(p.Props) > 0 && p.Props.Has(proto.TopicAlias):
		err = c.publishAliased(p, tag)
	case p.QoS == 0:
		p.PacketID = 0
		c.out, err = p.Append(c.out, c.v)
	default:
		err = c.keep(p, tag, func(kept []byte) error {
			c.out = append(c.out, kept...)
			return nil
		})
	}
	if err != nil {
		c.out = c.out[:start]
		return err
	}
	c.trace(start)
	if len(c.out) >= enough {
		return c.flush(ctx)
	}
	return nil
}

// keep encodes p with a new identifier into the ledger and hands the bytes to send.
func (c *Conn) keep(p *proto.Publish, tag uint64, send func([]byte) error) error {
	id, kept, ok := c.sess.Sender.Begin(p.QoS, tag)
	if !ok {
		return ErrWindow
	}
	p.PacketID, p.Dup = id, false
	b, err := p.Append((*kept)[:0], c.v)
	if err == nil {
		*kept = b
		err = send(b)
	}
	if err != nil {
		c.sess.Sender.Cancel(id)
	}
	return err
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
	if c.aliases[uint16(alias)] == string(p.Topic) {
		short.Topic = nil
	}
	send := func([]byte) (err error) {
		short.PacketID = p.PacketID
		c.out, err = short.Append(c.out, c.v)
		if err == nil {
			if c.aliases == nil {
				c.aliases = make(map[uint16]string)
			}
			c.aliases[uint16(alias)] = string(p.Topic)
		}
		return err
	}
	if err := proto.CheckTopic(string(p.Topic)); err != nil {
		return err
	}
	if p.QoS == 0 {
		p.PacketID = 0
		return send(nil)
	}
	whole := *p
	whole.Props = p.Props.Without(proto.TopicAlias)
	err := c.keep(&whole, tag, func([]byte) error {
		p.PacketID = whole.PacketID
		return send(nil)
	})
	return err
}

// allowed returns a *Limit if the server's CONNACK forbids p.
func (c *Conn) allowed(p *proto.Publish) error {
	s := &c.server
	if p.QoS > s.MaximumQoS { // [MQTT-3.2.2-11]
		return &Limit{Property: proto.MaximumQoS, Max: int(s.MaximumQoS), What: "QoS " + itoa(int(p.QoS))}
	}
	if p.Retain && !s.RetainAvailable { // [MQTT-3.2.2-14]
		return &Limit{Property: proto.RetainAvailable, Max: 0, What: "retained message"}
	}
	if s.MaximumPacketSize != 0 {
		if n := p.Size(c.v); n > s.MaximumPacketSize { // [MQTT-3.2.2-15]
			return &Limit{Property: proto.MaximumPacketSize, Max: s.MaximumPacketSize, What: "packet of " + itoa(n) + " bytes"}
		}
	}
	return nil
}

// Send queues a Subscribe, Unsubscribe, Ping or Auth; the answer comes from Next. A
// Subscribe or Unsubscribe gets its identifier here. Errors are as Publish's.
func (c *Conn) Send(ctx context.Context, p proto.Packet) error {
	if c.err != nil {
		return c.err
	}
	var id uint16
	switch p := p.(type) {
	case *proto.Subscribe:
		id, _ = c.sess.Sender.Request(0)
		p.PacketID = id
	case *proto.Unsubscribe:
		id, _ = c.sess.Sender.Request(0)
		p.PacketID = id
	case *proto.Ping:
		defer c.clock.asked()
	}
	if err := c.queue(p); err != nil {
		if id != 0 {
			c.sess.Sender.Cancel(id)
		}
		return err
	}
	if len(c.out) >= enough {
		return c.flush(ctx)
	}
	return nil
}

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

// trace tells Config.Trace of the packet queued at c.out[start:].
func (c *Conn) trace(start int) {
	if c.cfg.Trace == nil {
		return
	}
	if f, n, err := proto.Split(c.out[start:], 0); n > 0 && err == nil {
		c.cfg.Trace(true, f, c.v)
	}
}

var past = time.Unix(1, 0)
