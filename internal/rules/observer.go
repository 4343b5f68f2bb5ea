package rules

import (
	"time"

	"mqtt/internal/proto"
)

// Observer holds the packets of one connection against the standard. It is not safe for concurrent
// use. A packet given to it is one whole packet with its fixed header, and is not kept.
type Observer struct {
	sessions *Sessions
	session  *session // the state that outlives the connection; replaced when CONNACK says which it is
	attached bool     // session is in sessions, under client
	awaits   string   // client identifier of the CONNECT that was delivered
	overlaps bool     // another connection of the client was being opened at the same time
	number   uint64   // of the connection, unique in sessions
	sides    [2]side  // the sender of each direction
	hello    hello    // CONNECT as the server got it, and as the client sent it
	client   string   // client identifier of the session
	requests requests
	found    []Violation
	now      time.Time
	over     bool // nothing is judged any more

	publish proto.Publish // decoded last; reused
	ack     proto.Ack     // decoded last; reused
	match   match
}

// Observe is Sent followed by Delivered.
func (o *Observer) Observe(way Way, packet []byte, at time.Time) []Violation {
	found := o.Sent(way, packet, at)
	o.Delivered(way, packet, at)
	return found
}

// Sent judges a packet that was read from the peer that sends in direction way.
func (o *Observer) Sent(way Way, packet []byte, at time.Time) []Violation {
	if o.over {
		return nil
	}
	o.found, o.now = nil, at
	s := &o.sides[way]
	f, size, err := proto.Split(packet, 0)
	if err != nil || size != len(packet) {
		return o.Broken(way, packet, err, at)
	}
	o.sent(way, s, f, packet)
	s.sent, s.lastSent = true, at
	return o.found
}

// sent judges a packet and notes it.
func (o *Observer) sent(way Way, s *side, f proto.Frame, packet []byte) {
	t := f.Type()
	if way == In {
		if t == proto.CONNECT {
			o.connectSent(s, f, packet)
			return
		}
		if !o.hello.seen {
			if !s.sent {
				o.report(way, ruleFirstConnect, packet, "the first packet is %s", t)
			}
			return
		}
	}
	if s.version == 0 {
		if way == Out && !o.hello.delivered && !s.lost {
			o.report(way, ruleConnackAnswers, packet, "%s before CONNECT", t)
		}
		return
	}
	if s.bye {
		r := ruleDisconnectLast
		if s.refused {
			r = ruleConnackRefused
		}
		o.report(way, r, packet, "%s after the last packet of the connection", t)
		return
	}
	if t == proto.WILL || t == proto.AUTH && s.version < proto.V5 {
		o.report(way, ruleForm, packet, "reserved packet type %d", t)
		return
	}
	if !rightWay(way, t, s.version) {
		o.report(way, ruleDirection, packet, "%s from the %s", t, way.sender())
		return
	}
	if t != proto.AUTH && way == In && !o.hello.early && (!o.hello.told || o.now.Before(o.hello.toldAt)) {
		o.hello.early, s.known = true, false
	}
	if t == proto.PUBLISH {
		p := &o.publish
		if err := p.Decode(f, s.version); err != nil {
			o.malformed(way, f, packet, err)
			return
		}
		o.checkOrder(way, t, packet)
		o.publishSent(way, s, p, packet)
		return
	}
	o.otherSent(way, s, f, packet)
}

// otherSent judges a packet that is neither CONNECT nor PUBLISH.
func (o *Observer) otherSent(way Way, s *side, f proto.Frame, packet []byte) {
	if f.Type() == proto.CONNACK {
		o.connackSent(s, f, packet)
		return
	}
	p, err := o.decode(f, s.version)
	if err != nil {
		o.malformed(way, f, packet, err)
		if f.Type() == proto.DISCONNECT {
			s.bye = true
		}
		return
	}
	o.checkOrder(way, f.Type(), packet)
	o.checkSize(way, f.Type(), p, packet)
	switch p := p.(type) {
	case *proto.Ack:
		o.ackSent(way, s, p, packet)
	case *proto.Subscribe:
		o.subscribeSent(s, f, p, packet)
	case *proto.Unsubscribe:
		o.unsubscribeSent(s, f, p, packet)
	case *proto.Suback:
		o.subackSent(s, p, packet)
	case *proto.Ping:
		if p.Kind == proto.PINGRESP {
			s.lastAnswer = o.now
			if s.pings--; s.pings < 0 {
				s.pings = 0
				if !s.lost {
					o.report(way, rulePingresp, packet, "PINGRESP without PINGREQ")
				}
			}
		}
	case *proto.Disconnect:
		o.disconnectSent(way, s, p, packet)
	case *proto.Auth:
		o.authSent(way, s, p, packet)
	}
}

