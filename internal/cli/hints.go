package cli

import (
	"cmp"
	"errors"
	"fmt"

	"mqtt/internal/conn"
	"mqtt/internal/format"
	"mqtt/internal/proto"
	"mqtt/internal/scram"
	"mqtt/internal/transport"
)

// hinted is an error of another package that has a hint.
type hinted interface{ Hint() string }

// transportHint returns the hint that an error has, or the one of package transport.
func transportHint(err error) string {
	var tip hinted
	if errors.As(err, &tip) {
		return tip.Hint()
	}
	return transport.Hint(err)
}

func noHint(error) string { return "" }

func unansweredHint(err error) string {
	var closed *transport.CloseError
	if errors.As(err, &closed) {
		return "the server speaks WebSocket: its log may say more"
	}
	return "is this an MQTT port? it may require TLS (--tls) or WebSocket (--ws)"
}

func lostHint(err error) string {
	return cmp.Or(transportHint(err), UnansweredHint(err), "--reconnect always tries again")
}

// UnansweredHint returns what to do if the server has closed the connection in place of an answer, ""
// if that is not so. Before version 5 a server has no other way to refuse, and to end the connection of
// a client whose identifier another one uses.
func UnansweredHint(err error) string {
	var lost *conn.Broken
	if !errors.As(err, &lost) {
		return ""
	}
	switch lost.Unanswered {
	case proto.SUBSCRIBE:
		return "may this user read there? does another client use the same identifier (-i)?"
	case proto.PUBLISH:
		return "may this user publish there? does another client use the same identifier (-i)?"
	}
	return ""
}

func subscribeHint(err error) string {
	var s *conn.SubscribeError
	errors.As(err, &s)
	return RefusedFilterHint(s.Reason)
}

// LimitHint returns what to do about a message that the limits of the server do not allow.
func LimitHint(err error) string {
	var l *conn.Limit
	errors.As(err, &l)
	switch l.Property {
	case proto.MaximumQoS:
		return fmt.Sprintf("use -q %d, or --downgrade-qos", l.Max)
	case proto.RetainAvailable:
		return "this server keeps no retained messages: leave out -r"
	case proto.TopicAliasMaximum:
		return "leave out the topic alias, or use a smaller one"
	}
	return "send smaller messages"
}

const credentialsHint = "check -u and the password (--password-file, MQTT_PASSWORD)"

// refusedHint returns what to do about a refused connection.
func refusedHint(err error) string {
	var r *conn.Refused
	if !errors.As(err, &r) {
		return credentialsHint // the exchange of --auth-method failed
	}
	switch r.Reason {
	case proto.BadUserNameOrPassword:
		return credentialsHint
	case proto.NotAuthorized:
		return "the server wants other credentials: -u with --password-file or MQTT_PASSWORD"
	case proto.UnsupportedProtocolVersion:
		return otherVersions(r.Version)
	case proto.UnspecifiedError, proto.ImplementationSpecificError:
		return "the server's log may say why"
	case proto.MalformedPacket, proto.ProtocolError:
		return "-d shows the packets; " + otherVersions(r.Version)
	case proto.Banned:
		return "the server has banned this client by its identifier, user or address: ask its administrator"
	case proto.ClientIdentifierNotValid:
		return "try another client identifier: -i"
	case proto.BadAuthenticationMethod:
		return "try another --auth-method, or none"
	case proto.ServerBusy, proto.ServerUnavailable, proto.ConnectionRateExceeded, proto.QuotaExceeded:
		return "try again later, or with --reconnect 10"
	case proto.UseAnotherServer, proto.ServerMoved:
		return referenceHint(r.Props)
	case proto.TopicNameInvalid, proto.QoSNotSupported, proto.RetainNotSupported, proto.PayloadFormatInvalid:
		return "check the will: --will-topic, --will-qos, --will-retain"
	}
	return ""
}

// otherVersions returns the versions to try after v was refused.
func otherVersions(v proto.Version) string {
	switch v {
	case proto.V5:
		return "try another version: -V 3.1.1 or 3.1"
	case proto.V311:
		return "try another version: -V 5 or 3.1"
	}
	return "try another version: -V 5 or 3.1.1"
}

