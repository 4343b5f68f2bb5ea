package rules

import (
	"slices"

	"mqtt/internal/proto"
)

// ackSent judges a PUBACK, PUBREC, PUBREL or PUBCOMP of side s.
func (o *Observer) ackSent(way Way, s *side, p *proto.Ack, packet []byte) {
	if way == Out {
		s.lastAnswer = o.now
	} else if p.Reason == proto.NoMatchingSubscribers {
		o.report(way, ruleNoMatching, packet, "%s with %s from the client", p.Kind, p.Reason)
	}
	switch p.Kind {
	case proto.PUBACK:
		o.answerSent(way, s, p, 1, packet)
	case proto.PUBREC:
		o.answerSent(way, s, p, 2, packet)
	case proto.PUBREL:
		o.pubrelSent(way, s, p, packet)
	case proto.PUBCOMP:
		o.pubcompSent(way, s, p, packet)
	}
}

// knows reports whether the observer knows all that side s has received in this session.
func (o *Observer) knows(s *side, f *flow) bool {
	return o.session.whole && !s.lost && !f.partial
}

// answerSent judges a PUBACK (qos 1) or a PUBREC (qos 2).
func (o *Observer) answerSent(way Way, s *side, p *proto.Ack, qos byte, packet []byte) {
	f := &o.session.flows[1-way]
	e := f.receiving[p.PacketID]
	other := 3 - qos
	o.checkAckOrder(way, s, p, qos, packet)
	switch {
	case e.owed[qos] > 0:
		e.owed[qos]--
	case qos == 2 && e.awaits: // again, as after a reconnect
	case e.owed[other] > 0:
		if !s.lost {
			o.report(way, ruleAckType, packet, "%s for a PUBLISH at QoS %d", p.Kind, other)
		}
		e.owed[other]--
	case o.knows(s, f):
		r := rulePubackID
		if qos == 2 {
			r = rulePubrecID
		}
		o.report(way, r, packet, "%s %d, and no PUBLISH waits for it", p.Kind, p.PacketID)
	}
	if qos == 2 {
		e.awaits = !p.Reason.Failed()
	}
	f.setReceiving(p.PacketID, e)
}

// checkAckOrder judges whether a client acknowledges in the order of the PUBLISH packets.
func (o *Observer) checkAckOrder(way Way, s *side, p *proto.Ack, qos byte, packet []byte) {
	if way == Out {
		return
	}
	i := slices.Index(s.owed[qos], p.PacketID)
	if i < 0 {
		return
	}
	if o.hello.told {
		s.known = true // the PUBLISH came after CONNACK
	}
	if i > 0 && !s.lost && !s.owedLost {
		r := rulePubackOrder
		if qos == 2 {
			r = rulePubrecOrder
		}
		o.report(way, r, packet, "%s %d, and %d came before", p.Kind, p.PacketID, s.owed[qos][0])
	}
	s.owed[qos] = slices.Delete(s.owed[qos], i, i+1)
}

// pubrelSent judges a PUBREL.
func (o *Observer) pubrelSent(way Way, s *side, p *proto.Ack, packet []byte) {
	f := &o.session.flows[way]
	e, inFlight := f.sending[p.PacketID]
	if i := slices.Index(s.pubrecs, p.PacketID); i >= 0 {
		if way == In && o.hello.told {
			s.known = true
		}
		if i > 0 && way == In && !s.lost && !s.owedLost && !f.partial {
			o.report(way, rulePubrelOrder, packet, "PUBREL %d, and PUBREC %d came before", p.PacketID, s.pubrecs[0])
		}
		s.pubrecs = slices.Delete(s.pubrecs, i, i+1)
	}
	switch {
	case inFlight && e.stranger:
		if e.pubrecs--; e.pubrecs == 0 {
			delete(f.sending, p.PacketID)
			return
		}
		f.sending[p.PacketID] = e
		return
	case inFlight && e.pubrecs > 0:
		e.pubrecs--
	case inFlight && e.released && e.relOn == o.number:
		if !s.lost {
			o.report(way, ruleResend, packet, "PUBREL %d again on the same connection", p.PacketID)
		}
	case inFlight && e.released:
	case inFlight && e.number == o.number:
		if !s.lost && !f.partial {
			o.report(way, rulePubrelAnswers, packet, "PUBREL %d without PUBREC", p.PacketID)
		}
	case !inFlight && o.knows(s, f) && !o.hello.present && (s.version >= proto.V5 || s.acked == 0):
		// In a session that continues, the sender may not have received the PUBCOMP that was delivered.
		o.report(way, ruleAckID, packet, "PUBREL %d, and no PUBLISH has this identifier", p.PacketID)
		return
	}
	if inFlight {
		e.released, e.relOn = true, o.number
		f.setSending(p.PacketID, e)
	}
}

// pubcompSent judges a PUBCOMP.
func (o *Observer) pubcompSent(way Way, s *side, p *proto.Ack, packet []byte) {
	f := &o.session.flows[1-way]
	e, ok := f.receiving[p.PacketID]
	switch {
	case e.pubrels > 0:
		e.pubrels--
	case !o.knows(s, f):
	case ok && (e.awaits || e.owed[2] > 0):
		o.report(way, rulePubcompAnswers, packet, "PUBCOMP %d before PUBREL", p.PacketID)
	case ok && e.owed[1] > 0:
		o.report(way, ruleAckType, packet, "PUBCOMP for a PUBLISH at QoS 1")
	default:
		o.report(way, ruleAckID, packet, "PUBCOMP %d, and no PUBREL waits for it", p.PacketID)
	}
	f.setReceiving(p.PacketID, e)
}

// finished notes that the last acknowledgement of a message was delivered. PUBREC packets that were
// repeated may still be answered.
func (o *Observer) finished(f *flow, id uint16, e sending) {
	delete(f.sending, id)
	if e.pubrecs > 0 {
		f.setSending(id, sending{stranger: true, number: o.number, pubrecs: e.pubrecs})
	}
}

// ackDelivered notes an acknowledgement that is given to side r.
func (o *Observer) ackDelivered(way Way, r *side, p *proto.Ack) {
	f := &o.session.flows[1-way] // of the messages that r sent
	e, inFlight := f.sending[p.PacketID]
	if (!inFlight || e.stranger) && p.Kind != proto.PUBREL {
		// It may cross a PUBLISH with this identifier that r has queued. What r makes of it is not
		// known.
		f.partial = true
	}
	switch p.Kind {
	case proto.PUBACK, proto.PUBCOMP:
		if inFlight {
			r.acked++
		}
		o.finished(f, p.PacketID, e)
		r.window--
	case proto.PUBREC:
		if p.Reason.Failed() {
			if inFlight {
				r.acked++
			}
			o.finished(f, p.PacketID, e)
			r.window--
			return
		}
		if !inFlight || e.qos != 2 {
			e = sending{stranger: true, number: o.number, pubrecs: e.pubrecs}
		} else if len(r.pubrecs) >= maxOwed {
			r.owedLost = true
		} else if !e.released && !slices.Contains(r.pubrecs, p.PacketID) {
			r.pubrecs = append(r.pubrecs, p.PacketID)
		}
		if e.pubrecs < 255 {
			e.pubrecs++
		}
		f.setSending(p.PacketID, e)
	case proto.PUBREL:
		own := &o.session.flows[way]
		e := own.receiving[p.PacketID]
		e.awaits = false
		if e.pubrels < 255 {
			e.pubrels++
		}
		own.setReceiving(p.PacketID, e)
	}
}