// decode decodes a packet, which is valid until the next call.
func (o *Observer) decode(f proto.Frame, v proto.Version) (proto.Packet, error) {
	switch t := f.Type(); t {
	case proto.PUBACK, proto.PUBREC, proto.PUBREL, proto.PUBCOMP:
		o.ack.Kind = t
		return &o.ack, o.ack.Decode(f, v)
	}
	return proto.Decode(f, v)
}

// rightWay reports whether packets of type t may travel in direction way.
func rightWay(way Way, t proto.Type, v proto.Version) bool {
	switch t {
	case proto.CONNECT, proto.SUBSCRIBE, proto.UNSUBSCRIBE, proto.PINGREQ:
		return way == In
	case proto.CONNACK, proto.SUBACK, proto.UNSUBACK, proto.PINGRESP:
		return way == Out
	case proto.DISCONNECT:
		return way == In || v >= proto.V5
	}
	return true
}

// checkOrder judges whether a packet may come before CONNACK.
func (o *Observer) checkOrder(way Way, t proto.Type, packet []byte) {
	h := &o.hello
	switch {
	case way == Out && !h.accepted && t != proto.AUTH:
		if t == proto.DISCONNECT {
			o.report(way, ruleDisconnectEarly, packet, "DISCONNECT before CONNACK")
			return
		}
		o.report(way, ruleConnackFirst, packet, "%s before CONNACK", t)
	case way == In && h.hasMethod && !h.told && t != proto.AUTH && t != proto.DISCONNECT:
		o.report(way, ruleBeforeConnack, packet, "%s before CONNACK", t)
	}
}

// Delivered tells that a packet is about to be written to the peer that receives in direction way.
// A packet that a relay drops has no Delivered, a duplicated one has two, and an altered one is
// delivered with its new bytes.
func (o *Observer) Delivered(way Way, packet []byte, at time.Time) {
	if o.over {
		return
	}
	o.now = at
	r := &o.sides[1-way] // the receiver
	r.lastGot = at
	f, size, err := proto.Split(packet, 0)
	if err != nil || size != len(packet) {
		r.lost = true
		return
	}
	v := o.sides[way].version
	if f.Type() == proto.CONNECT && way == In {
		o.connectDelivered(r, f)
		return
	}
	if v == 0 {
		r.lost = true
		return
	}
	if f.Type() == proto.PUBLISH {
		p := &o.publish
		if err := p.Decode(f, v); err != nil {
			r.lost = true
			return
		}
		if p.QoS > 0 {
			o.publishDelivered(way, r, p)
		}
		return
	}
	o.otherDelivered(way, r, f, v)
}

// otherDelivered notes a packet that is neither CONNECT nor PUBLISH.
func (o *Observer) otherDelivered(way Way, r *side, f proto.Frame, v proto.Version) {
	if f.Type() == proto.CONNACK {
		o.connackDelivered(r, f, v)
		return
	}
	p, err := o.decode(f, v)
	if err != nil {
		r.lost = true
		return
	}
	switch p := p.(type) {
	case *proto.Ack:
		o.ackDelivered(way, r, p)
	case *proto.Subscribe:
		o.subscribeDelivered(r, p, v)
	case *proto.Unsubscribe:
		o.unsubscribeDelivered(r, p)
	case *proto.Suback:
		o.subackDelivered(p)
	case *proto.Ping:
		if p.Kind == proto.PINGREQ {
			r.pings++
		}
	case *proto.Auth:
		r.auths++
		if way == In && p.Reason == proto.ReAuthenticate {
			o.hello.again = true
		}
	}
}
