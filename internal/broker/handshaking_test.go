package broker

import (
	"crypto/tls"
	"net"
	"testing"
)

// Only a connection with TLS is in a TLS handshake, whatever is around it.
func TestHandshaking(t *testing.T) {
	plain, other := net.Pipe()
	defer other.Close()
	defer plain.Close()
	secure := tls.Server(plain, &tls.Config{})
	for name, c := range map[string]struct {
		conn net.Conn
		want bool
	}{
		"TCP":             {plain, false},
		"TCP with faults": {&faultConn{Conn: plain}, false},
		"TLS":             {secure, true},
		"TLS with faults": {&faultConn{Conn: secure}, true},
	} {
		if got := (&client{conn: c.conn}).handshaking(); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
