package proto

import "fmt"

// Reason is a reason code of MQTT 5. Decoding translates the return codes of 3.1 and 3.1.1 into
// reason codes, and encoding translates them back.
type Reason byte

// The reason codes, with the names of the standard. Success is also called Normal disconnection (in
// DISCONNECT) and Granted QoS 0 (in SUBACK).
const (
	Success                             Reason = 0x00
	GrantedQoS1                         Reason = 0x01
	GrantedQoS2                         Reason = 0x02
	DisconnectWithWill                  Reason = 0x04
	NoMatchingSubscribers               Reason = 0x10
	NoSubscriptionExisted               Reason = 0x11
	ContinueAuthentication              Reason = 0x18
	ReAuthenticate                      Reason = 0x19
	UnspecifiedError                    Reason = 0x80
	MalformedPacket                     Reason = 0x81
	ProtocolError                       Reason = 0x82
	ImplementationSpecificError         Reason = 0x83
	UnsupportedProtocolVersion          Reason = 0x84
	ClientIdentifierNotValid            Reason = 0x85
	BadUserNameOrPassword               Reason = 0x86
	NotAuthorized                       Reason = 0x87
	ServerUnavailable                   Reason = 0x88
	ServerBusy                          Reason = 0x89
	Banned                              Reason = 0x8A
	ServerShuttingDown                  Reason = 0x8B
	BadAuthenticationMethod             Reason = 0x8C
	KeepAliveTimeout                    Reason = 0x8D
	SessionTakenOver                    Reason = 0x8E
	TopicFilterInvalid                  Reason = 0x8F
	TopicNameInvalid                    Reason = 0x90
	PacketIdentifierInUse               Reason = 0x91
	PacketIdentifierNotFound            Reason = 0x92
	ReceiveMaximumExceeded              Reason = 0x93
	TopicAliasInvalid                   Reason = 0x94
	PacketTooLarge                      Reason = 0x95
	MessageRateTooHigh                  Reason = 0x96
	QuotaExceeded                       Reason = 0x97
	AdministrativeAction                Reason = 0x98
	PayloadFormatInvalid                Reason = 0x99
	RetainNotSupported                  Reason = 0x9A
	QoSNotSupported                     Reason = 0x9B
	UseAnotherServer                    Reason = 0x9C
	ServerMoved                         Reason = 0x9D
	SharedSubscriptionsNotSupported     Reason = 0x9E
	ConnectionRateExceeded              Reason = 0x9F
	MaximumConnectTime                  Reason = 0xA0
	SubscriptionIdentifiersNotSupported Reason = 0xA1
	WildcardSubscriptionsNotSupported   Reason = 0xA2
)

// Bit sets of packet types, for the tables of reason codes and properties.
const (
	inWill        = 1 << WILL
	inConnect     = 1 << CONNECT
	inConnack     = 1 << CONNACK
	inPublish     = 1 << PUBLISH
	inPuback      = 1 << PUBACK
	inPubrec      = 1 << PUBREC
	inPubrel      = 1 << PUBREL
	inPubcomp     = 1 << PUBCOMP
	inSubscribe   = 1 << SUBSCRIBE
	inSuback      = 1 << SUBACK
	inUnsubscribe = 1 << UNSUBSCRIBE
	inUnsuback    = 1 << UNSUBACK
	inDisconnect  = 1 << DISCONNECT
	inAuth        = 1 << AUTH
	inAcks        = inPuback | inPubrec | inPubrel | inPubcomp
)

