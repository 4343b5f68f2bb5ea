package proto

// Frame is an encoded packet: its first byte, and everything after the Remaining Length. Body
// aliases the reader's buffer.
type Frame struct {
	First byte
	Body  []byte
}

// Type returns the packet type.
func (f Frame) Type() Type { return Type(f.First >> 4) }

// Size returns the length of the whole packet in bytes.
func (f Frame) Size() int { return 1 + uvarintLen(len(f.Body)) + len(f.Body) }

// headerLen returns the length of the fixed header.
func (f Frame) headerLen() int { return 1 + uvarintLen(len(f.Body)) }

// Split returns the first packet in b and its size in bytes. size is 0 if b has only a part of it.
// The error is an *Error if the fixed header is malformed, or if max is not 0 and the packet has
// more than max bytes.
func Split(b []byte, max int) (f Frame, size int, err error) {
	if len(b) < 2 {
		return Frame{}, 0, nil
	}
	n, w := int(b[1]), 1
	if n >= 0x80 {
		if n, w = uvarint(b[1:]); w <= 0 {
			if w == 0 {
				return Frame{}, 0, nil
			}
			return Frame{}, 0, &Error{Type: Type(b[0] >> 4), Offset: 1, Reason: MalformedPacket, What: "malformed Remaining Length"}
		}
	}
	size = 1 + w + n
	if max != 0 && size > max {
		return Frame{}, 0, &Error{Type: Type(b[0] >> 4), Offset: 1, Reason: PacketTooLarge, What: tooLarge(size, max)}
	}
	if len(b) < size {
		return Frame{}, 0, nil
	}
	return Frame{First: b[0], Body: b[1+w : size : size]}, size, nil
}

// cursor reads the fields of a packet in order, and keeps the first error.
type cursor struct {
	f   Frame
	t   Type // for errors; WILL within a will
	at  int
	err *Error
}

// newCursor returns a cursor at the beginning of f. It checks the lower four bits of the first byte
// [MQTT-2.1.3-1]. In 3.1 a PUBREL, SUBSCRIBE or UNSUBSCRIBE that is sent again has DUP set.
func newCursor(f Frame, v Version) cursor {
	c := cursor{f: f, t: f.Type()}
	want, got := c.t.flags(), f.First&0x0F
	if v == V31 && want != 0 {
		got &^= DupBit
	}
	if got != want {
		c.err = &Error{Type: c.t, Reason: MalformedPacket, What: "reserved bits in the first byte"}
	}
	return c
}

// fail records an error at the current offset, unless there is one already.
func (c *cursor) fail(r Reason, what string) {
	if c.err == nil {
		c.err = &Error{Type: c.f.Type(), Offset: c.f.headerLen() + c.at, Reason: r, What: what}
	}
}

// left returns the number of bytes not read.
func (c *cursor) left() int { return len(c.f.Body) - c.at }

func (c *cursor) byte() byte {
	if c.err != nil || c.left() < 1 {
		c.fail(MalformedPacket, "packet cut short")
		return 0
	}
	c.at++
	return c.f.Body[c.at-1]
}

func (c *cursor) uint16() uint16 { return uint16(c.byte())<<8 | uint16(c.byte()) }

// id reads a packet identifier, which must not be 0 [MQTT-2.2.1-3].
func (c *cursor) id() uint16 {
	n := c.uint16()
	if n == 0 && c.err == nil {
		c.at -= 2
		c.fail(ProtocolError, "packet identifier 0")
	}
	return n
}

// binary reads a binary field, which aliases the frame.
func (c *cursor) binary() []byte {
	if c.err != nil {
		return nil
	}
	b, end := field(c.f.Body, c.at)
	if end == 0 {
		c.fail(MalformedPacket, "packet cut short")
		return nil
	}
	c.at = end
	return b
}

// text reads a text field, which aliases the frame.
func (c *cursor) text() []byte {
	from := c.at
	b := c.binary()
	if what, at := badText(b); what != "" {
		c.at = from + 2 + at
		c.fail(MalformedPacket, what)
	}
	return b
}

// props reads the properties of a packet of type t, and checks them.
func (c *cursor) props(t Type) Props {
	if c.err != nil {
		return nil
	}
	n, size := uvarint(c.f.Body[c.at:])
	if size < 0 {
		c.fail(MalformedPacket, "malformed property length")
		return nil
	}
	if size == 0 || c.left()-size < n {
		c.fail(MalformedPacket, "property length beyond the packet's end")
		return nil
	}
	c.at += size
	if n == 0 {
		return nil
	}
	ps := Props(c.f.Body[c.at : c.at+n : c.at+n])
	if err := ps.check(t, c.f.headerLen()+c.at); err != nil {
		if t == WILL {
			err.Type = CONNECT
		}
		c.err = err
		return nil
	}
	c.at += n
	return ps
}

// done returns the first error, also if bytes are left over.
func (c *cursor) done() error {
	if c.err == nil && c.left() > 0 {
		c.fail(MalformedPacket, "bytes left over")
	}
	if c.err != nil {
		return c.err
	}
	return nil
}

// appendFixedHeader appends a fixed header with the Remaining Length n.
func appendFixedHeader(dst []byte, t Type, n int) ([]byte, error) {
	if n > MaxRemaining {
		return dst, encodeError(t, PacketTooLarge, "packet of more than 268,435,455 bytes")
	}
	return AppendUvarint(append(dst, byte(t)<<4|t.flags()), n), nil
}

// propsLen returns the encoded length of ps with its length field. Before version 5 it is 0.
func propsLen(ps Props, v Version) int {
	if v < V5 {
		return 0
	}
	return uvarintLen(len(ps)) + len(ps)
}

// appendProps appends ps with its length field, which is 0 if there are none [MQTT-2.2.2-1].
func appendProps(dst []byte, ps Props, v Version) []byte {
	if v < V5 {
		return dst
	}
	return append(AppendUvarint(dst, len(ps)), ps...)
}

// checkProps returns an error if a packet of type t must not be sent with ps: that of Props.Check,
// or that properties need version 5.
func checkProps(ps Props, t Type, v Version) error {
	if len(ps) == 0 {
		return nil
	}
	if v < V5 {
		return encodeError(t, ProtocolError, "properties need MQTT 5")
	}
	return ps.Check(t)
}
