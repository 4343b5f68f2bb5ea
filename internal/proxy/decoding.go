package proxy

import (
	"sync"

	"mqtt/internal/proto"
)

// Decoding is a Watcher that has the payloads of PUBLISH packets decoded before other watchers see
// the packets. Packets of all connections take turns, since names in one payload may come from another.
type Decoding struct {
	// Decode returns the payload of a message as JSON, nil if it is not decoded. The result is valid
	// until the next call.
	Decode   func(*proto.Publish) []byte
	Watchers []Watcher

	mu sync.Mutex
}

// Packet implements Watcher.
func (d *Decoding) Packet(p *Packet) {
	if p.Type() == proto.PUBLISH && p.Whole() {
		d.mu.Lock()
		defer d.mu.Unlock()
		var x proto.Publish
		if f, _, err := proto.Split(p.Bytes, 0); err == nil && x.Decode(f, p.Version) == nil {
			if len(x.Topic) == 0 {
				x.Topic = p.Topic
			}
			p.Decoded = d.Decode(&x)
			defer func() { p.Decoded = nil }()
		}
	}
	for _, w := range d.Watchers {
		w.Packet(p)
	}
}

// Rest implements Watcher.
func (d *Decoding) Rest(s *Source, in bool, b []byte) {
	for _, w := range d.Watchers {
		w.Rest(s, in, b)
	}
}

// End implements Watcher.
func (d *Decoding) End(s *Source, in bool, how string) {
	for _, w := range d.Watchers {
		w.End(s, in, how)
	}
}
