package proto

import (
	"encoding/binary"
	"iter"
)

// Props is a list of properties in encoded form, without its length field. nil means none. Decoded
// Props alias their packet.
type Props []byte

// Prop is a property of Props.
type Prop struct {
	ID    PropID
	Num   uint32 // value of a Flag, Two, Four and Varint
	Key   []byte // key of a Pair
	Value []byte // value of a Binary, Text or Pair; aliases the Props
}

// nextProp decodes the first property of b, which is not empty. If size is 0, what says why it is
// malformed.
func nextProp(b []byte) (p Prop, row *Property, size int, what string) {
	// Identifiers are variable byte integers, but all that exist fit in one byte.
	p.ID = PropID(b[0])
	if row = p.ID.Property(); row == nil {
		return p, nil, 0, "unknown property identifier"
	}
	v := b[1:]
	const short = "property cut short"
	switch row.Kind {
	case Flag:
		if len(v) < 1 {
			return p, row, 0, short
		}
		p.Num = uint32(v[0])
		return p, row, 2, ""
	case Uint16:
		if len(v) < 2 {
			return p, row, 0, short
		}
		p.Num = uint32(binary.BigEndian.Uint16(v))
		return p, row, 3, ""
	case Uint32:
		if len(v) < 4 {
			return p, row, 0, short
		}
		p.Num = binary.BigEndian.Uint32(v)
		return p, row, 5, ""
	case Varint:
		n, size := uvarint(v)
		if size == 0 {
			return p, row, 0, short
		}
		if size < 0 {
			return p, row, 0, "malformed variable byte integer"
		}
		p.Num = uint32(n)
		return p, row, 1 + size, ""
	}
	n := 1
	if row.Kind == Pair {
		if p.Key, n = field(b, n); n == 0 {
			return p, row, 0, short
		}
	}
	if p.Value, n = field(b, n); n == 0 {
		return p, row, 0, short
	}
	return p, row, n, ""
}

// field returns the text or binary field at b[at:] and its end, which is 0 if b is too short.
func field(b []byte, at int) ([]byte, int) {
	if len(b)-at < 2 {
		return nil, 0
	}
	n := int(b[at])<<8 | int(b[at+1])
	at += 2
	if len(b)-at < n {
		return nil, 0
	}
	return b[at : at+n : at+n], at + n
}

// All yields the properties in order, up to the first malformed one. Decoded Props have none.
func (ps Props) All() iter.Seq[Prop] {
	return func(yield func(Prop) bool) {
		for b := []byte(ps); len(b) > 0; {
			p, _, n, _ := nextProp(b)
			if n == 0 || !yield(p) {
				return
			}
			b = b[n:]
		}
	}
}

// Get returns the first property with that identifier.
func (ps Props) Get(id PropID) (Prop, bool) {
	for b := []byte(ps); len(b) > 0; {
		p, _, n, _ := nextProp(b)
		if n == 0 {
			break
		}
		if p.ID == id {
			return p, true
		}
		b = b[n:]
	}
	return Prop{}, false
}

// Has reports whether ps has a property with that identifier.
func (ps Props) Has(id PropID) bool {
	_, ok := ps.Get(id)
	return ok
}

// Num returns the value of the integer property id, or otherwise if it is absent.
func (ps Props) Num(id PropID, otherwise uint32) uint32 {
	if p, ok := ps.Get(id); ok {
		return p.Num
	}
	return otherwise
}

// Value returns the value of the text or binary property id, or nil if it is absent. It aliases ps.
func (ps Props) Value(id PropID) []byte {
	p, _ := ps.Get(id)
	return p.Value
}

// AppendNum appends the integer property id with value n. It has many callers, which
// it would fill if it were inlined.
//
//go:noinline
func (ps Props) AppendNum(id PropID, n uint32) Props {
	ps = append(ps, byte(id))
	switch id.Property().Kind {
	case Flag:
		return append(ps, byte(n))
	case Uint16:
		return binary.BigEndian.AppendUint16(ps, uint16(n))
	case Uint32:
		return binary.BigEndian.AppendUint32(ps, n)
	}
	return AppendUvarint(ps, int(n))
}

