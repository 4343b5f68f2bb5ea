package proto

import "encoding/binary"

// Connect is the first packet of a connection.
type Connect struct {
	Version     Version
	Bridge      bool   // bit 7 of the protocol level, by which bridges say in 3.1 and 3.1.1 what they are
	CleanStart  bool   // Clean Session in 3.1 and 3.1.1
	KeepAlive   uint16 // in seconds; 0 means off
	ClientID    string
	Props       Props
	Will        *Will
	HasUsername bool
	Username    string
	HasPassword bool
	Password    []byte
}

// Will is the message that the server publishes when the connection ends without DISCONNECT.
type Will struct {
	Topic   string
	Payload []byte
	QoS     byte
	Retain  bool
	Props   Props
}

// Type returns CONNECT.
func (p *Connect) Type() Type { return CONNECT }

// bridgeLevel is the bit of the protocol level that mosquitto's bridges set. No standard has it.
const bridgeLevel = 0x80

// Connect Flags.
const (
	flagCleanStart = 0x02
	flagWill       = 0x04
	flagWillRetain = 0x20
	flagPassword   = 0x40
	flagUsername   = 0x80
)

// check returns an error if the standard forbids p in version v.
func (p *Connect) check(v Version) error {
	bad := func(r Reason, what string) error { return encodeError(CONNECT, r, what) }
	if v != V31 && v != V311 && v != V5 {
		return bad(UnsupportedProtocolVersion, "protocol "+v.String())
	}
	if err := CheckText(p.ClientID); err != nil {
		return bad(ClientIdentifierNotValid, "client identifier: "+err.Error()) // [MQTT-3.1.3-4]
	}
	if v == V311 && p.ClientID == "" && !p.CleanStart {
		return bad(ClientIdentifierNotValid, "no client identifier without Clean Session") // 3.1.1 [MQTT-3.1.3-7]
	}
	if v == V31 && p.ClientID == "" {
		return bad(ClientIdentifierNotValid, "no client identifier")
	}
	if err := CheckText(p.Username); err != nil {
		return bad(MalformedPacket, "user name: "+err.Error()) // [MQTT-3.1.3-12]
	}
	if len(p.Password) > MaxText {
		return bad(MalformedPacket, "password of more than 65535 bytes")
	}
	if v < V5 && p.HasPassword && !p.HasUsername {
		return bad(ProtocolError, "password without a user name") // 3.1.1 [MQTT-3.1.2-22]
	}
	if w := p.Will; w != nil {
		if w.QoS > 2 {
			return bad(MalformedPacket, "will QoS 3") // [MQTT-3.1.2-12]
		}
		if err := CheckTopic(w.Topic); err != nil {
			return bad(TopicNameInvalid, "will topic: "+err.Error()) // [MQTT-3.1.3-11]
		}
		if len(w.Payload) > MaxText {
			return bad(MalformedPacket, "will payload of more than 65535 bytes")
		}
		if err := checkProps(w.Props, WILL, v); err != nil {
			err.(*Error).Type = CONNECT
			return err
		}
	}
	return checkProps(p.Props, CONNECT, v)
}

