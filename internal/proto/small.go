package proto

// Ping is a PINGREQ or PINGRESP.
type Ping struct{ Kind Type }

// Type returns Kind.
func (p *Ping) Type() Type { return p.Kind }

// Append appends the packet.
func (p *Ping) Append(dst []byte, _ Version) ([]byte, error) {
	return append(dst, byte(p.Kind)<<4, 0), nil
}

// Decode decodes f.
func (p *Ping) Decode(f Frame, v Version) error {
	c := newCursor(f, v)
	p.Kind = f.Type()
	return c.done()
}

// Disconnect ends a connection. Before version 5 it has no fields, and only a client sends it.
type Disconnect struct {
	Reason Reason
	Props  Props
}

// Type returns DISCONNECT.
func (p *Disconnect) Type() Type { return DISCONNECT }

// Append appends the packet, in its shortest form.
func (p *Disconnect) Append(dst []byte, v Version) ([]byte, error) {
	return appendShort(dst, DISCONNECT, p.Reason, p.Props, v)
}

// Decode decodes f. Props alias it.
func (p *Disconnect) Decode(f Frame, v Version) error {
	c := newCursor(f, v)
	p.Reason, p.Props = c.reasonAndProps(v)
	return c.done()
}

// Auth is a step of an enhanced authentication. It needs version 5.
type Auth struct {
	Reason Reason
	Props  Props
}

// Type returns AUTH.
func (p *Auth) Type() Type { return AUTH }

// Append appends the packet, in its shortest form.
func (p *Auth) Append(dst []byte, v Version) ([]byte, error) {
	if v < V5 {
		return dst, encodeError(AUTH, ProtocolError, "AUTH needs MQTT 5")
	}
	return appendShort(dst, AUTH, p.Reason, p.Props, v)
}

// Decode decodes f. Props alias it.
func (p *Auth) Decode(f Frame, v Version) error {
	c := newCursor(f, v)
	if v < V5 {
		c.fail(ProtocolError, "AUTH needs MQTT 5")
	}
	p.Reason, p.Props = c.reasonAndProps(v)
	return c.done()
}

// appendShort appends a packet with a reason code and properties, and leaves out what is Success or
// empty at its end.
func appendShort(dst []byte, t Type, r Reason, ps Props, v Version) ([]byte, error) {
	if err := checkProps(ps, t, v); err != nil {
		return dst, err
	}
	if v < V5 || r == Success && len(ps) == 0 {
		return append(dst, byte(t)<<4, 0), nil
	}
	if !r.Allowed(t) {
		return dst, encodeError(t, ProtocolError, "reason not allowed: "+r.String())
	}
	if len(ps) == 0 {
		return append(dst, byte(t)<<4, 1, byte(r)), nil
	}
	dst, err := appendFixedHeader(dst, t, 1+propsLen(ps, v))
	if err != nil {
		return dst, err
	}
	return appendProps(append(dst, byte(r)), ps, v), nil
}

// reasonAndProps reads the reason code and the properties of a packet that may leave out both.
func (c *cursor) reasonAndProps(v Version) (Reason, Props) {
	if v < V5 || c.left() == 0 {
		return Success, nil
	}
	r := c.reason()
	if c.left() == 0 {
		return r, nil
	}
	return r, c.props(c.t)
}
