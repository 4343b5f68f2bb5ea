package proto

import "strconv"

// Version is the protocol level that a CONNECT names.
type Version byte

// The three versions of the protocol.
const (
	V31  Version = 3
	V311 Version = 4
	V5   Version = 5
)

// String returns the version as people write it: 3.1, 3.1.1 or 5.
func (v Version) String() string {
	switch v {
	case V31:
		return "3.1"
	case V311:
		return "3.1.1"
	case V5:
		return "5"
	}
	return "level " + strconv.Itoa(int(v))
}

// Type is a control packet type, the upper four bits of a packet's first byte.
type Type byte

// The packet types. WILL is not one: it stands for the will's properties inside a
// CONNECT wherever a property's place is named.
const (
	WILL        Type = 0
	CONNECT     Type = 1
	CONNACK     Type = 2
	PUBLISH     Type = 3
	PUBACK      Type = 4
	PUBREC      Type = 5
	PUBREL      Type = 6
	PUBCOMP     Type = 7
	SUBSCRIBE   Type = 8
	SUBACK      Type = 9
	UNSUBSCRIBE Type = 10
	UNSUBACK    Type = 11
	PINGREQ     Type = 12
	PINGRESP    Type = 13
	DISCONNECT  Type = 14
	AUTH        Type = 15
)

var typeNames = [16]string{"WILL", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP",
	"SUBSCRIBE", "SUBACK", "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH"}

// String returns the standard's name of t, such as PUBLISH.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "packet type " + strconv.Itoa(int(t))
}

// flags returns the lower four bits that the first byte of a packet of type t must
// have, PUBLISH aside [MQTT-2.1.3-1].
func (t Type) flags() byte {
	switch t {
	case PUBREL, SUBSCRIBE, UNSUBSCRIBE:
		return 2
	}
	return 0
}

// Packet is what each of the ten structs can do.
type Packet interface {
	// Type tells which of the fifteen packets this is.
	Type() Type
	// Append appends the packet as it stands on the wire in version v.
	// What the standard forbids to send is an *Error, and dst is returned as it was.
	Append(dst []byte, v Version) ([]byte, error)
	// Decode reads f, a packet of this struct's type, in version v. Fields that
	// are []byte or Props alias f.Body. Malformed input is an *Error.
	Decode(f Frame, v Version) error
}

// New returns an empty packet of type t, nil where there is no such type.
func New(t Type) Packet {
	switch t {
	case CONNECT:
		return new(Connect)
	case CONNACK:
		return new(Connack)
	case PUBLISH:
		return new(Publish)
	case PUBACK, PUBREC, PUBREL, PUBCOMP:
		return &Ack{Kind: t}
	case SUBSCRIBE:
		return new(Subscribe)
	case UNSUBSCRIBE:
		return new(Unsubscribe)
	case SUBACK, UNSUBACK:
		return &Suback{Kind: t}
	case PINGREQ, PINGRESP:
		return &Ping{Kind: t}
	case DISCONNECT:
		return new(Disconnect)
	case AUTH:
		return new(Auth)
	}
	return nil
}

// Decode reads f as whatever packet it is. It allocates the packet; a hot path
// decodes into a struct of its own instead.
func Decode(f Frame, v Version) (Packet, error) {
	p := New(f.Type())
	if p == nil {
		return nil, &Error{Type: f.Type(), Reason: MalformedPacket, What: "reserved packet type"}
	}
	if err := p.Decode(f, v); err != nil {
		return nil, err
	}
	return p, nil
}
