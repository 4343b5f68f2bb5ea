package broker

import (
	"bytes"
	"encoding/binary"

	"mqtt/internal/proto"
)

// Options of a CONNECT.
func resume(c *proto.Connect) { c.CleanStart = false }

func expiry(seconds uint32) func(*proto.Connect) {
	return num(proto.SessionExpiryInterval, seconds)
}

func num(id proto.PropID, n uint32) func(*proto.Connect) {
	return func(c *proto.Connect) { c.Props = c.Props.AppendNum(id, n) }
}

func keepAlive(seconds uint16) func(*proto.Connect) {
	return func(c *proto.Connect) { c.KeepAlive = seconds }
}

func willed(topic, payload string, with ...func(*proto.Will)) func(*proto.Connect) {
	return func(c *proto.Connect) {
		c.Will = &proto.Will{Topic: topic, Payload: []byte(payload)}
		for _, f := range with {
			f(c.Will)
		}
	}
}

func delayed(seconds uint32) func(*proto.Will) {
	return func(w *proto.Will) { w.Props = w.Props.AppendNum(proto.WillDelayInterval, seconds) }
}

// pub returns a PUBLISH.
func pub(topic, payload string, qos byte, id uint16, with ...func(*proto.Publish)) *proto.Publish {
	p := &proto.Publish{Topic: []byte(topic), Payload: []byte(payload), QoS: qos, PacketID: id}
	for _, f := range with {
		f(p)
	}
	return p
}

func retain(p *proto.Publish) { p.Retain = true }
func dup(p *proto.Publish)    { p.Dup = true }
func prop(id proto.PropID, n uint32) func(*proto.Publish) {
	return func(p *proto.Publish) { p.Props = p.Props.AppendNum(id, n) }
}

// sub returns a SUBSCRIBE with packet identifier id.
func sub(id uint16, filters ...proto.Subscription) *proto.Subscribe {
	return &proto.Subscribe{PacketID: id, Filters: filters}
}

// asking sends a SUBSCRIBE with any filter, valid or not.
func (p *peer) asking(id uint16, filter string, options byte) {
	body := binary.BigEndian.AppendUint16(nil, id)
	if p.v == proto.V5 {
		body = append(body, 0)
	}
	body = append(binary.BigEndian.AppendUint16(body, uint16(len(filter))), filter...)
	body = append(body, options)
	p.bytes(append(proto.AppendUvarint([]byte{0x82}, len(body)), body...))
}

func to(filter string, qos byte) proto.Subscription {
	return proto.Subscription{Filter: filter, QoS: qos}
}

// numbered adds a subscription identifier to a SUBSCRIBE.
func numbered(s *proto.Subscribe, n uint32) *proto.Subscribe {
	s.Props = s.Props.AppendNum(proto.SubscriptionIdentifier, n)
	return s
}

func ack(kind proto.Type, id uint16) *proto.Ack { return &proto.Ack{Kind: kind, PacketID: id} }

// subscribe subscribes and expects the SUBACK.
func (p *peer) subscribe(filters ...proto.Subscription) {
	p.t.Helper()
	p.send(sub(9, filters...))
	if a, ok := p.next().(*proto.Suback); !ok || len(a.Reasons) != len(filters) {
		p.t.Fatalf("subscribe: %v", a)
	}
}

// big returns a payload of n bytes.
func big(n int) string { return string(bytes.Repeat([]byte("x"), n)) }
