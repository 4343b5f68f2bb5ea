package bench

import (
	"encoding/base64"
	"encoding/binary"

	"mqtt/internal/proto"
)

// HeaderSize is the size of the header at the start of a payload, in bytes. For smaller
// payloads, and for payloads that are given literally, the header is in a user property.
const HeaderSize = 28

// headerKey is the key of the user property, whose value is the header in base64.
const headerKey = "mqtt-bench"

const headerText = (HeaderSize*4 + 2) / 3 // base64 without padding

// header identifies a message, so that it can be counted and timed.
type header struct {
	run       uint32 // the same for all processes that measure together
	publisher uint32 // 31 bits
	warm      bool   // sent in the warm-up, and not counted
	seq       uint64 // sequence of the publisher, from 0; the warm-up has its own
	intended  int64  // when the message was due, nanoseconds since 1970 on the sender's clock
	late      uint32 // microseconds from intended until it was written
}

// warmBit is set in the publisher number of a message of the warm-up.
const warmBit = 1 << 31

// put writes h into b.
func (h *header) put(b []byte) {
	_ = b[HeaderSize-1]
	who := h.publisher
	if h.warm {
		who |= warmBit
	}
	binary.BigEndian.PutUint32(b, h.run)
	binary.BigEndian.PutUint32(b[4:], who)
	binary.BigEndian.PutUint64(b[8:], h.seq)
	binary.BigEndian.PutUint64(b[16:], uint64(h.intended))
	binary.BigEndian.PutUint32(b[24:], h.late)
}

// get reads h from b. It returns false if b is too short.
func (h *header) get(b []byte) bool {
	if len(b) < HeaderSize {
		return false
	}
	h.run = binary.BigEndian.Uint32(b)
	who := binary.BigEndian.Uint32(b[4:])
	h.publisher, h.warm = who&^warmBit, who&warmBit != 0
	h.seq = binary.BigEndian.Uint64(b[8:])
	h.intended = int64(binary.BigEndian.Uint64(b[16:]))
	h.late = binary.BigEndian.Uint32(b[24:])
	return true
}

// withHeader returns a copy of ps with a property for the header, and the part of the copy
// that is the text of the header.
func withHeader(ps proto.Props) (all proto.Props, text []byte) {
	all = append(proto.Props(nil), ps...)
	all = all.AppendPair(headerKey, string(make([]byte, headerText)))
	return all, all[len(all)-headerText:]
}

// putText writes h into text, in base64.
func (h *header) putText(text []byte) {
	var b [HeaderSize]byte
	h.put(b[:])
	base64.RawStdEncoding.Encode(text, b[:])
}

// find reads h from the payload or the user property of m. It returns false if m has no
// header there.
func (h *header) find(m *proto.Publish, carrier Carrier) bool {
	if carrier == InPayload {
		return h.get(m.Payload)
	}
	for p := range m.Props.All() {
		if p.ID == proto.UserProperty && string(p.Key) == headerKey && len(p.Value) == headerText {
			var b [HeaderSize + 2]byte
			n, err := base64.RawStdEncoding.Decode(b[:], p.Value)
			return err == nil && h.get(b[:n])
		}
	}
	return false
}
