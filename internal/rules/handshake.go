package rules

import (
	"mqtt/internal/proto"
)

// connectSent judges CONNECT.
func (o *Observer) connectSent(s *side, f proto.Frame, packet []byte) {
	if o.hello.seen {
		o.report(In, ruleSecondConnect, packet, "a second CONNECT")
		return
	}
	o.hello.seen = true
	var p proto.Connect
	err := p.Decode(f, 0)
	if err != nil {
		o.connectMalformed(s, f, packet, err)
		return
	}
	s.version = p.Version
	if s.version == proto.V311 && p.ClientID == "" && !p.CleanStart {
		o.report(In, ruleClientIDEmpty, packet, "no client identifier and Clean Session 0")
	}
	if n := len([]rune(p.ClientID)); n == 0 || n > 23 {
		o.report(In, ruleClientIDLength, packet, "a client identifier of %d characters", n)
	}
	if w := p.Will; w != nil && w.Props.Num(proto.PayloadFormatIndicator, 0) == 1 && !validUTF8(w.Payload) {
		o.report(In, rulePayloadFormat, packet, "a will payload that is not UTF-8")
	}
	o.hello.note(&p)
	if p.CleanStart {
		o.sessions.forget(p.ClientID)
	}
}

// versionOf returns the protocol level in the body of a CONNECT, or 0 if it has none.
func versionOf(body []byte) proto.Version {
	if len(body) < 2 {
		return 0
	}
	if at := 2 + (int(body[0])<<8 | int(body[1])); at < len(body) {
		return proto.Version(body[at])
	}
	return 0
}

// connectMalformed reports why CONNECT is malformed. A version that the package does not know is
// another protocol.
func (o *Observer) connectMalformed(s *side, f proto.Frame, packet []byte, err error) {
	switch v := versionOf(f.Body); v {
	case proto.V31, proto.V311, proto.V5:
		s.version = v
	case 0:
		s.version = proto.V5
	default:
		o.over = true
		return
	}
	o.malformed(In, f, packet, err)
}

// note keeps what the packets that follow depend on.
func (h *hello) note(p *proto.Connect) {
	h.version, h.clean, h.keepAlive, h.clientID = p.Version, p.CleanStart, int(p.KeepAlive), p.ClientID
	method, ok := p.Props.Get(proto.AuthenticationMethod)
	h.method, h.hasMethod = string(method.Value), ok
	h.expiry = p.Props.Num(proto.SessionExpiryInterval, 0)
	h.noProblem = p.Props.Num(proto.RequestProblemInformation, 1) == 0
	h.wantsResponse = p.Props.Num(proto.RequestResponseInformation, 0) == 1
}

// connectDelivered notes CONNECT. server is the side that receives it.
func (o *Observer) connectDelivered(server *side, f proto.Frame) {
	if o.hello.delivered {
		server.lost = true
		return
	}
	o.hello.delivered = true
	var p proto.Connect
	err := p.Decode(f, 0)
	if p.ClientID != "" {
		o.sessions.await(o, p.ClientID)
	}
	server.version = p.Version
	if err != nil {
		if server.version = versionOf(f.Body); server.version != proto.V31 && server.version != proto.V311 && server.version != proto.V5 {
			o.over = true
			return
		}
		server.lost = true
		server.known = true
		return
	}
	// If a relay altered the packet, the server must keep to what it got, and what the client may
	// expect is not judged.
	sent := o.hello
	o.hello.note(&p)
	if o.hello != sent {
		o.sides[In].lost = true
		o.session.spoil()
	}
	server.known = true
	server.limits = limitsOf(p.Props)
}

// limitsOf returns the limits in the properties of CONNECT or CONNACK.
func limitsOf(ps proto.Props) limits {
	l := limits{
		receiveMaximum: int(ps.Num(proto.ReceiveMaximum, 65535)),
		packetSize:     int(ps.Num(proto.MaximumPacketSize, 0)),
		aliasMaximum:   int(ps.Num(proto.TopicAliasMaximum, 0)),
		maximumQoS:     byte(ps.Num(proto.MaximumQoS, 2)),
		noRetain:       ps.Num(proto.RetainAvailable, 1) == 0,
		noWildcard:     ps.Num(proto.WildcardSubscriptionAvailable, 1) == 0,
		noShared:       ps.Num(proto.SharedSubscriptionAvailable, 1) == 0,
		noIdentifier:   ps.Num(proto.SubscriptionIdentifierAvailable, 1) == 0,
	}
	return l
}

