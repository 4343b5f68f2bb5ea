package proto

import (
	"encoding/binary"
	"iter"
)

// Props is a block of properties as it stands on the wire, without the length
// before it. nil is none. Decoded blocks alias their packet.
type Props []byte

// Prop is one property of a block.
type Prop struct {
	ID    PropID
	Num   uint32 // of Flag, Two, Four and Varint
	Key   []byte // of Pair
	Value []byte // of Binary, Text and Pair; aliases the block
}

// take reads the first property of b. size is 0 if b is cut short or id unknown.
func take(b []byte) (p Prop, row *Property, size int, what string) {
	// Identifiers are variable byte integers; all that exist fit in one byte.
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

// field reads a text or binary field at b[at:] and returns where it ends, 0 if it
// is cut short.
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

// All yields the properties in their order. It ends at the first malformed one;
// a block that Decode accepted has none.
func (ps Props) All() iter.Seq[Prop] {
	return func(yield func(Prop) bool) {
		for b := []byte(ps); len(b) > 0; {
			p, _, n, _ := take(b)
			if n == 0 || !yield(p) {
				return
			}
			b = b[n:]
		}
	}
}

// Get returns the first property id.
func (ps Props) Get(id PropID) (Prop, bool) {
	for b := []byte(ps); len(b) > 0; {
		p, _, n, _ := take(b)
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

// Has tells whether property id is there.
func (ps Props) Has(id PropID) bool {
	_, ok := ps.Get(id)
	return ok
}

// Num returns the integer property id, or otherwise if it is not there.
func (ps Props) Num(id PropID, otherwise uint32) uint32 {
	if p, ok := ps.Get(id); ok {
		return p.Num
	}
	return otherwise
}

// Value returns the text or binary property id, aliasing the block; nil if it is
// not there.
func (ps Props) Value(id PropID) []byte {
	p, _ := ps.Get(id)
	return p.Value
}

// AppendNum appends the integer property id.
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

// AppendText appends the text or binary property id, of at most 65535 bytes.
func (ps Props) AppendText(id PropID, s string) Props {
	return appendText(append(ps, byte(id)), s)
}

// AppendValue appends the text or binary property id, of at most 65535 bytes.
func (ps Props) AppendValue(id PropID, b []byte) Props {
	return appendText(append(ps, byte(id)), b)
}

// AppendPair appends a user property, key and value of at most 65535 bytes each.
func (ps Props) AppendPair(key, value string) Props {
	return appendText(appendText(append(ps, byte(UserProperty)), key), value)
}

// Append appends p as it is.
func (ps Props) Append(p Prop) Props {
	switch p.ID.Property().Kind {
	case Pair:
		return appendText(appendText(append(ps, byte(p.ID)), p.Key), p.Value)
	case Binary, Text:
		return ps.AppendValue(p.ID, p.Value)
	}
	return ps.AppendNum(p.ID, p.Num)
}

// Without returns ps less every property id, ps itself if there is none.
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

// Check returns an *Error if a packet of type t, or a will, must not carry ps:
// cut short, unknown, not allowed there, twice, or with a value out of range.
func (ps Props) Check(t Type) error {
	if len(ps) == 0 {
		return nil
	}
	if err := ps.check(t, 0); err != nil {
		return err
	}
	return nil
}

// check is Check with the block's place in the packet for the offset.
func (ps Props) check(t Type, at int) *Error {
	var seen uint64
	for b := []byte(ps); len(b) > 0; {
		p, row, n, what := take(b)
		fault := func(r Reason, what string) *Error {
			if row != nil {
				what = row.Name + ": " + what
			}
			return &Error{Type: t, Offset: at + len(ps) - len(b), Reason: r, What: what}
		}
		if n == 0 {
			return fault(MalformedPacket, what)
		}
		if !row.In(t) { // malformed by section 2.2.2.2, not a protocol error
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
				if what, _ := topicFault(p.Value); what != "" {
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
