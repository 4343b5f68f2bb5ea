package conn

import (
	"context"
	"slices"
	"strconv"

	"mqtt/internal/proto"
)

// take acts on a packet of the server that is no PUBLISH. An Idle event means that
// there is nothing to tell the owner.
func (c *Conn) take(f proto.Frame) (Event, error) {
	switch f.Type() {
	case proto.PUBACK, proto.PUBREC, proto.PUBCOMP:
		return c.takeAck(f)
	case proto.PUBREL:
		a := proto.Ack{Kind: proto.PUBREL}
		if err := a.Decode(f, c.v); err != nil {
			return Event{}, c.violated(err)
		}
		known := c.sess.Receiver.Release(a.PacketID)
		return Event{}, c.queueAck(proto.PUBCOMP, a.PacketID, known) // [MQTT-4.3.3-11]
	case proto.SUBACK, proto.UNSUBACK:
		p := new(proto.Suback)
		if err := p.Decode(f, c.v); err != nil {
			return Event{}, c.violated(err)
		}
		if err := c.answers(p); err != nil {
			return Event{}, c.violated(err)
		}
		return Event{Kind: Answer, Answer: p}, nil
	case proto.PINGRESP:
		var p proto.Ping
		if err := p.Decode(f, c.v); err != nil {
			return Event{}, c.violated(err)
		}
		return c.clock.answered(), nil
	case proto.DISCONNECT:
		var p proto.Disconnect
		err := p.Decode(f, c.v)
		if err == nil && c.v < proto.V5 {
			err = &proto.Error{Type: proto.DISCONNECT, Reason: proto.ProtocolError, What: "only a client may send it before version 5"}
		}
		if err != nil {
			return Event{}, c.violated(err)
		}
		return Event{}, c.end(&Disconnected{Reason: p.Reason, Props: append(proto.Props(nil), p.Props...)})
	case proto.AUTH:
		return c.takeAuth(f)
	}
	return Event{}, c.violated(&proto.Error{Type: f.Type(), Reason: proto.ProtocolError, What: "not to be sent by a server now"})
}

// answers ends the request that p is the answer to.
func (c *Conn) answers(p *proto.Suback) error {
	step, err := c.sess.Sender.Acknowledge(p.Kind, p.PacketID, proto.Success)
	if err != nil {
		return err
	}
	wrong := func(what string) error {
		return &proto.Error{Type: p.Kind, Reason: proto.ProtocolError, What: what}
	}
	switch filters := int(uint32(step.Tag)); {
	case !step.Known:
		return wrong("answers no request")
	case proto.Type(step.Tag>>32) != p.Kind:
		return wrong("answers a request of another kind")
	case len(p.Reasons) != filters && (c.v >= proto.V5 || p.Kind == proto.SUBACK):
		return wrong(itoa(len(p.Reasons)) + " reasons for " + itoa(filters) + " filters")
	}
	return nil
}

// takePublish takes in a message. The acknowledgement is owed until the owner comes
// back for the next event. fresh is false for one that the owner has.
func (c *Conn) takePublish(f proto.Frame) (fresh bool, err error) {
	p := &c.msg
	if err := p.Decode(f, c.v); err != nil {
		return false, c.violated(err)
	}
	if len(p.Props) > 0 && p.Props.Has(proto.TopicAlias) {
		topic, err := c.topics.Resolve(int(p.Props.Num(proto.TopicAlias, 0)), c.aliasMax, p.Topic)
		if err != nil {
			return false, c.violated(err)
		}
		p.Topic = topic
	}
	c.useful = true
	switch p.QoS {
	case 1:
		c.owed = proto.Ack{Kind: proto.PUBACK, PacketID: p.PacketID}
	case 2:
		if !c.sess.Receiver.Accept(p.PacketID) {
			if c.holds(p.PacketID) {
				return false, nil // its PUBREC is to come
			}
			return false, c.inTurn(proto.Ack{Kind: proto.PUBREC, PacketID: p.PacketID}) // a repeat [MQTT-4.3.3-10]
		}
		if c.sess.Receiver.Len() > c.inMax+c.inherited {
			c.sess.Receiver.Release(p.PacketID) // the owner did not get it
			return false, c.violated(&proto.Error{Type: proto.PUBLISH, Reason: proto.ReceiveMaximumExceeded,
				What: "more messages in flight than our Receive Maximum of " + itoa(c.inMax)})
		}
		c.owed = proto.Ack{Kind: proto.PUBREC, PacketID: p.PacketID}
	}
	return true, nil
}

// Refuse makes the acknowledgement of the last Message say r, 0x80 or above, where
// version and QoS allow. It is called before the next Next.
func (c *Conn) Refuse(r proto.Reason) {
	if c.owed.Kind == 0 || c.v < proto.V5 {
		return
	}
	if !r.Allowed(c.owed.Kind) {
		r = proto.UnspecifiedError
	}
	c.owed.Reason = r
}

// acknowledge queues what is owed for the last Message [MQTT-3.3.4-1].
func (c *Conn) acknowledge(ctx context.Context) error {
	a := c.owed
	c.owed.Kind = 0
	if err := c.inTurn(a); err != nil {
		return err
	}
	if len(c.out) >= enough {
		return c.flush(ctx)
	}
	return nil
}

// queueAck queues an acknowledgement that no owner waits for. An identifier that is
// not known is said in version 5 [MQTT-3.6.2-1], [MQTT-3.7.2-1].
func (c *Conn) queueAck(kind proto.Type, id uint16, known bool) error {
	a := proto.Ack{Kind: kind, PacketID: id}
	if !known && c.v >= proto.V5 {
		a.Reason = proto.PacketIdentifierNotFound
	}
	return c.append(a)
}

// takeAck takes in the answer to a message of ours.
func (c *Conn) takeAck(f proto.Frame) (Event, error) {
	a := proto.Ack{Kind: f.Type()}
	if err := a.Decode(f, c.v); err != nil {
		return Event{}, c.violated(err)
	}
	step, err := c.sess.Sender.Acknowledge(a.Kind, a.PacketID, a.Reason)
	if err != nil {
		return Event{}, c.violated(err)
	}
	if len(c.backlog) > 0 && step.Known {
		// A server may answer what it had from the connection before.
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
	c.useful = true
	if kept := c.sess.Sender.Freed(a.PacketID); cap(*kept) > enough {
		*kept = nil
	}
	if len(c.backlog) > 0 {
		c.resend()
	}
	if a.Kind == proto.PUBCOMP {
		a.Reason = proto.Success // the server has it since PUBREC; 0x92 says it had even this PUBREL before
	}
	var answer proto.Packet
	if len(a.Props) > 0 { // a copy: most have none, and are to stay off the heap
		whole := a
		answer = &whole
	}
	return Event{Kind: Delivered, Tag: step.Tag, Reason: a.Reason, Answer: answer}, nil
}

func itoa(n int) string { return strconv.Itoa(n) }