// RefusedMessageHint returns what to do about a refused message.
func RefusedMessageHint(r proto.Reason) string {
	switch r {
	case proto.NotAuthorized:
		return "this user may not publish there"
	case proto.TopicNameInvalid:
		return "the server does not accept this topic"
	case proto.QuotaExceeded:
		return "try again later, or send more slowly"
	case proto.PayloadFormatInvalid:
		return "the payload does not match --payload-format-indicator"
	case proto.UnspecifiedError, proto.ImplementationSpecificError:
		return "the server's log may say why"
	}
	return "-d shows the packets"
}

// disconnectedHint returns what to do about a DISCONNECT of the server.
func disconnectedHint(err error) string {
	var d *conn.Disconnected
	errors.As(err, &d)
	switch d.Reason {
	case proto.SessionTakenOver:
		return "another client connected with the same identifier: choose another -i"
	case proto.NotAuthorized:
		return "this user may not do that here"
	case proto.PacketTooLarge:
		return "send smaller messages"
	case proto.MalformedPacket, proto.ProtocolError, proto.ReceiveMaximumExceeded, proto.TopicAliasInvalid:
		return "-d shows the packets"
	case proto.UseAnotherServer, proto.ServerMoved:
		return referenceHint(d.Props)
	case proto.WildcardSubscriptionsNotSupported, proto.SharedSubscriptionsNotSupported, proto.SubscriptionIdentifiersNotSupported:
		return RefusedFilterHint(d.Reason)
	case proto.QoSNotSupported:
		return "use a lower QoS: -q 1 or -q 0"
	case proto.RetainNotSupported:
		return "this server keeps no retained messages: leave out -r and --will-retain"
	case proto.TopicFilterInvalid, proto.TopicNameInvalid:
		return "the server does not accept this topic"
	case proto.PayloadFormatInvalid:
		return "the payload does not match --payload-format-indicator"
	case proto.BadAuthenticationMethod:
		return "try another --auth-method, or none"
	}
	if !conn.Lost(err) {
		return ""
	}
	return "--reconnect always tries again"
}

// referenceHint returns where the server of ps says that clients go, with control characters made
// visible.
func referenceHint(ps proto.Props) string {
	s := ps.Value(proto.ServerReference)
	if len(s) == 0 {
		return "the server does not say where: ask its administrator"
	}
	return "the server points to " + string(format.VisibleLine(nil, s))
}

// foreignHint returns what to do about a port that serves another protocol.
func foreignHint(err error) string {
	var f *conn.Foreign
	errors.As(err, &f)
	switch f.Protocol {
	case "HTTP":
		return "the port may serve MQTT over WebSocket (--ws, --ws-path); plain MQTT is on another port, often 1883 or 8883"
	case "TLS":
		return "use --tls"
	}
	return "check host and port: MQTT is often on 1883, or on 8883 with TLS"
}

// breachHint returns what to do about a server that broke the protocol.
func breachHint(err error) string {
	var e *proto.Error
	switch {
	case errors.Is(err, conn.ErrOldConnack):
		return "use -V 3.1.1"
	case errors.As(err, &e) && e.Reason == proto.MalformedPacket:
		return "is this an MQTT server? -d shows the packets"
	case errors.Is(err, scram.ErrProof):
		return "wrong server, or wrong password: check -h and -p, then the password"
	case errors.Is(err, scram.ErrIterations):
		return "store the password at the server again, or use another --auth-method"
	}
	return "-d shows the packets"
}

// RefusedFilterHint returns what to do about a refused topic filter.
func RefusedFilterHint(r proto.Reason) string {
	switch r {
	case proto.NotAuthorized, proto.UnspecifiedError:
		return "this user may not subscribe to it; --partial-ok continues with the other filters"
	case proto.SharedSubscriptionsNotSupported, proto.WildcardSubscriptionsNotSupported, proto.SubscriptionIdentifiersNotSupported:
		return "this server does not support it"
	case proto.QuotaExceeded:
		return "the server accepts no more subscriptions: use fewer filters, or --partial-ok to continue with the others"
	}
	return "--partial-ok continues with the other filters"
}
