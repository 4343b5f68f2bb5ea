package proto

// PropID is the identifier of a property.
type PropID byte

// The 27 properties, with the names of the standard.
const (
	PayloadFormatIndicator          PropID = 0x01
	MessageExpiryInterval           PropID = 0x02
	ContentType                     PropID = 0x03
	ResponseTopic                   PropID = 0x08
	CorrelationData                 PropID = 0x09
	SubscriptionIdentifier          PropID = 0x0B
	SessionExpiryInterval           PropID = 0x11
	AssignedClientIdentifier        PropID = 0x12
	ServerKeepAlive                 PropID = 0x13
	AuthenticationMethod            PropID = 0x15
	AuthenticationData              PropID = 0x16
	RequestProblemInformation       PropID = 0x17
	WillDelayInterval               PropID = 0x18
	RequestResponseInformation      PropID = 0x19
	ResponseInformation             PropID = 0x1A
	ServerReference                 PropID = 0x1C
	ReasonString                    PropID = 0x1F
	ReceiveMaximum                  PropID = 0x21
	TopicAliasMaximum               PropID = 0x22
	TopicAlias                      PropID = 0x23
	MaximumQoS                      PropID = 0x24
	RetainAvailable                 PropID = 0x25
	UserProperty                    PropID = 0x26
	MaximumPacketSize               PropID = 0x27
	WildcardSubscriptionAvailable   PropID = 0x28
	SubscriptionIdentifierAvailable PropID = 0x29
	SharedSubscriptionAvailable     PropID = 0x2A
)

// Kind is the type of a property's value.
type Kind byte

// The kinds. A Flag is a byte that must be 0 or 1.
const (
	Flag   Kind = iota + 1
	Uint16      // two byte integer
	Uint32      // four byte integer
	Varint      // variable byte integer
	Binary      // length and bytes
	Text        // length and UTF-8
	Pair        // two texts, key and value
)

// Property is a row of the table that decoding, validation, the command line, JSON and the man page
// use.
type Property struct {
	ID       PropID
	Name     string // as on the command line, such as message-expiry-interval
	Kind     Kind
	in       uint16 // bit set of the packet types that may have it; 1<<WILL for a will
	NoZero   bool   // the value 0 is a protocol error
	repeated uint16 // bit set of the packet types that may have it more than once
}

// In reports whether a packet of type t, or a will, may have p.
func (p *Property) In(t Type) bool { return p.in&(1<<t) != 0 }

// Repeats reports whether a packet of type t may have p more than once.
func (p *Property) Repeats(t Type) bool { return p.repeated&(1<<t) != 0 }

const everywhere = 0xFFFF &^ (1<<PINGREQ | 1<<PINGRESP)

// Properties is the table of section 2.2.2.2 of MQTT 5, in the order of identifiers. It must not be
// changed.
var Properties = [...]Property{
	{PayloadFormatIndicator, "payload-format-indicator", Flag, inPublish | inWill, false, 0},
	{MessageExpiryInterval, "message-expiry-interval", Uint32, inPublish | inWill, false, 0},
	{ContentType, "content-type", Text, inPublish | inWill, false, 0},
	{ResponseTopic, "response-topic", Text, inPublish | inWill, false, 0},
	{CorrelationData, "correlation-data", Binary, inPublish | inWill, false, 0},
	{SubscriptionIdentifier, "subscription-identifier", Varint, inPublish | inSubscribe, true, inPublish},
	{SessionExpiryInterval, "session-expiry-interval", Uint32, inConnect | inConnack | inDisconnect, false, 0},
	{AssignedClientIdentifier, "assigned-client-identifier", Text, inConnack, false, 0},
	{ServerKeepAlive, "server-keep-alive", Uint16, inConnack, false, 0},
	{AuthenticationMethod, "authentication-method", Text, inConnect | inConnack | inAuth, false, 0},
	{AuthenticationData, "authentication-data", Binary, inConnect | inConnack | inAuth, false, 0},
	{RequestProblemInformation, "request-problem-information", Flag, inConnect, false, 0},
	{WillDelayInterval, "will-delay-interval", Uint32, inWill, false, 0},
	{RequestResponseInformation, "request-response-information", Flag, inConnect, false, 0},
	{ResponseInformation, "response-information", Text, inConnack, false, 0},
	{ServerReference, "server-reference", Text, inConnack | inDisconnect, false, 0},
	{ReasonString, "reason-string", Text, inConnack | inAcks | inSuback | inUnsuback | inDisconnect | inAuth, false, 0},
	{ReceiveMaximum, "receive-maximum", Uint16, inConnect | inConnack, true, 0},
	{TopicAliasMaximum, "topic-alias-maximum", Uint16, inConnect | inConnack, false, 0},
	{TopicAlias, "topic-alias", Uint16, inPublish, true, 0},
	{MaximumQoS, "maximum-qos", Flag, inConnack, false, 0},
	{RetainAvailable, "retain-available", Flag, inConnack, false, 0},
	{UserProperty, "user-property", Pair, everywhere, false, everywhere},
	{MaximumPacketSize, "maximum-packet-size", Uint32, inConnect | inConnack, true, 0},
	{WildcardSubscriptionAvailable, "wildcard-subscription-available", Flag, inConnack, false, 0},
	{SubscriptionIdentifierAvailable, "subscription-identifier-available", Flag, inConnack, false, 0},
	{SharedSubscriptionAvailable, "shared-subscription-available", Flag, inConnack, false, 0},
}

// propertyIndex has the index in Properties of each identifier, plus one.
var propertyIndex = [0x2B]byte{0x01: 1, 0x02: 2, 0x03: 3, 0x08: 4, 0x09: 5, 0x0B: 6, 0x11: 7, 0x12: 8, 0x13: 9, 0x15: 10,
	0x16: 11, 0x17: 12, 0x18: 13, 0x19: 14, 0x1A: 15, 0x1C: 16, 0x1F: 17, 0x21: 18, 0x22: 19, 0x23: 20, 0x24: 21,
	0x25: 22, 0x26: 23, 0x27: 24, 0x28: 25, 0x29: 26, 0x2A: 27}

// Property returns the row of id, or nil if there is no such property.
func (id PropID) Property() *Property {
	if int(id) >= len(propertyIndex) || propertyIndex[id] == 0 {
		return nil
	}
	return &Properties[propertyIndex[id]-1]
}

// String returns the name of the property.
func (id PropID) String() string {
	if p := id.Property(); p != nil {
		return p.Name
	}
	return "unknown property"
}

// LookupProperty returns the row with that name, or nil if there is none.
func LookupProperty(name string) *Property {
	for i := range Properties {
		if Properties[i].Name == name {
			return &Properties[i]
		}
	}
	return nil
}
