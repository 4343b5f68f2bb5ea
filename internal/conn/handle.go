package conn

import (
	"context"
	"slices"
	"strconv"

	"mqtt/internal/proto"
)

// handle handles a packet of the server, except PUBLISH. It returns an Idle event if the owner has
// nothing to learn.
func (c *Conn) handle(f proto.Frame) (Event, error) {
	switch f.Type() {
	case proto.PUBACK, proto.PUBREC, proto.PUBCOMP:
		return c.handleAck(f)
	case proto.PUBREL:
		a := proto.Ack{Kind: proto.PUBREL}
		if err := a.Decode(f, c.v); err != nil {
			return Event{}, c.protocolError(err)
		}
		known := c.sess.Receiver.Release(a.PacketID)
		return Event{}, c.queueAck(proto.PUBCOMP, a.PacketID, known) // [MQTT-4.3.3-11]
	case proto.SUBACK, proto.UNSUBACK:
		p := new(proto.Suback)
		if err := p.Decode(f, c.v); err != nil {
			return Event{}, c.protocolError(err)
		}
		if err := c.matchRequest(p); err != nil {
			return Event{}, c.protocolError(err)
		}
		return Event{Kind: Answer, Answer: p}, nil
	case proto.PINGRESP:
		var p proto.Ping
		if err := p.Decode(f, c.v); err != nil {
			return Event{}, c.protocolError(err)
		}
		return c.clock.pong(), nil
	case proto.DISCONNECT:
		var p proto.Disconnect
		err := p.Decode(f, c.v)
		if err == nil && c.v < proto.V5 {
			err = &proto.Error{Type: proto.DISCONNECT, Reason: proto.ProtocolError, What: "only a client may send it before version 5"}
		}
		if err != nil {
			return Event{}, c.protocolError(err)
		}
		c.writeAcks()
		return Event{}, c.fail(&Disconnected{Reason: p.Reason, Props: append(proto.Props(nil), p.Props...)})
	case proto.AUTH:
		return c.handleAuth(f)
	}
	return Event{}, c.protocolError(&proto.Error{Type: f.Type(), Reason: proto.ProtocolError, What: "a server must not send it now"})
}

// matchRequest ends the request that p answers, and returns an error if p does not fit it.
func (c *Conn) matchRequest(p *proto.Suback) error {
	step, err := c.sess.Sender.Acknowledge(p.Kind, p.PacketID, proto.Success)
	if err != nil {
		return err
	}
	violation := func(what string) error {
		return &proto.Error{Type: p.Kind, Reason: proto.ProtocolError, What: what}
	}
	switch filters := int(uint32(step.Tag)); {
	case !step.Known:
		return violation("answers no request")
	case proto.Type(step.Tag>>32) != p.Kind:
		return violation("answers a request of another kind")
	case len(p.Reasons) != filters && (c.v >= proto.V5 || p.Kind == proto.SUBACK):
		return violation(itoa(len(p.Reasons)) + " reasons for " + itoa(filters) + " filters")
	}
	if p.Kind == proto.SUBACK {
		c.subscribing--
	}
	return nil
}

