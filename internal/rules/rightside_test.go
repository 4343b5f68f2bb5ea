package rules

import (
	"fmt"
	"maps"
	"slices"

	"mqtt/internal/proto"
)

// newPeer returns one end of a new connection.
func newPeer(w *world, server bool) *rightPeer {
	return &rightPeer{random: w.random, v: w.v, now: &w.steps, server: server, aliases: make(map[int]string), theirs: make(map[int]string), ids: make(map[uint16]bool)}
}

// connect sends CONNECT as a client.
func (p *rightPeer) connect(clean bool) {
	c := proto.Connect{Version: p.v, ClientID: "c", CleanStart: clean, KeepAlive: 600}
	if p.v == proto.V5 {
		c.Props = c.Props.AppendNum(proto.SessionExpiryInterval, 100).AppendNum(proto.ReceiveMaximum, uint32(1+p.random.IntN(3))).
			AppendNum(proto.TopicAliasMaximum, uint32(p.random.IntN(3)))
	}
	p.write(&c)
	if clean || p.brief {
		*p.ledger = *newLedger()
	}
	if clean {
		p.brief = p.v < proto.V5
		p.quota, p.most = 65535, 65535 // until CONNACK
		for range p.random.IntN(4) {
			p.say() // it does not wait for CONNACK
		}
	}
}

// take is a server's answer to CONNECT. present reports whether the session is an old one.
func (p *rightPeer) take(c *proto.Connect, present bool) {
	p.ready = true
	p.v = c.Version
	a := proto.Connack{SessionPresent: present && p.v >= proto.V311}
	if p.v == proto.V5 {
		a.Props = a.Props.AppendNum(proto.ReceiveMaximum, uint32(1+p.random.IntN(3))).AppendNum(proto.TopicAliasMaximum, uint32(p.random.IntN(3)))
	}
	p.write(&a)
	p.begin(c.Props)
}

// begin notes the limits of the other side, and what is to be sent again.
func (p *rightPeer) begin(ps proto.Props) {
	sent := p.most - p.quota
	p.most = int(ps.Num(proto.ReceiveMaximum, 65535))
	p.quota = p.most - sent
	p.alias = int(ps.Num(proto.TopicAliasMaximum, 0))
}

// accepted handles CONNACK.
func (p *rightPeer) accepted(a *proto.Connack) {
	if p.ready || a.Reason.Failed() {
		p.gone = true
		return
	}
	p.ready = true
	p.begin(a.Props)
}

// act does something of its own accord.
func (p *rightPeer) act() {
	if kind := p.random.IntN(3); len(p.waiting[kind]) > 0 && p.chance(2) {
		p.flush(kind)
		return
	}
	if !p.ready {
		if p.chance(60) {
			p.gone = true
		}
		return
	}
	switch {
	case p.chance(60):
		p.end()
	case p.server:
		p.deliver()
	default:
		p.say()
	}
}

// say sends something as a client.
func (p *rightPeer) say() {
	switch {
	case p.chance(4):
		p.request()
	case p.chance(10):
		p.write(&proto.Ping{Kind: proto.PINGREQ})
	default:
		m := proto.Publish{QoS: byte(p.random.IntN(3)), Topic: fmt.Appendf(nil, "t/%d", p.random.IntN(topics)), Retain: p.chance(4)}
		p.publish(m)
	}
}

// end ends the connection.
func (p *rightPeer) end() {
	switch {
	case !p.server && p.chance(2):
		p.write(&proto.Disconnect{})
	case p.server && p.v == proto.V5 && p.ready && p.chance(2):
		p.write(&proto.Disconnect{Reason: proto.ServerShuttingDown})
	}
	p.gone = true
}

// request subscribes or unsubscribes.
func (p *rightPeer) request() {
	id := p.free()
	if id == 0 {
		return
	}
	p.ids[id] = true
	filters := []string{"t/#", "+/1", "t/0", "#"}
	if p.chance(3) {
		p.write(&proto.Unsubscribe{PacketID: id, Filters: []string{filters[p.random.IntN(len(filters))]}})
		return
	}
	s := proto.Subscribe{PacketID: id}
	for range 1 + p.random.IntN(2) {
		x := proto.Subscription{Filter: filters[p.random.IntN(len(filters))], QoS: byte(p.random.IntN(3))}
		if p.v == proto.V5 {
			x.RetainHandling, x.RetainAsPublished = byte(p.random.IntN(3)), p.chance(2)
		}
		s.Filters = append(s.Filters, x)
	}
	if p.v == proto.V5 && p.chance(2) {
		s.Props = s.Props.AppendNum(proto.SubscriptionIdentifier, uint32(1+p.random.IntN(3)))
	}
	p.write(&s)
}

// subscribe handles SUBSCRIBE as a server.
func (p *rightPeer) subscribe(s *proto.Subscribe) {
	a := proto.Suback{Kind: proto.SUBACK, PacketID: s.PacketID}
	for _, x := range s.Filters {
		if p.v >= proto.V311 && p.chance(6) {
			a.Reasons = append(a.Reasons, 0x80)
			continue
		}
		qos := byte(p.random.IntN(int(x.QoS) + 1))
		a.Reasons = append(a.Reasons, proto.Reason(qos))
		p.filters[x.Filter] = &granted{qos, x.RetainHandling, x.RetainAsPublished, s.Props.Num(proto.SubscriptionIdentifier, 0)}
		if x.RetainHandling != 2 && p.chance(2) {
			p.deliver() // messages may come before SUBACK
		}
	}
	p.write(&a)
}

// unsubscribe handles UNSUBSCRIBE as a server.
func (p *rightPeer) unsubscribe(u *proto.Unsubscribe) {
	a := proto.Suback{Kind: proto.UNSUBACK, PacketID: u.PacketID}
	for _, f := range u.Filters {
		delete(p.filters, f)
		if p.v == proto.V5 {
			a.Reasons = append(a.Reasons, proto.Success)
		}
	}
	p.write(&a)
}

// deliver sends a message that matches a subscription.
func (p *rightPeer) deliver() {
	topic := fmt.Sprintf("t/%d", p.random.IntN(topics))
	m := proto.Publish{Topic: []byte(topic)}
	some, qos, retain := false, byte(0), false
	for _, f := range slices.Sorted(maps.Keys(p.filters)) {
		g := p.filters[f]
		if proto.CheckFilter(f) != nil || !proto.Match(f, []byte(topic)) {
			continue
		}
		some, qos, retain = true, max(qos, g.qos), retain || g.asPublished || g.handling != 2
		if g.id != 0 {
			m.Props = m.Props.AppendNum(proto.SubscriptionIdentifier, g.id)
		}
	}
	if !some {
		p.again()
		return
	}
	m.QoS, m.Retain = byte(p.random.IntN(int(qos)+1)), retain && p.chance(3)
	p.publish(m)
}
