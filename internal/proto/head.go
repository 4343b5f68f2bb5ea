package proto

import "slices"

// Head is what messages share that are published one after another with the same
// flags, topic and properties: all of their packets but identifier and payload. It is
// looked at once and then appended as it is. The zero value is no packet's head.
type Head struct {
	text  []byte // topic, identifier where the QoS has one, properties
	first byte
	topic int32 // where the topic ends in text, and the identifier stands
	props int32 // where the properties themselves begin
}

// Set makes h the head of p in version v, or returns what the standard forbids about
// p and leaves h as it was. The identifier, which is no part of it, is not looked at. h
// keeps nothing of p.
func (h *Head) Set(p *Publish, v Version) error {
	q := *p
	q.PacketID = 1
	if err := q.fault(v); err != nil {
		return err
	}
	h.first = p.first()
	h.text = appendText(h.text[:0], p.Topic)
	h.topic = int32(len(h.text))
	if p.QoS > 0 {
		h.text = append(h.text, 0, 0)
	}
	h.text = appendProps(h.text, p.Props, v)
	h.props = int32(len(h.text) - len(p.Props))
	return nil
}

// Matches reports whether h is the head of p, in the version that it was set for. Before
// version 5 properties are no part of a packet, and p is to have none.
func (h *Head) Matches(p *Publish) bool {
	return h.first == p.first() && int(h.topic) == 2+len(p.Topic) && string(h.text[2:h.topic]) == string(p.Topic) &&
		len(h.text)-int(h.props) == len(p.Props) && (len(p.Props) == 0 || string(h.text[h.props:]) == string(p.Props))
}

// Append appends the packet of that head with an identifier, which QoS 0 leaves out,
// and a payload. It allocates nothing where dst has room.
func (h *Head) Append(dst []byte, id uint16, payload []byte) ([]byte, error) {
	n := len(h.text) + len(payload)
	if n > MaxRemaining {
		return dst, errTooLarge
	}
	dst = slices.Grow(dst, 5+n)
	b := dst[len(dst) : len(dst)+5+n]
	at := putFixed(b, h.first, n)
	copy(b[at:], h.text)
	if h.first&(3<<1) != 0 {
		i := at + int(h.topic)
		b[i], b[i+1] = byte(id>>8), byte(id)
	}
	at += len(h.text)
	at += copy(b[at:], payload)
	return dst[:len(dst)+at], nil
}