// reasons is the table of section 2.4 of MQTT 5: each code with the packets that may have it.
var reasons = [...]struct {
	code Reason
	in   uint16
	name string
}{
	{Success, inConnack | inAcks | inSuback | inUnsuback | inDisconnect | inAuth, "Success"},
	{GrantedQoS1, inSuback, "Granted QoS 1"},
	{GrantedQoS2, inSuback, "Granted QoS 2"},
	{DisconnectWithWill, inDisconnect, "Disconnect with Will Message"},
	{NoMatchingSubscribers, inPuback | inPubrec, "No matching subscribers"},
	{NoSubscriptionExisted, inUnsuback, "No subscription existed"},
	{ContinueAuthentication, inAuth, "Continue authentication"},
	{ReAuthenticate, inAuth, "Re-authenticate"},
	{UnspecifiedError, inConnack | inPuback | inPubrec | inSuback | inUnsuback | inDisconnect, "Unspecified error"},
	{MalformedPacket, inConnack | inDisconnect, "Malformed Packet"},
	{ProtocolError, inConnack | inDisconnect, "Protocol Error"},
	{ImplementationSpecificError, inConnack | inPuback | inPubrec | inSuback | inUnsuback | inDisconnect, "Implementation specific error"},
	{UnsupportedProtocolVersion, inConnack, "Unsupported Protocol Version"},
	{ClientIdentifierNotValid, inConnack, "Client Identifier not valid"},
	{BadUserNameOrPassword, inConnack, "Bad User Name or Password"},
	{NotAuthorized, inConnack | inPuback | inPubrec | inSuback | inUnsuback | inDisconnect, "Not authorized"},
	{ServerUnavailable, inConnack, "Server unavailable"},
	{ServerBusy, inConnack | inDisconnect, "Server busy"},
	{Banned, inConnack, "Banned"},
	{ServerShuttingDown, inDisconnect, "Server shutting down"},
	{BadAuthenticationMethod, inConnack | inDisconnect, "Bad authentication method"},
	{KeepAliveTimeout, inDisconnect, "Keep Alive timeout"},
	{SessionTakenOver, inDisconnect, "Session taken over"},
	{TopicFilterInvalid, inSuback | inUnsuback | inDisconnect, "Topic Filter invalid"},
	{TopicNameInvalid, inConnack | inPuback | inPubrec | inDisconnect, "Topic Name invalid"},
	{PacketIdentifierInUse, inPuback | inPubrec | inSuback | inUnsuback, "Packet Identifier in use"},
	{PacketIdentifierNotFound, inPubrel | inPubcomp, "Packet Identifier not found"},
	{ReceiveMaximumExceeded, inDisconnect, "Receive Maximum exceeded"},
	{TopicAliasInvalid, inDisconnect, "Topic Alias invalid"},
	{PacketTooLarge, inConnack | inDisconnect, "Packet too large"},
	{MessageRateTooHigh, inDisconnect, "Message rate too high"},
	{QuotaExceeded, inConnack | inPuback | inPubrec | inSuback | inDisconnect, "Quota exceeded"},
	{AdministrativeAction, inDisconnect, "Administrative action"},
	{PayloadFormatInvalid, inConnack | inPuback | inPubrec | inDisconnect, "Payload format invalid"},
	{RetainNotSupported, inConnack | inDisconnect, "Retain not supported"},
	{QoSNotSupported, inConnack | inDisconnect, "QoS not supported"},
	{UseAnotherServer, inConnack | inDisconnect, "Use another server"},
	{ServerMoved, inConnack | inDisconnect, "Server moved"},
	{SharedSubscriptionsNotSupported, inSuback | inDisconnect, "Shared Subscriptions not supported"},
	{ConnectionRateExceeded, inConnack | inDisconnect, "Connection rate exceeded"},
	{MaximumConnectTime, inDisconnect, "Maximum connect time"},
	{SubscriptionIdentifiersNotSupported, inSuback | inDisconnect, "Subscription Identifiers not supported"},
	{WildcardSubscriptionsNotSupported, inSuback | inDisconnect, "Wildcard Subscriptions not supported"},
}

// Failed reports whether r is an error: 0x80 or more.
func (r Reason) Failed() bool { return r >= 0x80 }

// String returns the name and the code, such as "Not authorized (0x87)".
func (r Reason) String() string { return r.Name(PUBACK) }

// Name returns the name that r has in a packet of type t, and the code.
func (r Reason) Name(t Type) string {
	name := "unknown reason"
	switch {
	case r == Success && t == DISCONNECT:
		name = "Normal disconnection"
	case r == Success && t == SUBACK:
		name = "Granted QoS 0"
	default:
		for i := range reasons {
			if reasons[i].code == r {
				name = reasons[i].name
				break
			}
		}
	}
	return fmt.Sprintf("%s (0x%02X)", name, byte(r))
}

// Explain returns the name that r has in a packet of type t, the code, and the Reason String of ps
// if it has one, such as "Not authorized (0x87): read only".
func (r Reason) Explain(t Type, ps Props) string {
	name := r.Name(t)
	if s := ps.Value(ReasonString); len(s) > 0 {
		return name + ": " + string(s)
	}
	return name
}

// Allowed reports whether a packet of type t may have r in MQTT 5.
func (r Reason) Allowed(t Type) bool {
	if r == Success {
		return reasons[0].in&(1<<t) != 0
	}
	for i := range reasons {
		if reasons[i].code == r {
			return reasons[i].in&(1<<t) != 0
		}
	}
	return false
}

// returnCodes has the return codes 0 to 5 of CONNACK in 3.1 and 3.1.1, with their reason codes and
// names.
var returnCodes = [...]struct {
	reason Reason
	name   string
}{
	{Success, "Connection accepted"},
	{UnsupportedProtocolVersion, "Unacceptable protocol version"},
	{ClientIdentifierNotValid, "Identifier rejected"},
	{ServerUnavailable, "Server unavailable"},
	{BadUserNameOrPassword, "Bad user name or password"},
	{NotAuthorized, "Not authorized"},
}

// ReturnCodeName returns the name of a return code of CONNACK in 3.1 and 3.1.1.
func ReturnCodeName(code byte) string {
	if int(code) >= len(returnCodes) {
		return "reserved"
	}
	return returnCodes[code].name
}

// ReturnCode returns the return code of CONNACK in 3.1 and 3.1.1 that is equivalent to r, or
// closest to it.
func (r Reason) ReturnCode() byte {
	for i, c := range returnCodes {
		if c.reason == r {
			return byte(i)
		}
	}
	switch r {
	case Banned, BadAuthenticationMethod, TopicNameInvalid, RetainNotSupported, QoSNotSupported, PayloadFormatInvalid:
		return 5
	}
	return 3
}
