package rules

import (
	"unicode/utf8"

	"mqtt/internal/proto"
)

func validUTF8(b []byte) bool { return utf8.Valid(b) }

// sizeRules has the rules for a Reason String and for User Properties that make a packet of each
// type too large.
var sizeRules = [16][2]rule{
	proto.CONNACK:    {ruleConnackReasonString, ruleConnackUserProperty},
	proto.PUBACK:     {ruleAckReasonString, ruleAckUserProperty},
	proto.PUBREC:     {rulePubrecReasonString, rulePubrecUserProperty},
	proto.PUBREL:     {rulePubrelReasonString, rulePubrelUserProperty},
	proto.PUBCOMP:    {rulePubcompReasonString, rulePubcompUserProperty},
	proto.SUBACK:     {ruleSubackReasonString, ruleSubackUserProperty},
	proto.UNSUBACK:   {ruleUnsubackReasonString, ruleUnsubackUserProperty},
	proto.DISCONNECT: {ruleDisconnectReasonString, ruleDisconnectUserProperty},
	proto.AUTH:       {ruleAuthReasonString, ruleAuthUserProperty},
}

// checkSize judges the size of a packet, and whether the client asked for no Reason String and User
// Properties.
func (o *Observer) checkSize(way Way, t proto.Type, p proto.Packet, packet []byte) {
	s := &o.sides[way]
	if s.version < proto.V5 || s.lost {
		return
	}
	ps := propsOf(p)
	reason, user := ps.Has(proto.ReasonString), ps.Has(proto.UserProperty)
	if way == Out && o.hello.noProblem && (reason || user) && t != proto.CONNACK && t != proto.DISCONNECT {
		o.report(way, ruleProblemInfo, packet, "%s with a Reason String or User Properties", t)
	}
	if !o.tooLarge(way, len(packet)) {
		return
	}
	if r := sizeRules[t]; r[0] != ruleNone {
		if reason {
			o.report(way, r[0], packet, "a Reason String in %s of %d bytes, and the maximum is %d", t, len(packet), s.limits.packetSize)
		}
		if user {
			o.report(way, r[1], packet, "User Properties in %s of %d bytes, and the maximum is %d", t, len(packet), s.limits.packetSize)
		}
	}
	o.reportTooLarge(way, t, packet)
}

// tooLarge reports whether a packet of n bytes is larger than its sender knows that it may be.
func (o *Observer) tooLarge(way Way, n int) bool {
	s := &o.sides[way]
	return s.known && s.limits.packetSize != 0 && n > s.limits.packetSize
}

func (o *Observer) reportTooLarge(way Way, t proto.Type, packet []byte) {
	r := ruleClientPacketSize
	if way == Out {
		r = ruleServerPacketSize
	}
	o.report(way, r, packet, "%s of %d bytes, and the maximum is %d", t, len(packet), o.sides[way].limits.packetSize)
}

// propsOf returns the properties of a packet.
func propsOf(p proto.Packet) proto.Props {
	switch p := p.(type) {
	case *proto.Connack:
		return p.Props
	case *proto.Ack:
		return p.Props
	case *proto.Subscribe:
		return p.Props
	case *proto.Unsubscribe:
		return p.Props
	case *proto.Suback:
		return p.Props
	case *proto.Disconnect:
		return p.Props
	case *proto.Auth:
		return p.Props
	}
	return nil
}
