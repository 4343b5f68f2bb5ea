package proto

import "slices"

// Head is the part of a PUBLISH that is the same for several messages with the same flags, topic
// and properties: everything except the packet identifier and the payload. It is checked and
// encoded once. The zero value matches no packet.
type Head struct {
	text  []byte // topic, packet identifier at QoS 1 and 2, properties
	first byte   // of the packet
	topic int32  // offset of the end of the topic, and of the packet identifier, in text
	props int32  // offset of the properties in text, after their length field
}

// Set makes h the head of p in version v. If the standard forbids p, it returns an *Error and does
// not change h. It ignores p.PacketID, and keeps no reference to p.
func (h *Head) Set(p *Publish, v Version) error {
	q := *p
	q.PacketID = 1
	if err := q.check(v); err != nil {
		return err
	}
	h.first = p.firstByte()
	h.text = appendText(h.text[:0], p.Topic)
	h.topic = int32(len(h.text))
	if p.QoS > 0 {
		h.text = append(h.text, 0, 0)
	}
	h.text = appendProps(h.text, p.Props, v)
	h.props = int32(len(h.text) - len(p.Props))
	return nil
}

// Matches reports whether h is the head of p in the version of Set. Before version 5, p must not
// have properties.
func (h *Head) Matches(p *Publish) bool {
	return h.first == p.firstByte() && int(h.topic) == 2+len(p.Topic) && string(h.text[2:h.topic]) == string(p.Topic) &&
		len(h.text)-int(h.props) == len(p.Props) && (len(p.Props) == 0 || string(h.text[h.props:]) == string(p.Props))
}

// Append appends the packet with this head, a packet identifier, which QoS 0 does not use, and a
// payload. It does not allocate if dst has room.
func (h *Head) Append(dst []byte, id uint16, payload []byte) ([]byte, error) {
	n := len(h.text) + len(payload)
	if n > MaxRemaining {
		return dst, errTooLarge
	}
	dst = slices.Grow(dst, 5+n)
	b := dst[len(dst) : len(dst)+5+n]
	at := putFixedHeader(b, h.first, n)
	copy(b[at:], h.text)
	if h.first&(3<<1) != 0 {
		i := at + int(h.topic)
		b[i], b[i+1] = byte(id>>8), byte(id)
	}
	at += len(h.text)
	at += copy(b[at:], payload)
	return dst[:len(dst)+at], nil
}
