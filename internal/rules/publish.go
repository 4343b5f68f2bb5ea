package rules

import (
	"slices"

	"mqtt/internal/proto"
)

// publishSent judges a PUBLISH.
func (o *Observer) publishSent(way Way, s *side, p *proto.Publish, packet []byte) {
	if s.version >= proto.V5 {
		o.checkPublish5(way, s, p, packet)
	}
	if p.QoS > 0 {
		o.checkID(way, s, p, packet)
	}
	if way == Out {
		o.checkSubscription(s, p, packet)
	}
}

// checkPublish5 judges what only MQTT 5 has.
func (o *Observer) checkPublish5(way Way, s *side, p *proto.Publish, packet []byte) {
	if !s.lost && o.tooLarge(way, len(packet)) {
		o.reportTooLarge(way, proto.PUBLISH, packet)
	}
	if len(p.Props) > 0 {
		o.checkAlias(way, s, p, packet)
	}
	if way == Out {
		return
	}
	if len(p.Props) > 0 {
		if p.Props.Has(proto.SubscriptionIdentifier) {
			o.report(way, ruleClientSubscriptionID, packet, "a Subscription Identifier from the client")
		}
		if p.Props.Num(proto.PayloadFormatIndicator, 0) == 1 && !validUTF8(p.Payload) {
			o.report(way, rulePayloadFormat, packet, "a payload that is not UTF-8")
		}
	}
	if !s.known || s.lost {
		return
	}
	if p.QoS > s.limits.maximumQoS {
		o.report(way, ruleMaximumQoS, packet, "QoS %d, and the maximum is %d", p.QoS, s.limits.maximumQoS)
	}
	if p.Retain && s.limits.noRetain {
		o.report(way, ruleRetainAvailable, packet, "RETAIN 1, and the server does not retain messages")
	}
}

// checkAlias judges a topic alias, notes it, and fills in the topic that it stands for.
func (o *Observer) checkAlias(way Way, s *side, p *proto.Publish, packet []byte) {
	property, ok := p.Props.Get(proto.TopicAlias)
	if !ok {
		return
	}
	alias, most := uint16(property.Num), s.limits.aliasMaximum
	if s.known && !s.lost && int(alias) > most {
		over, none := ruleClientAliasMax, ruleClientAliasNone
		if way == Out {
			over, none = ruleServerAliasMax, ruleServerAliasNone
		}
		if most == 0 {
			over = none
		}
		o.report(way, over, packet, "topic alias %d, and the maximum is %d", alias, most)
	}
	if len(p.Topic) > 0 {
		s.setAlias(alias, p.Topic)
		return
	}
	topic, ok := s.aliases[alias]
	switch {
	case ok:
		p.Topic = []byte(topic)
	case !s.aliasLost:
		o.report(way, ruleAliasKnown, packet, "topic alias %d was not set on this connection", alias)
	}
}

// setAlias notes a topic alias.
func (s *side) setAlias(alias uint16, topic []byte) {
	old, ok := s.aliases[alias]
	if ok && old == string(topic) {
		return
	}
	if !ok && len(s.aliases) >= maxAliases || s.aliasBytes+len(topic)-len(old) > maxAliasBytes {
		delete(s.aliases, alias)
		s.aliasBytes -= len(old)
		s.aliasLost = true
		return
	}
	if s.aliases == nil {
		s.aliases = make(map[uint16]string)
	}
	s.aliases[alias] = string(topic)
	s.aliasBytes += len(topic) - len(old)
}

