package proto

import "encoding/binary"

// Ack is a PUBACK, PUBREC, PUBREL or PUBCOMP. Before version 5 it has neither reason nor
// properties.
type Ack struct {
	Kind     Type
	PacketID uint16
	Reason   Reason
	Props    Props
}

// Type returns Kind.
func (a *Ack) Type() Type { return a.Kind }

// Append appends the packet, in version 5 in its shortest form. PacketID is that of the PUBLISH
// [MQTT-2.2.1-5].
func (a *Ack) Append(dst []byte, v Version) ([]byte, error) {
	if a.PacketID == 0 {
		return dst, encodeError(a.Kind, ProtocolError, "packet identifier 0")
	}
	if v < V5 || a.Reason == Success && len(a.Props) == 0 {
		if err := checkProps(a.Props, a.Kind, v); err != nil {
			return dst, err
		}
		dst = append(dst, byte(a.Kind)<<4|a.Kind.flags(), 2)
		return binary.BigEndian.AppendUint16(dst, a.PacketID), nil
	}
	if !a.Reason.Allowed(a.Kind) {
		return dst, encodeError(a.Kind, ProtocolError, "reason not allowed: "+a.Reason.String())
	}
	if err := checkProps(a.Props, a.Kind, v); err != nil {
		return dst, err
	}
	n := 3
	if len(a.Props) > 0 {
		n += propsLen(a.Props, v)
	}
	dst, err := appendFixedHeader(dst, a.Kind, n)
	if err != nil {
		return dst, err
	}
	dst = binary.BigEndian.AppendUint16(dst, a.PacketID)
	dst = append(dst, byte(a.Reason))
	if len(a.Props) > 0 {
		dst = appendProps(dst, a.Props, v)
	}
	return dst, nil
}

// Decode decodes f. Props alias it.
func (a *Ack) Decode(f Frame, v Version) error {
	if len(f.Body) == 2 && f.First == byte(a.Kind)<<4|a.Kind.flags() && f.Body[0]|f.Body[1] != 0 {
		a.PacketID, a.Reason, a.Props = uint16(f.Body[0])<<8|uint16(f.Body[1]), Success, nil
		return nil
	}
	c := newCursor(f, v)
	a.Kind, a.Reason, a.Props = f.Type(), Success, nil
	a.PacketID = c.id()
	if v >= V5 && c.left() > 0 {
		a.Reason = c.reason()
		if c.left() > 0 {
			a.Props = c.props(a.Kind)
		}
	}
	return c.done()
}

// reason reads a reason code that the packet is allowed to have [MQTT-3.4.2-1], [MQTT-3.5.2-1],
// [MQTT-3.6.2-1], [MQTT-3.7.2-1], [MQTT-3.14.2-1], [MQTT-3.15.2-1].
func (c *cursor) reason() Reason {
	r := Reason(c.byte())
	if c.err == nil && !r.Allowed(c.t) {
		c.at--
		c.fail(ProtocolError, "reason not allowed: "+r.String())
	}
	return r
}