// oldRefusal reports whether a CONNACK for version 5 is one of 3.1.1, which a server that does not
// know version 5 sends.
func oldRefusal(f proto.Frame, v proto.Version) bool {
	return v >= proto.V5 && f.First == byte(proto.CONNACK)<<4 && len(f.Body) == 2 && f.Body[1] > 0 && f.Body[1] < 0x80
}

// connackSent judges CONNACK.
func (o *Observer) connackSent(s *side, f proto.Frame, packet []byte) {
	h := &o.hello
	if !h.delivered && !s.lost {
		o.report(Out, ruleConnackAnswers, packet, "CONNACK before CONNECT was delivered")
	}
	if h.answered {
		o.report(Out, ruleConnackTwice, packet, "a second CONNACK")
		return
	}
	h.answered = true
	s.lastAnswer = o.now
	if oldRefusal(f, s.version) {
		s.bye, s.refused = true, true
		o.sessions.refused(o)
		return
	}
	var p proto.Connack
	if err := p.Decode(f, s.version); err != nil {
		o.malformed(Out, f, packet, err)
		if len(f.Body) > 1 && f.Body[1] != 0 {
			s.bye, s.refused = true, true
		} else {
			h.accepted = true
		}
		s.lost = true
		return
	}
	if s.version >= proto.V5 && len(f.Body) == 2 {
		o.report(Out, rulePropsLength, packet, "CONNACK without a property length")
	}
	o.checkSize(Out, proto.CONNACK, &p, packet)
	if p.Props.Has(proto.ResponseInformation) && !h.wantsResponse && !s.lost {
		o.report(Out, ruleResponseInfo, packet, "Response Information that was not asked for")
	}
	o.checkMethod(Out, p.Props, packet, p.Reason == proto.Success)
	if p.Reason != proto.Success {
		s.bye, s.refused = true, true
		o.sessions.refused(o)
		return
	}
	h.accepted, h.present = true, p.SessionPresent
	if s.lost || !h.delivered {
		return
	}
	o.acceptedSent(s, &p, packet)
}

// acceptedSent judges a CONNACK that accepts.
func (o *Observer) acceptedSent(s *side, p *proto.Connack, packet []byte) {
	h := &o.hello
	if p.SessionPresent && h.clean {
		o.report(Out, ruleConnackClean, packet, "Session Present 1 after Clean Start 1")
	}
	client := h.clientID
	if client == "" {
		client = string(p.Props.Value(proto.AssignedClientIdentifier))
		switch {
		case s.version >= proto.V5 && client == "":
			o.report(Out, ruleAssignedID, packet, "no Assigned Client Identifier for an empty client identifier")
		case s.version == proto.V311 && !h.clean:
			o.report(Out, ruleClientIDEmptyAccepted, packet, "an empty client identifier with Clean Session 0 was accepted")
		}
	}
	if ps := p.Props; ps.Has(proto.ServerKeepAlive) {
		h.keepAlive = int(ps.Num(proto.ServerKeepAlive, 0))
	}
	if client == "" { // nobody can come back to this session
		o.session.whole = h.clean
		return
	}
	o.attach(client, h.clean, p.SessionPresent, s.version)
}

// connackDelivered notes CONNACK. client is the side that receives it.
func (o *Observer) connackDelivered(client *side, f proto.Frame, v proto.Version) {
	var p proto.Connack
	if err := p.Decode(f, v); err != nil || p.Reason != proto.Success {
		return
	}
	o.hello.told, o.hello.toldAt = true, o.now
	if p.SessionPresent != o.hello.present && v != proto.V31 {
		client.lost = true // altered by a relay
		o.session.spoil()
	}
	client.limits = limitsOf(p.Props)
	// A client that sent nothing before CONNACK has waited for it. One that did may not have seen
	// it yet: its next answer to a packet shows that it has.
	client.known = !o.hello.early
}

