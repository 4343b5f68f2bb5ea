package proto

import "strconv"

// Version is the Protocol Level of CONNECT.
type Version byte

// The versions of the protocol.
const (
	V31  Version = 3
	V311 Version = 4
	V5   Version = 5
)

// String returns 3.1, 3.1.1 or 5.
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

// Type is a packet type, the upper four bits of the first byte of a packet.
type Type byte

// The packet types. WILL is not a packet type: it denotes the properties of the will in CONNECT.
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

// String returns the name of t, such as PUBLISH.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "packet type " + strconv.Itoa(int(t))
}

// flags returns the lower four bits of the first byte of a packet of type t, except PUBLISH
// [MQTT-2.1.3-1].
func (t Type) flags() byte {
	switch t {
	case PUBREL, SUBSCRIBE, UNSUBSCRIBE:
		return 2
	}
	return 0
}

// Packet is implemented by pointers to the ten structs.
type Packet interface {
	// Type returns the packet type.
	Type() Type
	// Append appends the packet, encoded in version v. If the standard forbids to send it, the
	// error is an *Error and dst is returned unchanged.
	Append(dst []byte, v Version) ([]byte, error)
	// Decode decodes f, whose type must be one of the struct's, in version v. Fields of type []byte
	// and Props alias f.Body. The error for malformed input is an *Error.
	Decode(f Frame, v Version) error
}

// New returns an empty packet of type t, or nil if there is no such type.
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

// Decode decodes f and returns the packet. It allocates: a hot path calls the Decode method of a
// struct that it reuses.
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
