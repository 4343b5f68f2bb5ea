package conn

import (
	"context"
	"time"

	"mqtt/internal/proto"
)

// Publish queues p and sets its packet identifier. At QoS 1 and 2 a copy is stored in the session
// until the server has acknowledged it; tag is returned in the Delivered event. The caller may
// reuse p. Publish never reads.
//
// An error means that p was not queued. After ErrWindow, a *Limit, a *proto.Error or the end of ctx
// the connection is as it was before; any other error has ended it. If the queue is full after p
// was added, Publish writes it: an error of this write is returned by the next call.
func (c *Conn) Publish(ctx context.Context, p *proto.Publish, tag uint64) error {
	if err := c.makeRoom(ctx); err != nil {
		return err
	}
	aliased := len(p.Props) > 0 && p.Props.Has(proto.TopicAlias)
	if aliased {
		if err := c.flushAlias(ctx, p); err != nil {
			return err
		}
	}
	start := len(c.out)
	if p.QoS > 0 {
		p.Dup = false // only set when the session resends [MQTT-3.3.1-1]
	}
	var err error
	switch {
	case !c.head.Matches(p):
		err = c.validate(p)
	case c.server.MaximumPacketSize != 0:
		err = c.checkLimits(p.QoS, p.Retain, p.Size(c.v))
	}
	switch {
	case err != nil:
	case aliased:
		err = c.publishAliased(p, tag)
	case p.QoS == 0:
		p.PacketID = 0
		c.out, err = c.head.Append(c.out, 0, p.Payload)
	default:
		var packet []byte
		if packet, err = c.store(p, tag); err == nil {
			c.out = append(c.out, packet...)
		}
	}
	if err != nil {
		c.out = c.out[:start]
		return err
	}
	c.trace(start)
	if len(c.out) >= flushSize {
		c.flush(ctx)
	}
	return nil
}

// validate checks p against the server's limits and the standard, and sets c.head to its head.
// Later messages with the same head need only a check of their size.
func (c *Conn) validate(p *proto.Publish) error {
	if err := c.checkLimits(p.QoS, p.Retain, p.Size(c.v)); err != nil {
		return err
	}
	if p.Props.Has(proto.SubscriptionIdentifier) { // [MQTT-3.3.4-6]
		return &proto.Error{Type: proto.PUBLISH, Reason: proto.ProtocolError, What: "subscription-identifier: only a server may send it"}
	}
	return c.head.Set(p, c.v)
}

// makeRoom writes the queue if it is full. It returns the error that ended the connection, or ctx's
// error if the queue is still full.
func (c *Conn) makeRoom(ctx context.Context) error {
	if c.err != nil || len(c.out) < flushSize {
		return c.err
	}
	return c.flush(ctx)
}

// store encodes p, whose head is c.head, into the session with a new packet identifier.
func (c *Conn) store(p *proto.Publish, tag uint64) ([]byte, error) {
	id, packet, ok := c.sess.Sender.Add(p.QoS, tag)
	if !ok {
		return nil, ErrWindow
	}
	p.PacketID = id
	b, err := c.head.Append((*packet)[:0], id, p.Payload)
	if err != nil {
		c.sess.Sender.Cancel(id)
		return nil, err
	}
	*packet = b
	return b, nil
}

// publishAliased queues p with its Topic Alias. The first packet with an alias carries the topic,
// later ones do not. The session stores the topic without the alias, because an alias ends with the
// connection [MQTT-3.3.2-7].
func (c *Conn) publishAliased(p *proto.Publish, tag uint64) error {
	alias := int(p.Props.Num(proto.TopicAlias, 0))
	if alias > c.server.TopicAliasMaximum { // [MQTT-3.2.2-17], [MQTT-3.2.2-18]
		return &Limit{Property: proto.TopicAliasMaximum, Max: c.server.TopicAliasMaximum, What: "topic alias " + itoa(alias)}
	}
	short := *p
	known, set := c.clientAliases[uint16(alias)]
	if set && known == string(p.Topic) {
		short.Topic = nil
	} else if err := proto.CheckTopic(string(p.Topic)); err != nil {
		return err
	}
	var err error
	if p.PacketID = 0; p.QoS > 0 {
		id, packet, ok := c.sess.Sender.Add(p.QoS, tag)
		if !ok {
			return ErrWindow
		}
		p.PacketID, short.PacketID = id, id
		whole := *p
		whole.Props = p.Props.Without(proto.TopicAlias)
		*packet, err = whole.Append((*packet)[:0], c.v)
	}
	if err == nil {
		c.out, err = short.Append(c.out, c.v)
	}
	switch {
	case err != nil:
		c.sess.Sender.Cancel(p.PacketID)
	case short.Topic != nil:
		if c.clientAliases == nil {
			c.clientAliases = make(map[uint16]string)
		}
		c.clientAliases[uint16(alias)] = string(p.Topic)
	}
	return err
}

// flushAlias writes the queue before the alias of p is set to another topic. Queued packets use the
// old topic, and saveUnsent has to find it if the write fails.
func (c *Conn) flushAlias(ctx context.Context, p *proto.Publish) error {
	known, set := c.clientAliases[uint16(p.Props.Num(proto.TopicAlias, 0))]
	if !set || known == string(p.Topic) {
		return nil
	}
	return c.flush(ctx)
}

// checkLimits returns a *Limit if the server's CONNACK forbids a PUBLISH with that QoS, retain flag
// and size in bytes.
func (c *Conn) checkLimits(qos byte, retain bool, size int) error {
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

// Send queues a Subscribe, Unsubscribe, Ping or Auth. Next returns the answer as an event. Send
// sets the packet identifier of a Subscribe or Unsubscribe. Its errors are those of Publish.
func (c *Conn) Send(ctx context.Context, p proto.Packet) error {
	if p, ok := p.(*proto.Subscribe); ok {
		if err := c.checkSubscribe(p); err != nil {
			return err
		}
	}
	if err := c.makeRoom(ctx); err != nil {
		return err
	}
	var id uint16
	exchange := c.exchange
	switch p := p.(type) {
	case *proto.Subscribe:
		id, _ = c.sess.Sender.Request(requestTag(proto.SUBACK, len(p.Filters)))
		p.PacketID = id
	case *proto.Unsubscribe:
		id, _ = c.sess.Sender.Request(requestTag(proto.UNSUBACK, len(p.Filters)))
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
			c.exchange = x // its first data is replaced by the caller's
		}
	}
	if err := c.queue(p); err != nil {
		if id != 0 {
			c.sess.Sender.Cancel(id)
		}
		c.exchange = exchange
		return err
	}
	switch p.(type) {
	case *proto.Ping:
		c.clock.pinged(time.Now(), true)
	case *proto.Subscribe:
		c.subscribing++
	}
	if len(c.out) >= flushSize {
		c.flush(ctx)
	}
	return nil
}

// requestTag returns the tag of a request in the session: the type of its answer, and the number of
// reason codes in it.
func requestTag(answer proto.Type, filters int) uint64 { return uint64(answer)<<32 | uint64(filters) }

// queue encodes p at the end of the queue.
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