// handlePublish decodes a message into c.msg. Its acknowledgement is pending until the owner calls
// Next again. fresh is false if the owner has the message already.
func (c *Conn) handlePublish(f proto.Frame) (fresh bool, err error) {
	p := &c.msg
	if err := p.Decode(f, c.v); err != nil {
		return false, c.protocolError(err)
	}
	if len(p.Props) > 0 && p.Props.Has(proto.TopicAlias) {
		topic, err := c.serverAliases.Resolve(int(p.Props.Num(proto.TopicAlias, 0)), c.aliasMax, p.Topic)
		if err != nil {
			return false, c.protocolError(err)
		}
		p.Topic = topic
	}
	c.productive = true
	switch p.QoS {
	case 1:
		c.pendingAck = proto.Ack{Kind: proto.PUBACK, PacketID: p.PacketID}
	case 2:
		if !c.sess.Receiver.Accept(p.PacketID) {
			if c.isDeferred(p.PacketID) {
				return false, nil // its PUBREC follows
			}
			return false, c.queueInOrder(proto.Ack{Kind: proto.PUBREC, PacketID: p.PacketID}) // a redelivery [MQTT-4.3.3-10]
		}
		if c.sess.Receiver.Len() > c.receiveMax+c.inherited {
			c.sess.Receiver.Release(p.PacketID) // the owner does not get it
			return false, c.protocolError(&proto.Error{Type: proto.PUBLISH, Reason: proto.ReceiveMaximumExceeded,
				What: "more messages in flight than our Receive Maximum of " + itoa(c.receiveMax)})
		}
		c.pendingAck = proto.Ack{Kind: proto.PUBREC, PacketID: p.PacketID}
	}
	return true, nil
}

// Refuse makes the acknowledgement of the last Message carry r, an error, if version and QoS allow
// it. It is called before the next call of Next.
func (c *Conn) Refuse(r proto.Reason) {
	if c.pendingAck.Kind == 0 || c.v < proto.V5 {
		return
	}
	if !r.Allowed(c.pendingAck.Kind) {
		r = proto.UnspecifiedError
	}
	c.pendingAck.Reason = r
}

// acknowledge queues the acknowledgement of the last Message [MQTT-3.3.4-1].
func (c *Conn) acknowledge(ctx context.Context) error {
	a := c.pendingAck
	c.pendingAck.Kind = 0
	if err := c.queueInOrder(a); err != nil {
		return err
	}
	if len(c.out) >= flushSize {
		return c.flush(ctx)
	}
	return nil
}

// queueAck queues an acknowledgement that does not depend on the owner. In version 5 it tells the
// server if the packet identifier is unknown [MQTT-3.6.2-1], [MQTT-3.7.2-1].
func (c *Conn) queueAck(kind proto.Type, id uint16, known bool) error {
	a := proto.Ack{Kind: kind, PacketID: id}
	if !known && c.v >= proto.V5 {
		a.Reason = proto.PacketIdentifierNotFound
	}
	return c.appendAck(a)
}

// handleAck handles the acknowledgement of a message that we sent.
func (c *Conn) handleAck(f proto.Frame) (Event, error) {
	a := proto.Ack{Kind: f.Type()}
	if err := a.Decode(f, c.v); err != nil {
		return Event{}, c.protocolError(err)
	}
	step, err := c.sess.Sender.Acknowledge(a.Kind, a.PacketID, a.Reason)
	if err != nil {
		return Event{}, c.protocolError(err)
	}
	if len(c.backlog) > 0 && step.Known {
		// The server acknowledges a message that it received on the previous connection.
		c.backlog = slices.DeleteFunc(c.backlog, func(id uint16) bool { return id == a.PacketID })
	}
	if step.Release {
		if err := c.queueAck(proto.PUBREL, a.PacketID, step.Known); err != nil { // [MQTT-4.3.3-4]
			return Event{}, err
		}
	}
	if !step.Done {
		return Event{}, nil
	}
	c.productive = true
	if packet := c.sess.Sender.Freed(a.PacketID); cap(*packet) > flushSize {
		*packet = nil
	}
	if len(c.backlog) > 0 {
		c.resend()
	}
	if a.Kind == proto.PUBCOMP {
		a.Reason = proto.Success // the server has the message since PUBREC; 0x92 means that it had this PUBREL before
	}
	var answer proto.Packet
	if len(a.Props) > 0 { // a copy only then, so that most acknowledgements stay off the heap
		whole := a
		answer = &whole
	}
	return Event{Kind: Delivered, Tag: step.Tag, Reason: a.Reason, Answer: answer}, nil
}

func itoa(n int) string { return strconv.Itoa(n) }
