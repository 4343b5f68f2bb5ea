package conn

import "mqtt/internal/transport"

// Foreign is a server that answered CONNECT in another protocol.
type Foreign struct{ Protocol string } // "HTTP", "TLS", "SSH" or "PROXY"

// Error names the protocol.
func (e *Foreign) Error() string { return "the server speaks " + e.Protocol + ", not MQTT" }

// prefixSource is a source that keeps the first bytes of the stream, by which it recognizes a
// server that does not speak MQTT.
type prefixSource struct {
	source
	head [8]byte
	n    int
}

// Read reads from the stream once.
func (p *prefixSource) Read(b []byte) (int, error) {
	n, err := p.source.Read(b)
	if p.n < len(p.head) {
		p.n += copy(p.head[p.n:], b[:n])
	}
	return n, err
}

// foreignError returns an *OpenError if the stream begins like one of another protocol. No packet
// that is allowed before CONNACK looks like that.
func (p *prefixSource) foreignError() error {
	if name := transport.DetectProtocol(p.head[:p.n]); name != "" {
		return &OpenError{Err: &Foreign{Protocol: name}}
	}
	return nil
}
