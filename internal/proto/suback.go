package proto

import "encoding/binary"

// Suback is a SUBACK or UNSUBACK. It has a reason code for each topic filter of the request, in
// their order. An UNSUBACK before version 5 has none.
type Suback struct {
	Kind     Type
	PacketID uint16
	Props    Props
	Reasons  []Reason
}

// Type returns Kind.
func (p *Suback) Type() Type { return p.Kind }

// wireReason returns the encoded form of r in version v. Before version 5 every error is 0x80.
func (p *Suback) wireReason(r Reason, v Version) Reason {
	if v < V5 && r.Failed() {
		return UnspecifiedError
	}
	return r
}

// Append appends the packet.
func (p *Suback) Append(dst []byte, v Version) ([]byte, error) {
	if p.PacketID == 0 {
		return dst, encodeError(p.Kind, ProtocolError, "packet identifier 0")
	}
	if err := checkProps(p.Props, p.Kind, v); err != nil {
		return dst, err
	}
	reasons := p.Reasons
	if v < V5 && p.Kind == UNSUBACK {
		reasons = nil
	} else if len(reasons) == 0 {
		return dst, encodeError(p.Kind, ProtocolError, "no reason code")
	}
	for _, r := range reasons {
		if !p.wireReason(r, v).Allowed(p.Kind) {
			return dst, encodeError(p.Kind, ProtocolError, "reason not allowed: "+r.String())
		}
	}
	dst, err := appendFixedHeader(dst, p.Kind, 2+propsLen(p.Props, v)+len(reasons))
	if err != nil {
		return dst, err
	}
	dst = appendProps(binary.BigEndian.AppendUint16(dst, p.PacketID), p.Props, v)
	for _, r := range reasons {
		dst = append(dst, byte(p.wireReason(r, v)))
	}
	return dst, nil
}

// Decode decodes f. Props alias it.
func (p *Suback) Decode(f Frame, v Version) error {
	*p = Suback{Kind: f.Type(), Reasons: p.Reasons[:0]}
	c := newCursor(f, v)
	p.PacketID = c.id()
	if v >= V5 {
		p.Props = c.props(p.Kind)
	}
	if p.Kind == UNSUBACK && v < V5 {
		return c.done()
	}
	for c.err == nil && c.left() > 0 {
		r := c.reason()
		if v < V5 && r.Failed() && r != UnspecifiedError {
			c.at--
			c.fail(ProtocolError, "reserved return code") // 3.1.1 [MQTT-3.9.3-2]
		}
		p.Reasons = append(p.Reasons, r)
	}
	if len(p.Reasons) == 0 {
		c.fail(ProtocolError, "no reason code")
	}
	return c.done()
}
