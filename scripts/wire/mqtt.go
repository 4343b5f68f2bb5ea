package main

import (
	"errors"
	"fmt"
)

// The first byte of the packets that wire uses. For PUBLISH only the upper half is compared.
const (
	typeConnect     = 0x10
	typeConnack     = 0x20
	typePublish     = 0x30
	typePuback      = 0x40
	typePubrec      = 0x50
	typePubrel      = 0x62
	typePubcomp     = 0x70
	typeSubscribe   = 0x82
	typeSuback      = 0x90
	typeUnsubscribe = 0xa2
	typeUnsuback    = 0xb0
	typePingreq     = 0xc0
	typePingresp    = 0xd0
	typeDisconnect  = 0xe0
)

// Protocol levels of CONNECT.
const (
	level31  = 3
	level311 = 4
	level5   = 5
)

// largestPacket is the size of the largest packet of the standard, including its header.
const largestPacket = 268_435_455 + 5

var errMalformed = errors.New("malformed packet")

// varint decodes a variable byte integer of n bytes. n is 0 if b is too short, and -1 if the
// integer has more than four bytes.
func varint(b []byte) (value, n int) {
	for i := 0; i < 4; i++ {
		if i == len(b) {
			return 0, 0
		}
		value |= int(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return value, i + 1
		}
	}
	return 0, -1
}

func appendVarint(dst []byte, value int) []byte {
	for value >= 0x80 {
		dst = append(dst, byte(value)|0x80)
		value >>= 7
	}
	return append(dst, byte(value))
}

func appendString(dst []byte, s string) []byte {
	dst = append(dst, byte(len(s)>>8), byte(len(s)))
	return append(dst, s...)
}

// connect has the fields of a CONNECT that wire uses.
type connect struct {
	level      byte
	id         string
	receiveMax int // 0: absent
	packetMax  int // 0: absent
}

// parseConnect decodes the body of a CONNECT of any of the three versions.
func parseConnect(body []byte) (connect, error) {
	name, rest, err := cutString(body)
	if err != nil || len(rest) < 4 {
		return connect{}, fmt.Errorf("CONNECT: %w", errMalformed)
	}
	c := connect{level: rest[0]}
	known := string(name) == "MQTT" && (c.level == level311 || c.level == level5) ||
		string(name) == "MQIsdp" && c.level == level31
	if !known {
		return c, fmt.Errorf("CONNECT: protocol %q level %d is not known", name, c.level)
	}
	rest = rest[4:] // level, flags, keep alive
	if c.level == level5 {
		length, n := varint(rest)
		if n <= 0 || length > len(rest)-n {
			return c, fmt.Errorf("CONNECT properties: %w", errMalformed)
		}
		if err := c.properties(rest[n : n+length]); err != nil {
			return c, err
		}
		rest = rest[n+length:]
	}
	id, _, err := cutString(rest)
	if err != nil {
		return c, fmt.Errorf("CONNECT client identifier: %w", errMalformed)
	}
	c.id = string(id)
	return c, nil
}

// properties decodes the properties of a CONNECT and stores the two that limit a server that
// only sends.
func (c *connect) properties(b []byte) error {
	for len(b) > 0 {
		id, rest := b[0], b[1:]
		var size int
		switch id {
		case 0x17, 0x19: // request problem, request response information
			size = 1
		case 0x21, 0x22: // receive maximum, topic alias maximum
			size = 2
		case 0x11, 0x27: // session expiry interval, maximum packet size
			size = 4
		case 0x15, 0x16: // authentication method, data
			value, _, err := cutString(rest)
			if err != nil {
				return fmt.Errorf("CONNECT property 0x%02x: %w", id, err)
			}
			size = 2 + len(value)
		case 0x26: // user property
			key, after, err := cutString(rest)
			if err != nil {
				return fmt.Errorf("CONNECT user property: %w", err)
			}
			value, _, err := cutString(after)
			if err != nil {
				return fmt.Errorf("CONNECT user property: %w", err)
			}
			size = 4 + len(key) + len(value)
		default:
			return fmt.Errorf("CONNECT: property 0x%02x is not allowed", id)
		}
		if size > len(rest) {
			return fmt.Errorf("CONNECT property 0x%02x: %w", id, errMalformed)
		}
		switch id {
		case 0x21:
			c.receiveMax = int(rest[0])<<8 | int(rest[1])
			if c.receiveMax == 0 {
				return errors.New("CONNECT: Receive Maximum is 0") // [MQTT 5.0, 3.1.2.11.3]
			}
		case 0x27:
			c.packetMax = int(rest[0])<<24 | int(rest[1])<<16 | int(rest[2])<<8 | int(rest[3])
		}
		b = rest[size:]
	}
	return nil
}

func cutString(b []byte) (s, rest []byte, err error) {
	if len(b) < 2 {
		return nil, nil, errMalformed
	}
	n := int(b[0])<<8 | int(b[1])
	if n > len(b)-2 {
		return nil, nil, errMalformed
	}
	return b[2 : 2+n], b[2+n:], nil
}