// checkMethod judges the Authentication Method of CONNACK. required says whether it must be there.
func (o *Observer) checkMethod(way Way, ps proto.Props, packet []byte, required bool) {
	h := &o.hello
	method, ok := ps.Get(proto.AuthenticationMethod)
	switch {
	case o.sides[way].lost || o.sides[way].version < proto.V5:
	case ok && !h.hasMethod:
		o.report(way, ruleAuthServerUninvited, packet, "Authentication Method %q for a client that gave none", clip(method.Value))
	case required && h.hasMethod && !ok:
		o.report(way, ruleAuthSameMethod, packet, "no Authentication Method, want %q", clip(h.method))
	case ok && string(method.Value) != h.method:
		o.report(way, ruleAuthSameMethod, packet, "Authentication Method %q, want %q", clip(method.Value), clip(h.method))
	}
}

// authSent judges AUTH.
func (o *Observer) authSent(way Way, s *side, p *proto.Auth, packet []byte) {
	h := &o.hello
	if s.lost {
		return
	}
	if !h.hasMethod {
		r := ruleAuthClientUninvited
		if way == Out {
			r = ruleAuthServerUninvited
		}
		o.report(way, r, packet, "AUTH without an Authentication Method in CONNECT")
		return
	}
	method, ok := p.Props.Get(proto.AuthenticationMethod)
	switch {
	case !ok:
		o.report(way, ruleAuthMethod, packet, "AUTH without an Authentication Method")
	case string(method.Value) != h.method:
		r := ruleAuthSameMethod
		if h.told && way == In {
			r = ruleAuthAgain
		}
		o.report(way, r, packet, "Authentication Method %q, want %q", clip(method.Value), clip(h.method))
	}
	switch {
	case way == Out && !h.accepted && p.Reason != proto.ContinueAuthentication:
		o.report(way, ruleAuthServerReason, packet, "AUTH with %s before CONNACK", p.Reason)
	case way == Out && p.Reason == proto.ReAuthenticate, way == In && p.Reason == proto.Success:
		o.report(way, ruleAuthSender, packet, "AUTH with %s from the %s", p.Reason, way.sender())
	case way == Out && h.accepted && !h.again:
		o.report(way, ruleAuthBegins, packet, "AUTH after CONNACK, and the client has not begun to authenticate again")
	case way == In && !h.told && p.Reason != proto.ContinueAuthentication:
		o.report(way, ruleAuthClientReason, packet, "AUTH with %s before CONNACK", p.Reason)
	case way == In && p.Reason == proto.ContinueAuthentication && s.auths == 0:
		o.report(way, ruleAuthClientReason, packet, "AUTH with %s, and the server has sent no AUTH", p.Reason)
	}
}

// clientOnly and serverOnly are the reason codes of DISCONNECT that one side alone sends.
var clientOnly = [...]proto.Reason{proto.Success, proto.DisconnectWithWill}

var serverOnly = [...]proto.Reason{proto.NotAuthorized, proto.ServerBusy, proto.ServerShuttingDown, proto.KeepAliveTimeout, proto.SessionTakenOver,
	proto.TopicFilterInvalid, proto.RetainNotSupported, proto.QoSNotSupported, proto.UseAnotherServer, proto.ServerMoved,
	proto.SharedSubscriptionsNotSupported, proto.ConnectionRateExceeded, proto.MaximumConnectTime,
	proto.SubscriptionIdentifiersNotSupported, proto.WildcardSubscriptionsNotSupported}

// disconnectSent judges DISCONNECT.
func (o *Observer) disconnectSent(way Way, s *side, p *proto.Disconnect, packet []byte) {
	s.bye = true
	if s.version < proto.V5 {
		return
	}
	foreign := serverOnly[:]
	if way == Out {
		foreign = clientOnly[:]
	}
	for _, r := range foreign {
		if p.Reason == r {
			o.report(way, ruleDisconnectSender, packet, "DISCONNECT with %s from the %s", p.Reason.Name(proto.DISCONNECT), way.sender())
		}
	}
	expiry, ok := p.Props.Get(proto.SessionExpiryInterval)
	switch {
	case ok && way == Out:
		o.report(way, ruleDisconnectServerExpiry, packet, "a Session Expiry Interval of %d s", expiry.Num)
	case ok && expiry.Num != 0 && o.hello.expiry == 0:
		o.report(way, ruleDisconnectExpiry, packet, "a Session Expiry Interval of %d s, and CONNECT had 0", expiry.Num)
	}
	if way == Out && p.Reason == proto.KeepAliveTimeout {
		o.checkClientSilence(packet)
	}
}
