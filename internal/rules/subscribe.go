package rules

import (
	"slices"
	"strings"

	"mqtt/internal/proto"
)

// requests are the SUBSCRIBE and UNSUBSCRIBE packets of a connection that wait for an answer.
type requests struct {
	ids     map[uint16]uint8 // as the client sent them, by packet identifier: how many
	waiting []request        // as the server got them
	stray   bool             // an answer was delivered that no request waited for: it may answer a later one
}

// request is a SUBSCRIBE or UNSUBSCRIBE that the server got.
type request struct {
	kind    proto.Type
	id      uint16
	filters int
	asked   []asked // of SUBSCRIBE; nil if the observer does not keep its topic filters
}

// asked is one topic filter of a SUBSCRIBE.
type asked struct {
	filter int // index in subscriptions
	qos    byte
}

// sent reports whether the client has sent a request with that packet identifier, and no answer was
// delivered to it.
func (r *requests) sent(id uint16) bool { return !r.stray && r.ids[id] > 0 }

// requestSent judges the packet identifier of a request and notes it.
func (o *Observer) requestSent(s *side, id uint16, dup bool, packet []byte) {
	f := &o.session.flows[In]
	e, inFlight := f.sending[id]
	if f.partial || e.stranger || e.number != o.number && (!o.hello.told || s.limits.packetSize != 0) {
		inFlight = false
	}
	if (inFlight || o.requests.sent(id)) && !dup {
		o.report(In, ruleIDInUse, packet, "packet identifier %d is in use", id)
	}
	switch {
	case o.requests.ids == nil:
		o.requests.ids = make(map[uint16]uint8)
	case len(o.requests.ids) >= maxRequests:
		clear(o.requests.ids)
	}
	if o.requests.ids[id] < 255 {
		o.requests.ids[id]++
	}
}

// subscribeSent judges a SUBSCRIBE.
func (o *Observer) subscribeSent(s *side, f proto.Frame, p *proto.Subscribe, packet []byte) {
	o.requestSent(s, p.PacketID, f.First&proto.DupBit != 0, packet)
	limits := s.known && !s.lost && s.version >= proto.V5
	for _, x := range p.Filters {
		o.checkFilter(s.version, x.Filter, packet)
		name, filter := proto.SplitShare(x.Filter)
		if limits && s.limits.noWildcard && strings.ContainsAny(filter, "+#") {
			o.report(In, ruleWildcardAvailable, packet, "wildcard subscription %q", clip(x.Filter))
		}
		if limits && s.limits.noShared && name != "" {
			o.report(In, ruleSharedAvailable, packet, "shared subscription %q", clip(x.Filter))
		}
	}
	if limits && s.limits.noIdentifier && p.Props.Has(proto.SubscriptionIdentifier) {
		o.report(In, ruleSubscriptionIDAvailable, packet, "a Subscription Identifier")
	}
}

// unsubscribeSent judges an UNSUBSCRIBE.
func (o *Observer) unsubscribeSent(s *side, f proto.Frame, p *proto.Unsubscribe, packet []byte) {
	o.requestSent(s, p.PacketID, f.First&proto.DupBit != 0, packet)
	for _, filter := range p.Filters {
		o.checkFilter(s.version, filter, packet)
	}
}

// checkFilter judges the form of a topic filter. Only MQTT 5 has shared subscriptions.
func (o *Observer) checkFilter(v proto.Version, filter string, packet []byte) {
	if filter == "" {
		o.report(In, ruleTopicEmpty, packet, "an empty topic filter")
		return
	}
	levels := filter
	if rest, ok := strings.CutPrefix(filter, "$share/"); ok && v >= proto.V5 {
		name, after, _ := strings.Cut(rest, "/")
		switch {
		case name == "":
			o.report(In, ruleShareName, packet, "no share name in %q", clip(filter))
			return
		case strings.ContainsAny(name, "+#"), after == "":
			o.report(In, ruleShareFilter, packet, "a share name with a wildcard or without a topic filter: %q", clip(filter))
			return
		}
		levels = after
	}
	for more := true; more; {
		var level string
		level, levels, more = strings.Cut(levels, "/")
		switch {
		case strings.Contains(level, "#") && (level != "#" || more):
			o.report(In, ruleFilterMulti, packet, "topic filter %q", clip(filter))
			return
		case strings.Contains(level, "+") && level != "+":
			o.report(In, ruleFilterSingle, packet, "topic filter %q", clip(filter))
			return
		}
	}
}

// subscribeDelivered notes a SUBSCRIBE that is given to the server.
func (o *Observer) subscribeDelivered(server *side, p *proto.Subscribe, v proto.Version) {
	r := request{kind: proto.SUBSCRIBE, id: p.PacketID, filters: len(p.Filters)}
	id := p.Props.Num(proto.SubscriptionIdentifier, 0)
	for i := range p.Filters {
		x := &p.Filters[i]
		if n, ok := o.session.ask(x, id, v); ok && len(r.asked) == i {
			r.asked = append(r.asked, asked{n, x.QoS})
		}
	}
	o.match.forget()
	o.requests.wait(server, r)
}

// unsubscribeDelivered notes an UNSUBSCRIBE that is given to the server. Its subscriptions stay
// known, because messages that were on their way may still come.
func (o *Observer) unsubscribeDelivered(server *side, p *proto.Unsubscribe) {
	o.requests.wait(server, request{kind: proto.UNSUBSCRIBE, id: p.PacketID, filters: len(p.Filters)})
}

// wait notes a request that the server has to answer.
func (r *requests) wait(server *side, x request) {
	if len(r.waiting) >= maxRequests {
		server.lost = true
		return
	}
	r.waiting = append(r.waiting, x)
}

// subackSent judges a SUBACK or UNSUBACK.
func (o *Observer) subackSent(s *side, p *proto.Suback, packet []byte) {
	s.lastAnswer = o.now
	if s.lost {
		return
	}
	kind, unknown, count := proto.SUBSCRIBE, ruleSubackID, ruleSubackCount
	if p.Kind == proto.UNSUBACK {
		kind, unknown, count = proto.UNSUBSCRIBE, ruleUnsubackID, ruleUnsubackCount
	}
	i := slices.IndexFunc(o.requests.waiting, func(r request) bool { return r.kind == kind && r.id == p.PacketID })
	if i < 0 {
		o.report(Out, unknown, packet, "%s %d, and no %s waits for it", p.Kind, p.PacketID, kind)
		return
	}
	r := o.requests.waiting[i]
	o.requests.waiting = slices.Delete(o.requests.waiting, i, i+1)
	if p.Kind == proto.UNSUBACK && s.version < proto.V5 {
		return
	}
	if len(p.Reasons) != r.filters {
		o.report(Out, count, packet, "%d reason codes for %d topic filters", len(p.Reasons), r.filters)
		return
	}
	for i, a := range r.asked {
		code := p.Reasons[i]
		if !code.Failed() && byte(code) > a.qos {
			o.report(Out, ruleGrantedQoS, packet, "granted QoS %d for QoS %d", code, a.qos)
		}
		o.session.settle(a, code)
	}
	o.match.forget()
}

// subackDelivered notes an answer that is given to the client.
func (o *Observer) subackDelivered(p *proto.Suback) {
	switch n := o.requests.ids[p.PacketID]; {
	case n > 1:
		o.requests.ids[p.PacketID]--
	case n == 1:
		delete(o.requests.ids, p.PacketID)
	default:
		o.requests.stray = true
	}
}