// Append appends the packet in version v; p.Version is ignored. The order of the fields is
// [MQTT-3.1.3-1].
func (p *Connect) Append(dst []byte, v Version) ([]byte, error) {
	if err := p.check(v); err != nil {
		return dst, err
	}
	name := "MQTT" // [MQTT-3.1.2-1]
	if v == V31 {
		name = "MQIsdp"
	}
	n := 2 + len(name) + 4 + propsLen(p.Props, v) + 2 + len(p.ClientID)
	var flags byte
	if p.CleanStart {
		flags |= flagCleanStart
	}
	if w := p.Will; w != nil { // without a will, the bits for its QoS and retain flag are 0 [MQTT-3.1.2-11]
		n += propsLen(w.Props, v) + 4 + len(w.Topic) + len(w.Payload)
		flags |= flagWill | w.QoS<<3
		if w.Retain {
			flags |= flagWillRetain
		}
	}
	if p.HasUsername {
		n += 2 + len(p.Username)
		flags |= flagUsername
	}
	if p.HasPassword {
		n += 2 + len(p.Password)
		flags |= flagPassword
	}
	dst, err := appendFixedHeader(dst, CONNECT, n)
	if err != nil {
		return dst, err
	}
	level := byte(v)
	if p.Bridge && v < V5 {
		level |= bridgeLevel
	}
	dst = append(appendText(dst, name), level, flags)
	dst = binary.BigEndian.AppendUint16(dst, p.KeepAlive)
	dst = appendProps(dst, p.Props, v)
	dst = appendText(dst, p.ClientID)
	if w := p.Will; w != nil { // [MQTT-3.1.2-9]
		dst = appendProps(dst, w.Props, v)
		dst = appendText(dst, w.Topic)
		dst = appendText(dst, w.Payload)
	}
	if p.HasUsername {
		dst = appendText(dst, p.Username)
	}
	if p.HasPassword {
		dst = appendText(dst, p.Password)
	}
	return dst, nil
}

// Decode decodes f. The version is in the packet. p.Version is also set if it is unknown, and the
// reason of the error is UnsupportedProtocolVersion.
func (p *Connect) Decode(f Frame, _ Version) error {
	*p = Connect{}
	c := newCursor(f, V5) // the reserved bits are the same in all versions
	name := c.text()
	p.Version = Version(c.byte())
	if c.err != nil {
		return c.err
	}
	switch v := p.Version; {
	case string(name) == "MQTT" && v == V311|bridgeLevel, string(name) == "MQIsdp" && v == V31|bridgeLevel:
		p.Version, p.Bridge = v&^bridgeLevel, true
	}
	switch v := p.Version; {
	case string(name) == "MQTT" && (v == V311 || v == V5):
	case string(name) == "MQIsdp" && v == V31:
	case string(name) == "MQTT" || string(name) == "MQIsdp":
		c.at--
		c.fail(UnsupportedProtocolVersion, "protocol "+v.String())
		return c.err
	default:
		c.at = 2
		c.fail(UnsupportedProtocolVersion, "protocol name is not MQTT")
		return c.err
	}
	flags := c.byte()
	p.CleanStart = flags&flagCleanStart != 0
	p.HasUsername = flags&flagUsername != 0
	p.HasPassword = flags&flagPassword != 0
	c.at--
	switch {
	case flags&1 != 0:
		c.fail(MalformedPacket, "reserved connect flag") // [MQTT-3.1.2-3]
	case flags&flagWill == 0 && flags&(flagWillRetain|0x18) != 0:
		c.fail(MalformedPacket, "will flags without a will") // [MQTT-3.1.2-11], [MQTT-3.1.2-13]
	case flags&0x18 == 0x18:
		c.fail(MalformedPacket, "will QoS 3") // [MQTT-3.1.2-12]
	case p.Version < V5 && p.HasPassword && !p.HasUsername:
		c.fail(MalformedPacket, "password without a user name") // 3.1.1 [MQTT-3.1.2-22]
	}
	c.at++
	p.KeepAlive = c.uint16()
	if p.Version >= V5 {
		p.Props = c.props(CONNECT)
	}
	p.ClientID = string(c.text())
	if flags&flagWill != 0 {
		w := &Will{QoS: flags >> 3 & 3, Retain: flags&flagWillRetain != 0}
		if p.Version >= V5 {
			w.Props = c.props(WILL)
		}
		at := c.at
		w.Topic = string(c.text())
		if err := CheckTopic(w.Topic); err != nil && c.err == nil {
			c.at = at
			c.fail(TopicNameInvalid, "will topic: "+err.(*Error).What)
		}
		w.Payload = c.binary()
		p.Will = w
	}
	if p.Version == V31 && c.left() == 0 {
		p.HasUsername = false // in 3.1 the Remaining Length takes precedence over these flags
	}
	if p.HasUsername {
		p.Username = string(c.text())
	}
	if p.Version == V31 && c.left() == 0 {
		p.HasPassword = false
	}
	if p.HasPassword {
		p.Password = c.binary()
	}
	return c.done()
}