// hash returns FNV-1a of at most the first 256 bytes of b and its length.
func hash(b []byte) uint32 {
	h := uint32(2166136261) ^ uint32(len(b))
	for _, c := range b[:min(len(b), 256)] {
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}

// checkID judges the packet identifier and DUP of a PUBLISH above QoS 0, and notes it.
func (o *Observer) checkID(way Way, s *side, p *proto.Publish, packet []byte) {
	f := &o.session.flows[way]
	e, inFlight := f.sending[p.PacketID]
	here := inFlight && e.number == o.number && !e.stranger
	carried := inFlight && e.number != o.number && !e.stranger && (way == Out || o.hello.told)
	sum := hash(p.Payload)
	inUse, first := ruleIDInUse1, ruleDupFirst1
	if p.QoS == 2 {
		inUse, first = ruleIDInUse2, ruleDupFirst2
	}
	switch {
	case f.partial:
	case here && !p.Dup:
		o.report(way, inUse, packet, "packet identifier %d is in use", p.PacketID)
	case (here || carried) && p.Dup && e.released:
		o.report(way, ruleAfterPubrel, packet, "PUBLISH %d again after its PUBREL", p.PacketID)
	case here && p.Dup:
		o.report(way, ruleResend, packet, "PUBLISH %d again on the same connection", p.PacketID)
	case carried && !p.Dup && e.hash == sum && e.qos == p.QoS:
		o.report(way, ruleDupRepeat, packet, "PUBLISH %d again with DUP 0", p.PacketID)
	case carried && !p.Dup && (way == Out || s.limits.packetSize != 0): // the message may have been discarded as too large
	case carried && !p.Dup:
		o.report(way, inUse, packet, "packet identifier %d is in use since an earlier connection", p.PacketID)
	case carried:
		o.checkResendOrder(way, s, e, p, packet)
	case !inFlight && p.Dup && o.hello.clean && (s.version >= proto.V5 || s.acked == 0):
		o.report(way, first, packet, "PUBLISH %d with DUP 1 the first time", p.PacketID)
	case way == In && !p.Dup && o.requests.sent(p.PacketID):
		o.report(way, inUse, packet, "packet identifier %d is in use by SUBSCRIBE or UNSUBSCRIBE", p.PacketID)
	}
	order := e.order // 0 if it is sent again, and when it was sent first is not known
	if !p.Dup {
		f.order++
		order = f.order
	}
	if !here {
		o.countWindow(way, s, packet)
	}
	f.setSending(p.PacketID, sending{qos: p.QoS, hash: sum, order: order, number: o.number, pubrecs: e.pubrecs, released: e.released && p.Dup, relOn: e.relOn})
}

// checkResendOrder judges the order in which messages of an earlier connection are sent again. MQTT
// 5 has the rule for clients alone.
func (o *Observer) checkResendOrder(way Way, s *side, e sending, p *proto.Publish, packet []byte) {
	if way == Out && s.version >= proto.V5 || e.stranger || e.order == 0 {
		return
	}
	if e.order < s.resent {
		o.report(way, ruleResendOrder, packet, "PUBLISH %d again, after one that was first sent later", p.PacketID)
	}
	s.resent = max(s.resent, e.order)
}

// countWindow judges the number of PUBLISH packets that are not acknowledged. It counts as section
// 4.9 of MQTT 5 does, which is generous: each acknowledgement counts, also of an earlier connection.
// One that crosses a PUBLISH on the wire counts before it, so the window may be below 0.
func (o *Observer) countWindow(way Way, s *side, packet []byte) {
	s.window++
	if !s.known || s.lost || o.session.flows[way].partial || s.version < proto.V5 || s.window <= s.limits.receiveMaximum {
		return
	}
	r := ruleClientReceiveMax
	if way == Out {
		r = ruleServerReceiveMax
	}
	o.report(way, r, packet, "%d unacknowledged PUBLISH packets, and the Receive Maximum is %d", s.window, s.limits.receiveMaximum)
}

// publishDelivered notes a PUBLISH above QoS 0 that its receiver has to answer.
func (o *Observer) publishDelivered(way Way, receiver *side, p *proto.Publish) {
	f := &o.session.flows[way]
	e := f.receiving[p.PacketID]
	if e.owed[p.QoS] < 255 {
		e.owed[p.QoS]++
	}
	f.setReceiving(p.PacketID, e)
	if way == Out { // only a client must keep the order
		owed := &receiver.owed[p.QoS]
		switch {
		case len(*owed) >= maxOwed, slices.Contains(*owed, p.PacketID):
			// The server may use the identifier again before a second acknowledgement comes.
			receiver.owedLost = true
		default:
			*owed = append(*owed, p.PacketID)
		}
	}
}
