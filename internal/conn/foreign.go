package conn

import "mqtt/internal/transport"

// Foreign is a server that answered CONNECT in another protocol.
type Foreign struct{ Protocol string } // "HTTP", "TLS", "SSH" or "PROXY"

// Error names the protocol.
func (e *Foreign) Error() string { return "the server speaks " + e.Protocol + ", not MQTT" }

// preface is a source that keeps its first bytes: they tell the protocol of a server
// that does not speak MQTT.
type preface struct {
	source
	head [8]byte
	n    int
}

// Read reads once.
func (p *preface) Read(b []byte) (int, error) {
	n, err := p.source.Read(b)
	if p.n < len(p.head) {
		p.n += copy(p.head[p.n:], b[:n])
	}
	return n, err
}

// foreign returns an *Opening if the stream begins as that of another protocol does:
// no packet that may come before CONNACK looks so.
func (p *preface) foreign() error {
	if name := transport.DetectProtocol(p.head[:p.n]); name != "" {
		return &OpenError{Err: &Foreign{Protocol: name}}
	}
	return nil
}
