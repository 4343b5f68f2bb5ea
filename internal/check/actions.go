package check

import (
	"fmt"
	"time"

	"mqtt/internal/proto"
)

// Hello returns a CONNECT with a client identifier of its own, a clean session, no keep alive and the
// credentials of the run. What it makes the server keep is removed when the case has ended: a lasting session, and a
// will that is retained.
func (c *C) Hello(set ...func(*proto.Connect)) *proto.Connect {
	p := &proto.Connect{Version: c.Version, CleanStart: true, ClientID: c.ID(fmt.Sprintf("c%d", len(c.peers)))}
	if u := c.r.opt.User; u != nil {
		p.HasUsername, p.Username = true, u.Name
		if u.HasPassword {
			p.HasPassword, p.Password = true, []byte(u.Password)
		}
	}
	for _, f := range set {
		f(p)
	}
	willRetained := p.Will != nil && p.Will.Retain && len(p.Will.Payload) > 0
	if willRetained {
		c.unretain(p.Will.Topic)
	}
	if !p.CleanStart || p.Props.Num(proto.SessionExpiryInterval, 0) > 0 || willRetained {
		c.forget(p.ClientID, p)
	}
	return p
}

// WithID sets the client identifier.
func WithID(id string) func(*proto.Connect) { return func(p *proto.Connect) { p.ClientID = id } }

// Lasting asks for the session with that client identifier, which outlives the connection.
//
//go:noinline
func Lasting(id string) func(*proto.Connect) {
	return func(p *proto.Connect) {
		p.ClientID, p.CleanStart = id, false
		if p.Version == proto.V5 {
			p.Props = p.Props.Without(proto.SessionExpiryInterval).AppendNum(proto.SessionExpiryInterval, 120)
		}
	}
}

// WithProp adds an integer property. Before version 5 it does nothing.
func WithProp(id proto.PropID, n uint32) func(*proto.Connect) {
	return func(p *proto.Connect) {
		if p.Version == proto.V5 {
			p.Props = p.Props.AppendNum(id, n)
		}
	}
}

// WithKeepAlive sets Keep Alive, in seconds.
func WithKeepAlive(n uint16) func(*proto.Connect) {
	return func(p *proto.Connect) { p.KeepAlive = n }
}

// WithWill sets the will.
func WithWill(w *proto.Will) func(*proto.Connect) { return func(p *proto.Connect) { p.Will = w } }

// Connect opens a connection and expects that its CONNECT is accepted.
func (c *C) Connect(set ...func(*proto.Connect)) *Peer {
	p := c.Open()
	hello := c.Hello(set...)
	p.Send(hello)
	p.ClientID = hello.ClientID
	packet := p.Next("CONNACK that accepts the connection")
	ack, ok := packet.(*proto.Connack)
	if !ok || ack.Reason != proto.Success {
		c.Fail("CONNACK that accepts the connection", "%s", p.describe(packet))
	}
	p.Connack = ack
	if id := ack.Props.Value(proto.AssignedClientIdentifier); id != nil {
		p.ClientID = string(id)
	}
	return p
}

// NewID returns a packet identifier that the peer has not used.
func (p *Peer) NewID() uint16 {
	p.lastID++
	return p.lastID
}

// Subscribe subscribes. A server may refuse, or grant a lower QoS than it has: that is a choice, and ends the
// script.
func (p *Peer) Subscribe(filter string, qos byte) {
	p.SubscribeWith(proto.Subscription{Filter: filter, QoS: qos})
}

// SubscribeWith is like Subscribe, with all options and with properties.
func (p *Peer) SubscribeWith(s proto.Subscription, props ...func(*proto.Subscribe)) {
	if granted := p.Grant(s, props...); granted < min(s.QoS, p.c.Server.MaximumQoS) {
		p.c.Choice("the server grants QoS %d to a subscription at QoS %d, as it may", granted, s.QoS)
	}
}

// Grant subscribes and returns the QoS that is granted. A refusal is a choice, and ends the script.
func (p *Peer) Grant(s proto.Subscription, props ...func(*proto.Subscribe)) byte {
	packet := &proto.Subscribe{PacketID: p.NewID(), Filters: []proto.Subscription{s}}
	for _, f := range props {
		f(packet)
	}
	p.Send(packet)
	ack := p.Suback(packet.PacketID)
	if len(ack.Reasons) == 1 && ack.Reasons[0] >= 0x80 {
		p.c.Choice("the server refuses the subscription to %q, as it may: %s", s.Filter, p.describe(ack))
	}
	if len(ack.Reasons) != 1 {
		p.c.Fail(fmt.Sprintf("SUBACK that grants the subscription to %q", s.Filter), "%s", p.describe(ack))
	}
	return byte(ack.Reasons[0])
}

// Publish publishes a message and waits until the exchange is complete, successfully. A retained message is
// removed when the case has ended.
func (p *Peer) Publish(m proto.Publish) *proto.Ack {
	if m.Retain && len(m.Payload) > 0 {
		p.c.unretain(string(m.Topic))
	}
	if m.QoS > 0 && m.PacketID == 0 {
		m.PacketID = p.NewID()
	}
	p.Send(&m)
	return p.Complete(&m)
}

// Complete waits until the exchange of m, which was sent, is complete, and fails on an error code.
func (p *Peer) Complete(m *proto.Publish) (ack *proto.Ack) {
	switch m.QoS {
	case 0:
		return nil
	case 1:
		ack = p.Ack(proto.PUBACK, m.PacketID)
	case 2:
		ack = p.Ack(proto.PUBREC, m.PacketID)
	}
	if ack.Reason >= 0x80 {
		p.c.Fail("an acknowledgement with success", "%s", p.describe(ack))
	}
	if m.QoS == 2 {
		p.Send(&proto.Ack{Kind: proto.PUBREL, PacketID: m.PacketID})
		ack = p.Ack(proto.PUBCOMP, m.PacketID)
		if ack.Reason >= 0x80 {
			p.c.Fail("PUBCOMP with success", "%s", p.describe(ack))
		}
	}
	return ack
}

// message returns a message with a topic and a payload.
//
//go:noinline
func message(topic, payload string, qos byte) proto.Publish {
	return proto.Publish{Topic: []byte(topic), Payload: []byte(payload), QoS: qos}
}

// retained is like message, for a retained message.
func retained(topic, payload string, qos byte) proto.Publish {
	m := message(topic, payload, qos)
	m.Retain = true
	return m
}

// within returns d with slack for a busy machine.
func (c *C) within(d time.Duration) time.Duration { return d + c.r.slack }
