package proxy

import (
	"time"

	"mqtt/internal/faults"
	"mqtt/internal/proto"
)

// Watcher is told what passes. Its methods are called by the goroutines of the connections, at the
// same time for different connections and directions: a Watcher locks what it needs. A method that
// waits exerts back pressure on both peers.
type Watcher interface {
	// Packet tells of a packet right after it was read. What p refers to is valid during the call.
	Packet(p *Packet)
	// Rest tells of further bytes of the packet before, which is too large to be buffered as a whole,
	// or of bytes that are not MQTT.
	Rest(s *Source, in bool, b []byte)
	// End tells that a direction has ended, and how: "closed" by its sender, "lost" by an error, or
	// "cut" by the proxy. It is called once for each direction.
	End(s *Source, in bool, how string)
}

// Packet is a packet that was read from one of the peers.
type Packet struct {
	*Source
	Time    time.Time
	In      bool // the client sent it
	Version proto.Version
	Bytes   []byte // the packet, or its beginning if Size is larger; valid during the call
	Size    int
	Topic   []byte // of a PUBLISH, with a topic alias resolved
	Action  faults.Action
	Refused bool   // the proxy answers CONNECT itself, by the fault refuse
	Decoded []byte // what the payload of a PUBLISH means, as JSON; set by a Decoding, else nil

	stamp  []byte // Time as text, nil if it is not known
	masked []byte // Bytes without secrets, once they are asked for
}

// Type returns the type of the packet.
func (p *Packet) Type() proto.Type { return proto.Type(p.Bytes[0] >> 4) }

// Whole reports whether Bytes is the whole packet.
func (p *Packet) Whole() bool { return len(p.Bytes) == p.Size }

// Fault returns the word of the fault that happens to the packet, "" if there is none.
func (p *Packet) Fault() string {
	if p.Refused {
		return "refuse"
	}
	return p.Action.Word()
}

// Masked returns Bytes with passwords and authentication data replaced by asterisks. The result is
// valid during the call of the Watcher.
func (p *Packet) Masked() []byte {
	if p.masked == nil {
		p.masked = mask(p.Bytes, p.Version)
	}
	return p.masked
}

// mask returns a packet, or the beginning of one, without secrets. It returns b itself if b cannot
// have secrets.
func mask(b []byte, v proto.Version) []byte {
	t := proto.Type(b[0] >> 4)
	if t != proto.CONNECT && t != proto.CONNACK && t != proto.AUTH {
		return b
	}
	masked := append([]byte(nil), b...)
	f, size, _ := proto.Split(masked, 0)
	if size != len(masked) { // a beginning only
		hide(masked[min(len(masked), 5):]) // no secret begins earlier
		return masked
	}
	p, err := proto.Decode(f, v)
	if err != nil {
		hide(f.Body)
		return masked
	}
	proto.HideSecrets(p)
	return masked
}

func hide(b []byte) {
	for i := range b {
		b[i] = '*'
	}
}
