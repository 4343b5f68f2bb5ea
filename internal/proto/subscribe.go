package proto

import "encoding/binary"

// Subscribe is a SUBSCRIBE: a request for messages.
type Subscribe struct {
	PacketID uint16
	Props    Props
	Filters  []Subscription // at least one [MQTT-3.8.3-2]
}

// Subscription is a topic filter with its options. Before version 5 only QoS is sent.
type Subscription struct {
	Filter            string
	QoS               byte // maximum QoS
	NoLocal           bool
	RetainAsPublished bool
	RetainHandling    byte // retained messages: 0 send, 1 send for a new subscription, 2 do not send
}

// options returns the Subscription Options. Bits 6 and 7 are 0 [MQTT-3.8.3-5].
func (s *Subscription) options(v Version) byte {
	if v < V5 {
		return s.QoS
	}
	o := s.QoS | s.RetainHandling<<4
	if s.NoLocal {
		o |= 0x04
	}
	if s.RetainAsPublished {
		o |= 0x08
	}
	return o
}

// CountFilters returns the number of topic filters in a SUBSCRIBE or UNSUBSCRIBE, up to the first
// malformed one. It does not allocate, so it can be used to reject a packet with too many.
func (f Frame) CountFilters(v Version) (n int) {
	c := newCursor(f, v)
	c.id()
	if v >= V5 {
		c.props(f.Type())
	}
	for ; c.err == nil && c.left() > 0; n++ {
		c.text()
		if f.Type() == SUBSCRIBE {
			c.byte()
		}
	}
	return n
}

// Type returns SUBSCRIBE.
func (p *Subscribe) Type() Type { return SUBSCRIBE }

// Append appends the packet.
func (p *Subscribe) Append(dst []byte, v Version) ([]byte, error) {
	n := 2 + propsLen(p.Props, v)
	if p.PacketID == 0 {
		return dst, encodeError(SUBSCRIBE, ProtocolError, "packet identifier 0")
	}
	if len(p.Filters) == 0 {
		return dst, encodeError(SUBSCRIBE, ProtocolError, "no topic filter")
	}
	for i := range p.Filters {
		s := &p.Filters[i]
		if err := CheckFilter(s.Filter); err != nil {
			return dst, err
		}
		if s.QoS > 2 || s.RetainHandling > 2 {
			return dst, encodeError(SUBSCRIBE, MalformedPacket, "subscription option out of range")
		}
		if name, _ := SplitShare(s.Filter); name != "" && s.NoLocal && v >= V5 {
			return dst, encodeError(SUBSCRIBE, ProtocolError, "no-local on a shared subscription") // [MQTT-3.8.3-4]
		}
		n += 2 + len(s.Filter) + 1
	}
	if err := checkProps(p.Props, SUBSCRIBE, v); err != nil {
		return dst, err
	}
	dst, err := appendFixedHeader(dst, SUBSCRIBE, n)
	if err != nil {
		return dst, err
	}
	dst = appendProps(binary.BigEndian.AppendUint16(dst, p.PacketID), p.Props, v)
	for i := range p.Filters {
		dst = append(appendText(dst, p.Filters[i].Filter), p.Filters[i].options(v))
	}
	return dst, nil
}

// Decode decodes f. Props alias it. It only checks that filters are valid text. The caller uses
// CheckFilter, because a server answers an invalid filter with a reason code of its own.
func (p *Subscribe) Decode(f Frame, v Version) error {
	*p = Subscribe{Filters: p.Filters[:0]}
	c := newCursor(f, v)
	p.PacketID = c.id()
	if v >= V5 {
		p.Props = c.props(SUBSCRIBE)
	}
	for c.err == nil && c.left() > 0 {
		s := Subscription{Filter: string(c.text())}
		o := c.byte()
		s.QoS = o & 3
		reserved := byte(0xFC)
		if v >= V5 {
			reserved = 0xC0
			s.NoLocal, s.RetainAsPublished, s.RetainHandling = o&4 != 0, o&8 != 0, o>>4&3
		}
		c.at--
		switch {
		case o&reserved != 0:
			c.fail(MalformedPacket, "reserved bits in the subscription options")
		case s.QoS == 3:
			c.fail(MalformedPacket, "QoS 3")
		case s.RetainHandling == 3:
			c.fail(ProtocolError, "retain handling 3")
		}
		if name, _ := SplitShare(s.Filter); name != "" && s.NoLocal {
			c.fail(ProtocolError, "no-local on a shared subscription") // [MQTT-3.8.3-4]
		}
		c.at++
		p.Filters = append(p.Filters, s)
	}
	if len(p.Filters) == 0 {
		c.fail(ProtocolError, "no topic filter")
	}
	return c.done()
}

// Unsubscribe is an UNSUBSCRIBE: it ends subscriptions.
type Unsubscribe struct {
	PacketID uint16
	Props    Props
	Filters  []string // at least one [MQTT-3.10.3-2]
}

// Type returns UNSUBSCRIBE.
func (p *Unsubscribe) Type() Type { return UNSUBSCRIBE }

// Append appends the packet.
func (p *Unsubscribe) Append(dst []byte, v Version) ([]byte, error) {
	n := 2 + propsLen(p.Props, v)
	if p.PacketID == 0 {
		return dst, encodeError(UNSUBSCRIBE, ProtocolError, "packet identifier 0")
	}
	if len(p.Filters) == 0 {
		return dst, encodeError(UNSUBSCRIBE, ProtocolError, "no topic filter")
	}
	for _, s := range p.Filters {
		if err := CheckFilter(s); err != nil {
			return dst, err
		}
		n += 2 + len(s)
	}
	if err := checkProps(p.Props, UNSUBSCRIBE, v); err != nil {
		return dst, err
	}
	dst, err := appendFixedHeader(dst, UNSUBSCRIBE, n)
	if err != nil {
		return dst, err
	}
	dst = appendProps(binary.BigEndian.AppendUint16(dst, p.PacketID), p.Props, v)
	for _, s := range p.Filters {
		dst = appendText(dst, s)
	}
	return dst, nil
}

// Decode decodes f. Props alias it.
func (p *Unsubscribe) Decode(f Frame, v Version) error {
	*p = Unsubscribe{Filters: p.Filters[:0]}
	c := newCursor(f, v)
	p.PacketID = c.id()
	if v >= V5 {
		p.Props = c.props(UNSUBSCRIBE)
	}
	for c.err == nil && c.left() > 0 {
		p.Filters = append(p.Filters, string(c.text()))
	}
	if len(p.Filters) == 0 {
		c.fail(ProtocolError, "no topic filter")
	}
	return c.done()
}
