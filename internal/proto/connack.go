package proto

// Connack is the answer to CONNECT. Before version 5 the packet has a return code, and Reason is
// the equivalent reason code.
type Connack struct {
	SessionPresent bool
	Reason         Reason
	Props          Props
}

// Type returns CONNACK.
func (p *Connack) Type() Type { return CONNACK }

// Append appends the packet.
func (p *Connack) Append(dst []byte, v Version) ([]byte, error) {
	if p.SessionPresent && p.Reason != Success {
		return dst, encodeError(CONNACK, ProtocolError, "session present in a refusal") // [MQTT-3.2.2-6]
	}
	if err := checkProps(p.Props, CONNACK, v); err != nil {
		return dst, err
	}
	code := byte(p.Reason)
	if v < V5 {
		code = p.Reason.ReturnCode()
	} else if !p.Reason.Allowed(CONNACK) {
		return dst, encodeError(CONNACK, ProtocolError, "reason not allowed: "+p.Reason.String())
	}
	dst, err := appendFixedHeader(dst, CONNACK, 2+propsLen(p.Props, v))
	if err != nil {
		return dst, err
	}
	var flags byte
	if p.SessionPresent && v != V31 {
		flags = 1
	}
	return appendProps(append(dst, flags, code), p.Props, v), nil
}

// Decode decodes f. Props alias it. In version 5 it also accepts a refusal of version 3.1.1, which
// a server sends if it does not know version 5.
func (p *Connack) Decode(f Frame, v Version) error {
	*p = Connack{}
	c := newCursor(f, v)
	flags := c.byte()
	if v == V31 {
		flags = 0 // reserved, must be ignored
	}
	if flags > 1 {
		c.at--
		c.fail(MalformedPacket, "reserved connect acknowledge flag")
	}
	p.SessionPresent = flags == 1
	if v < V5 || len(f.Body) == 2 && f.Body[1] != 0 && f.Body[1] < 0x80 {
		code := c.byte()
		if int(code) >= len(returnCodes) {
			c.at--
			c.fail(ProtocolError, "reserved return code")
			return c.done()
		}
		p.Reason = returnCodes[code].reason
	} else {
		p.Reason = c.reason()
		if len(f.Body) > 2 || !p.Reason.Failed() { // some servers that refuse the version leave out the property length
			p.Props = c.props(CONNACK)
		}
	}
	if p.SessionPresent && p.Reason != Success {
		c.at = 0
		c.fail(ProtocolError, "session present in a refusal")
	}
	return c.done()
}
