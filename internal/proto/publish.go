package proto

import "slices"

// Publish is a message.
type Publish struct {
	Dup      bool
	QoS      byte // 0, 1 or 2
	Retain   bool
	Topic    []byte // may be empty in version 5 if Props has a Topic Alias
	PacketID uint16 // 0 at QoS 0
	Props    Props
	Payload  []byte
}

// Type returns PUBLISH.
func (p *Publish) Type() Type { return PUBLISH }

// Size returns the size of the encoded packet in version v, in bytes.
func (p *Publish) Size(v Version) int {
	n := p.remaining(v)
	return 1 + uvarintLen(n) + n
}

// remaining returns the Remaining Length.
func (p *Publish) remaining(v Version) int {
	n := 2 + len(p.Topic) + propsLen(p.Props, v) + len(p.Payload)
	if p.QoS > 0 {
		n += 2
	}
	return n
}

// check returns an error if the standard forbids p in version v.
func (p *Publish) check(v Version) error {
	switch {
	case p.QoS > 2:
		return encodeError(PUBLISH, MalformedPacket, "QoS 3") // [MQTT-3.3.1-4]
	case p.QoS == 0 && p.Dup:
		return encodeError(PUBLISH, MalformedPacket, "DUP at QoS 0") // [MQTT-3.3.1-2]
	case p.QoS > 0 && p.PacketID == 0:
		return encodeError(PUBLISH, ProtocolError, "packet identifier 0") // [MQTT-2.2.1-3]
	case len(p.Topic) > MaxText:
		return encodeError(PUBLISH, TopicNameInvalid, "topic name of more than 65535 bytes")
	case len(p.Topic) == 0 && (v < V5 || !p.Props.Has(TopicAlias)):
		return encodeError(PUBLISH, TopicNameInvalid, "empty topic name")
	}
	if !isASCIITopic(p.Topic) {
		if what, at := badTopic(p.Topic); what != "" {
			return &Error{Type: PUBLISH, Offset: at, Reason: TopicNameInvalid, What: what}
		}
	}
	if len(p.Props) == 0 {
		return nil
	}
	return checkProps(p.Props, PUBLISH, v)
}

// Append appends the packet [MQTT-3.3.2-1]. It does not allocate if dst has room.
func (p *Publish) Append(dst []byte, v Version) ([]byte, error) {
	if err := p.check(v); err != nil {
		return dst, err
	}
	n := p.remaining(v)
	if n > MaxRemaining {
		return dst, errTooLarge
	}
	// dst is grown once, and the fields are then written in place.
	dst = slices.Grow(dst, 5+n)
	b := dst[len(dst) : len(dst)+5+n]
	at := putFixedHeader(b, p.firstByte(), n)
	b[at], b[at+1] = byte(len(p.Topic)>>8), byte(len(p.Topic))
	at += 2 + copy(b[at+2:], p.Topic)
	if p.QoS > 0 {
		b[at], b[at+1] = byte(p.PacketID>>8), byte(p.PacketID)
		at += 2
	}
	if v >= V5 {
		if len(p.Props) == 0 {
			b[at] = 0
			at++
		} else {
			at = len(appendProps(b[:at], p.Props, v))
		}
	}
	at += copy(b[at:], p.Payload)
	return dst[:len(dst)+at], nil
}

var errTooLarge = encodeError(PUBLISH, PacketTooLarge, "packet of more than 268,435,455 bytes")

// firstByte returns the first byte of the packet.
func (p *Publish) firstByte() byte {
	b := byte(PUBLISH)<<4 | p.QoS<<1
	if p.Dup {
		b |= DupBit
	}
	if p.Retain {
		b |= 1
	}
	return b
}

// putFixedHeader writes a fixed header with the Remaining Length n to b. It returns its length,
// which is at most 5.
func putFixedHeader(b []byte, first byte, n int) int {
	b[0] = first
	at := 1
	for ; n >= 0x80; n >>= 7 {
		b[at] = byte(n) | 0x80
		at++
	}
	b[at] = byte(n)
	return at + 1
}

// DupBit is the DUP flag in the first byte of a PUBLISH.
const DupBit = 0x08

// Decode decodes f. Topic, Props and Payload alias it.
func (p *Publish) Decode(f Frame, v Version) error {
	b := f.Body
	if len(b) < 2 {
		return p.tooShort(f, 0)
	}
	p.Dup, p.QoS, p.Retain = f.First&DupBit != 0, f.First>>1&3, f.First&1 != 0
	n := 2 + (int(b[0])<<8 | int(b[1]))
	if len(b) < n {
		return p.tooShort(f, 0)
	}
	p.Topic = b[2:n:n]
	if !isASCIITopic(p.Topic) {
		if what, at := badTopic(p.Topic); what != "" {
			return p.decodeError(f, 2+at, TopicNameInvalid, what)
		}
	}
	p.PacketID = 0
	if p.QoS > 0 {
		if p.QoS == 3 {
			return &Error{Type: PUBLISH, Reason: MalformedPacket, What: "QoS 3"}
		}
		if len(b) < n+2 {
			return p.tooShort(f, n)
		}
		if p.PacketID = uint16(b[n])<<8 | uint16(b[n+1]); p.PacketID == 0 {
			return p.decodeError(f, n, ProtocolError, "packet identifier 0")
		}
		n += 2
	} else if p.Dup {
		return &Error{Type: PUBLISH, Reason: MalformedPacket, What: "DUP at QoS 0"}
	}
	p.Props = nil
	if v >= V5 {
		if n < len(b) && b[n] == 0 {
			n++
		} else {
			c := cursor{f: f, t: PUBLISH, at: n}
			p.Props = c.props(PUBLISH)
			if c.err != nil {
				return c.err
			}
			n = c.at
		}
	}
	if len(p.Topic) == 0 && !p.Props.Has(TopicAlias) {
		return p.decodeError(f, 0, ProtocolError, "empty topic name") // [MQTT-4.7.3-1]
	}
	p.Payload = b[n:]
	return nil
}

// tooShort returns the error for a frame that ends within the field at that offset.
func (p *Publish) tooShort(f Frame, at int) error {
	return p.decodeError(f, at, MalformedPacket, "packet cut short")
}

// decodeError returns an error at an offset in the body of f.
func (p *Publish) decodeError(f Frame, at int, r Reason, what string) error {
	if r == TopicNameInvalid && what != "wildcard in a topic name" {
		r = MalformedPacket // the text is invalid, not the name
	}
	return &Error{Type: PUBLISH, Offset: f.headerLen() + at, Reason: r, What: what}
}