// appendConnack appends a CONNACK that accepts c. It assigns an identifier to a client of
// version 5 without one [MQTT-3.1.3-7], and announces receiveMax unless it is 0.
func appendConnack(dst []byte, c connect, number int64, receiveMax int) []byte {
	if c.level != level5 {
		return append(dst, typeConnack, 2, 0, 0)
	}
	var props []byte
	if receiveMax > 0 {
		props = append(props, 0x21, byte(receiveMax>>8), byte(receiveMax))
	}
	if c.id == "" {
		props = appendString(append(props, 0x12), fmt.Sprintf("wire-%d", number))
	}
	dst = append(dst, typeConnack, byte(3+len(props)), 0, 0, byte(len(props)))
	return append(dst, props...)
}

// appendSuback appends a SUBACK that grants all filters of a SUBSCRIBE. It also returns their
// highest QoS.
func appendSuback(dst []byte, body []byte, level byte) (_ []byte, qos byte, err error) {
	id, rest, err := packetAndProperties(body, level)
	if err != nil {
		return dst, 0, fmt.Errorf("SUBSCRIBE: %w", err)
	}
	var granted []byte
	for len(rest) > 0 {
		_, after, err := cutString(rest)
		if err != nil || len(after) == 0 || after[0]&3 == 3 {
			return dst, 0, fmt.Errorf("SUBSCRIBE: %w", errMalformed)
		}
		granted = append(granted, after[0]&3)
		qos = max(qos, after[0]&3)
		rest = after[1:]
	}
	if len(granted) == 0 {
		return dst, 0, errors.New("SUBSCRIBE without a filter") // [MQTT-3.8.3-2]
	}
	return appendAnswer(dst, typeSuback, id, level, granted), qos, nil
}

// appendUnsuback appends an UNSUBACK with success for each filter of an UNSUBSCRIBE.
func appendUnsuback(dst []byte, body []byte, level byte) ([]byte, error) {
	id, rest, err := packetAndProperties(body, level)
	if err != nil {
		return dst, fmt.Errorf("UNSUBSCRIBE: %w", err)
	}
	var reasons []byte
	for len(rest) > 0 {
		if _, rest, err = cutString(rest); err != nil {
			return dst, fmt.Errorf("UNSUBSCRIBE: %w", err)
		}
		reasons = append(reasons, 0)
	}
	if level != level5 {
		reasons = nil
	}
	return appendAnswer(dst, typeUnsuback, id, level, reasons), nil
}

// appendAnswer appends a SUBACK or UNSUBACK.
func appendAnswer(dst []byte, head byte, id uint16, level byte, reasons []byte) []byte {
	length := 2 + len(reasons)
	if level == level5 {
		length++
	}
	dst = appendVarint(append(dst, head), length)
	dst = append(dst, byte(id>>8), byte(id))
	if level == level5 {
		dst = append(dst, 0)
	}
	return append(dst, reasons...)
}

// packetAndProperties decodes the packet identifier and skips the properties.
func packetAndProperties(body []byte, level byte) (id uint16, rest []byte, err error) {
	if len(body) < 2 {
		return 0, nil, errMalformed
	}
	id, rest = uint16(body[0])<<8|uint16(body[1]), body[2:]
	if id == 0 {
		return 0, nil, errors.New("packet identifier 0") // [MQTT-2.2.1-3]
	}
	if level == level5 {
		length, n := varint(rest)
		if n <= 0 || length > len(rest)-n {
			return 0, nil, errMalformed
		}
		rest = rest[n+length:]
	}
	return id, rest, nil
}

// appendConnect appends a CONNECT with the client identifier id and a clean session.
func appendConnect(dst []byte, level byte, id string) []byte {
	return appendConnectAs(dst, level, id, true)
}

// appendConnectAs appends a CONNECT with the client identifier id.
func appendConnectAs(dst []byte, level byte, id string, clean bool) []byte {
	name := "MQTT"
	if level == level31 {
		name = "MQIsdp"
	}
	body := appendString(nil, name)
	flags := byte(0)
	if clean {
		flags = 0x02
	}
	body = append(body, level, flags, 0, 60)
	if level == level5 {
		body = append(body, 0)
	}
	body = appendString(body, id)
	return append(appendVarint(append(dst, typeConnect), len(body)), body...)
}

// parseConnack checks a CONNACK and returns its Receive Maximum, 65535 if it has none.
func parseConnack(head byte, body []byte, level byte) (receiveMax int, err error) {
	if head != typeConnack || len(body) < 2 {
		return 0, fmt.Errorf("waited for CONNACK: got 0x%02x of %d bytes", head, len(body))
	}
	if body[1] != 0 {
		return 0, fmt.Errorf("connection refused (0x%02x)", body[1])
	}
	receiveMax = 65535
	if level == level5 {
		// Only the first property is examined: this is for wire's own sink. A broker whose
		// limit is exceeded sends DISCONNECT.
		if len(body) >= 6 && body[3] == 0x21 {
			receiveMax = int(body[4])<<8 | int(body[5])
		}
	}
	return receiveMax, nil
}
