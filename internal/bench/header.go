package bench

import (
	"encoding/base64"
	"encoding/binary"

	"mqtt/internal/proto"
)

// HeaderSize is how many bytes of a payload tell whose message it is. Smaller
// payloads, and those that are given literally, carry it in a user property.
const HeaderSize = 28

// headerKey is the name of the user property, whose value is the header in base64.
const headerKey = "mqtt-bench"

const headerText = (HeaderSize*4 + 2) / 3 // base64 without padding

// header is what a message carries to be counted and timed.
type header struct {
	run       uint32 // of all processes that measure together
	publisher uint32 // 31 bits
	warm      bool   // of the warm-up: not counted
	seq       uint64 // of the publisher, from 0; the warm-up has its own
	intended  int64  // when it was to be sent, nanoseconds since 1970 by the sender's clock
	late      uint32 // how much later it was written, microseconds
}

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

// get reads h from b.
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

// withHeader returns a copy of ps with a property for the header, and where in it the
// header's text stands.
func withHeader(ps proto.Props) (all proto.Props, text []byte) {
	all = append(proto.Props(nil), ps...)
	all = all.AppendPair(headerKey, string(make([]byte, headerText)))
	return all, all[len(all)-headerText:]
}

// putText writes h as text.
func (h *header) putText(text []byte) {
	var b [HeaderSize]byte
	h.put(b[:])
	base64.RawStdEncoding.Encode(text, b[:])
}

// find reads h from a message: from its property if it has one, else from the payload.
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
