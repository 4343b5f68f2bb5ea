package broker

import (
	"strconv"
	"strings"

	"mqtt/internal/proto"
)

// rememberedRoute limits the size of a route that a client keeps for its next message, in bytes.
const rememberedRoute = 8 << 10

// publish handles a PUBLISH.
func (c *client) publish(bt *batch, f proto.Frame) error {
	p := &bt.in
	if err := p.Decode(f, c.v); err != nil {
		return err
	}
	b := c.b
	bt.count.published++
	bt.count.publishedBytes += len(p.Payload)
	if p.QoS > 0 {
		if p.QoS > b.opt.Without.maximumQoS() && c.v5() {
			return disconnectError(proto.QoSNotSupported, "QoS "+strconv.Itoa(int(p.QoS))) // [MQTT-3.2.2-11]
		}
		if c.unacked++; c.unacked > int(b.opt.ReceiveMaximum) && c.v5() {
			return disconnectError(proto.ReceiveMaximumExceeded, "more messages in flight than the Receive Maximum") // [MQTT-3.3.4-7]
		}
	}
	if p.Retain && b.opt.Without.Retain {
		if c.v5() {
			return disconnectError(proto.RetainNotSupported, "") // [MQTT-3.2.2-14]
		}
		p.Retain = false
	}
	m := Message{Topic: p.Topic, Props: p.Props, Payload: p.Payload, From: c.s.id, QoS: p.QoS, Retain: p.Retain}
	if len(p.Props) > 0 {
		if err := c.properties(bt, &m); err != nil {
			return err
		}
	}
	rt := c.route
	if rt == nil || rt.name != string(m.Topic) || rt.gen != b.router.gen.Load() {
		rt = bt.find(m.Topic)
		c.route = nil
		if rt.weight <= rememberedRoute {
			c.route = rt
		}
		c.allowed = true
		c.allowed = c.mayPublish(rt.name) == proto.Success
	}
	if !c.allowed {
		bt.flush()
		r := c.mayPublish(rt.name)
		c.noteRefused(&bt.count, rt.topic, p.QoS, r, "")
		c.warnReserved(&bt.count, rt.name)
		c.answer(bt, p.QoS, p.PacketID, r, "topic "+clip(rt.name))
		return nil
	}
	if p.QoS == 2 {
		if !c.s.receiver.Accept(p.PacketID) {
			bt.flush()
			c.answer(bt, 2, p.PacketID, proto.Success, "") // a redelivery [MQTT-4.3.3-10]
			return nil
		}
		if c.s.durable {
			b.opt.Store.Accept(c.s.id, p.PacketID)
		}
	}
	bt.addToRun(rt, &m, p.PacketID)
	return nil
}

// properties resolves the topic alias and removes the properties that are not forwarded.
func (c *client) properties(bt *batch, m *Message) error {
	alias, other := uint32(0), false
	for p := range m.Props.All() {
		switch p.ID {
		case proto.TopicAlias:
			alias = p.Num
		case proto.SubscriptionIdentifier:
			return disconnectError(proto.ProtocolError, "subscription identifier from a client") // [MQTT-3.3.4-6]
		case proto.MessageExpiryInterval:
			m.Expires = expiresIn(p.Num, bt.time())
			other = true
		default:
			other = true
		}
	}
	if alias == 0 {
		return nil
	}
	topic, err := c.aliasIn.Resolve(int(alias), int(c.b.opt.TopicAliasMaximum), m.Topic)
	if err != nil {
		return err
	}
	m.Topic = topic
	if !other {
		m.Props = nil
		return nil
	}
	at := len(bt.props)
	for p := range m.Props.All() {
		if p.ID != proto.TopicAlias {
			bt.props = bt.props.Append(p)
		}
	}
	m.Props = bt.props[at:len(bt.props):len(bt.props)]
	return nil
}

// mayPublish returns Success, or the reason code if the client must not publish to the topic.
func (c *client) mayPublish(topic string) proto.Reason {
	switch {
	case c.b.opt.reserved(topic):
		return proto.TopicNameInvalid
	case strings.Count(topic, "/") >= c.b.opt.TopicLevels:
		return proto.TopicNameInvalid
	case c.b.opt.ACL != nil && !c.b.opt.ACL.Allow(c.who, topic, Write):
		return proto.NotAuthorized
	}
	return proto.Success
}

// answer acknowledges one message. Before version 5 a message cannot be refused.
func (c *client) answer(bt *batch, qos byte, id uint16, r proto.Reason, text string) {
	if qos == 0 {
		return
	}
	a := proto.Ack{Kind: proto.PUBACK, PacketID: id}
	if qos == 2 {
		a.Kind = proto.PUBREC
	}
	if qos == 1 || r.Failed() && c.v5() {
		c.unacked = max(0, c.unacked-1)
	}
	if c.v5() {
		a.Reason = r
		if r.Failed() && text != "" && c.problem {
			a.Props = a.Props.AppendText(proto.ReasonString, text)
		}
	}
	bt.answer(c, &a)
}

// answer appends an acknowledgement to the replies, without its reason string if that would exceed
// the client's Maximum Packet Size [MQTT-3.4.2-2].
func (bt *batch) answer(c *client, a *proto.Ack) {
	bt.count.answers++
	at := len(bt.reply)
	bt.reply, _ = a.Append(bt.reply, c.v)
	if c.maxPacket > 0 && len(bt.reply)-at > c.maxPacket && len(a.Props) > 0 {
		a.Props = nil
		bt.reply, _ = a.Append(bt.reply[:at], c.v)
	}
}