// AppendText appends the text or binary property id with value s, of at most 65535 bytes.
func (ps Props) AppendText(id PropID, s string) Props {
	return appendText(append(ps, byte(id)), s)
}

// AppendValue appends the text or binary property id with value b, of at most 65535 bytes.
func (ps Props) AppendValue(id PropID, b []byte) Props {
	return appendText(append(ps, byte(id)), b)
}

// AppendPair appends a user property. Key and value have at most 65535 bytes each.
func (ps Props) AppendPair(key, value string) Props {
	return appendText(appendText(append(ps, byte(UserProperty)), key), value)
}

// Append appends p.
func (ps Props) Append(p Prop) Props {
	switch p.ID.Property().Kind {
	case Pair:
		return appendText(appendText(append(ps, byte(p.ID)), p.Key), p.Value)
	case Binary, Text:
		return ps.AppendValue(p.ID, p.Value)
	}
	return ps.AppendNum(p.ID, p.Num)
}

// Without returns ps without the properties with that identifier. It returns ps itself if there is
// none.
func (ps Props) Without(id PropID) Props {
	if !ps.Has(id) {
		return ps
	}
	var kept Props
	for p := range ps.All() {
		if p.ID != id {
			kept = kept.Append(p)
		}
	}
	return kept
}

// Check returns an *Error if a packet of type t, or a will, must not have ps: if a property is
// malformed, unknown, not allowed in that packet, repeated, or has a value out of range.
func (ps Props) Check(t Type) error {
	if len(ps) == 0 {
		return nil
	}
	if err := ps.check(t, 0); err != nil {
		return err
	}
	return nil
}

// check is like Check, with the offset of ps in the packet.
func (ps Props) check(t Type, at int) *Error {
	var seen uint64
	for b := []byte(ps); len(b) > 0; {
		p, row, n, what := nextProp(b)
		fault := func(r Reason, what string) *Error {
			if row != nil {
				what = row.Name + ": " + what
			}
			return &Error{Type: t, Offset: at + len(ps) - len(b), Reason: r, What: what}
		}
		if n == 0 {
			return fault(MalformedPacket, what)
		}
		if !row.In(t) { // a malformed packet by section 2.2.2.2, not a protocol error
			if t == WILL {
				return fault(MalformedPacket, "property not allowed in a will")
			}
			return fault(MalformedPacket, "property not allowed in "+t.String())
		}
		bit := uint64(1) << p.ID
		if seen&bit != 0 && !row.Repeats(t) {
			return fault(ProtocolError, "property given twice")
		}
		seen |= bit
		switch row.Kind {
		case Flag:
			if p.Num > 1 {
				return fault(ProtocolError, "value is neither 0 nor 1")
			}
		case Text, Pair:
			if what, _ := badText(p.Key); what != "" {
				return fault(MalformedPacket, what) // [MQTT-1.5.7-1]
			}
			if what, _ := badText(p.Value); what != "" {
				return fault(MalformedPacket, what)
			}
			if p.ID == ResponseTopic {
				if what, _ := badTopic(p.Value); what != "" {
					return fault(ProtocolError, what) // [MQTT-3.3.2-14]
				}
				if len(p.Value) == 0 {
					return fault(ProtocolError, "empty topic name") // [MQTT-4.7.3-1]
				}
			}
		}
		if row.NoZero && p.Num == 0 {
			if p.ID == TopicAlias {
				return fault(TopicAliasInvalid, "value 0") // [MQTT-3.3.2-8]
			}
			return fault(ProtocolError, "value 0")
		}
		b = b[n:]
	}
	if seen&(1<<AuthenticationData) != 0 && seen&(1<<AuthenticationMethod) == 0 {
		return &Error{Type: t, Offset: at, Reason: ProtocolError, What: "authentication-data without authentication-method"}
	}
	return nil
}
