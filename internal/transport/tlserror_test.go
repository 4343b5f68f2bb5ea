package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"mqtt/internal/transport/transporttest"
)

// TestTLSErrors checks text and hint of failed TLS handshakes.
func TestTLSErrors(t *testing.T) {
	good, other := transporttest.New(t), transporttest.New(t)
	past := time.Now().Add(-time.Hour)
	oldCert, oldKey := good.Issue("old", &x509.Certificate{DNSNames: []string{"localhost"}, NotBefore: past.Add(-time.Hour), NotAfter: past})
	newCert, newKey := good.Issue("new", &x509.Certificate{DNSNames: []string{"localhost"}, NotBefore: past.Add(2 * time.Hour), NotAfter: past.Add(3 * time.Hour)})
	tlsServer := func(conf *TLS) *net.TCPAddr {
		u := echo(t, &Endpoint{Host: "127.0.0.1", Port: "0", TLS: conf})
		a, _ := net.ResolveTCPAddr("tcp", u.Addr())
		return a
	}
	plain := tlsServer(&TLS{Cert: good.Server, Key: good.ServerKey})
	closes := raw(t, func(c net.Conn) { c.Read(make([]byte, 4096)) })
	speaksHTTP := raw(t, func(c net.Conn) {
		c.Read(make([]byte, 1000))
		io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
	})
	oldServer := raw(t, func(c net.Conn) { // a ServerHello of TLS 1.1
		c.Read(make([]byte, 1000))
		c.Write(append([]byte{0x16, 3, 2, 0, 0x2A, 2, 0, 0, 0x26, 3, 2}, make([]byte, 36)...))
		c.Read(make([]byte, 1000))
	})
	unnamedCert, unnamedKey := good.Issue("unnamed", &x509.Certificate{})
	speaksMQTT := raw(t, func(c net.Conn) {
		c.Read(make([]byte, 1000))
		c.Write([]byte{0x20, 3, 0, 0x81, 0})
	})
	tests := []struct {
		name       string
		addr       *net.TCPAddr
		tls        *TLS
		text, hint string
	}{
		{"unknown authority", plain, &TLS{CAFile: other.CA}, "CN=test authority, in --cafile, has another key than the authority of the same name that signed it (subject CN=server, issuer CN=test authority", "get the authority's certificate anew"},
		{"system roots", plain, &TLS{}, "signed by an unknown authority", "--cafile"},
		{"expired", tlsServer(&TLS{Cert: oldCert, Key: oldKey}), &TLS{CAFile: good.CA, ServerName: "localhost"}, "certificate not accepted: expired (subject CN=old", "clock"},
		{"not yet valid", tlsServer(&TLS{Cert: newCert, Key: newKey}), &TLS{CAFile: good.CA, ServerName: "localhost"}, "not valid before", "clock"},
		{"name", plain, &TLS{CAFile: good.CA, ServerName: "example.org"}, "it is not valid for example.org", "--tls-servername"},
		{"names listed", plain, &TLS{CAFile: good.CA, ServerName: "example.org"}, "for localhost, 127.0.0.1, ::1)", "--tls-servername"},
		{"closes", closes, &TLS{}, "closed the connection during the handshake", "not speak TLS"},
		{"http", speaksHTTP, &TLS{}, "speaks HTTP, not TLS", "ws://"},
		{"mqtt", speaksMQTT, &TLS{}, "does not speak TLS", "not speak TLS"},
		{"version", tlsServer(&TLS{Cert: good.Server, Key: good.ServerKey, MinVersion: tls.VersionTLS13}), &TLS{CAFile: good.CA, MaxVersion: tls.VersionTLS12}, "protocol version not supported", "--tls-version"},
		{"old version", oldServer, &TLS{}, "the server only speaks TLS 1.1", "--tls-version"},
		{"no names", tlsServer(&TLS{Cert: unnamedCert, Key: unnamedKey}), &TLS{CAFile: good.CA, ServerName: "localhost"}, "it has no subjectAltName, so it matches no host name", "subjectAltName=DNS:localhost"},
		{"alpn", tlsServer(&TLS{Cert: good.Server, Key: good.ServerKey, ALPN: []string{"mqtt"}}), &TLS{CAFile: good.CA, ALPN: []string{"x"}}, "no application protocol", "--tls-alpn"},
		{"client certificate", tlsServer(&TLS{Cert: good.Server, Key: good.ServerKey, CAFile: good.CA}), &TLS{CAFile: good.CA, MaxVersion: tls.VersionTLS12}, "the server refused", "--cert"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			target := at(test.addr)
			target.TLS = test.tls
			_, err := Dial(context.Background(), &target, nil)
			var e *Error
			if !errors.As(err, &e) || e.Phase != Secure {
				t.Fatal(err)
			}
			if !strings.HasPrefix(err.Error(), "tls with 127.0.0.1:") || !strings.Contains(err.Error(), test.text) || !strings.Contains(e.Hint(), test.hint) {
				t.Errorf("%v\nhint: %s", err, e.Hint())
			}
			target.TLS = &TLS{ServerName: test.tls.ServerName, Insecure: true}
			if c, err := Dial(context.Background(), &target, nil); err == nil {
				c.Close()
			} else if certificate(err) != nil {
				t.Errorf("insecure: %v", err)
			}
		})
	}

	// With TLS 1.3 the server checks the client's certificate after the client's handshake.
	target := at(tests[13].addr)
	target.TLS = &TLS{CAFile: good.CA}
	c := dial(t, &target)
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Read(make([]byte, 1)); err == nil || !strings.Contains(Hint(err), "--cert") {
		t.Errorf("read: %v (%s)", err, Hint(err))
	}
	target.TLS = &TLS{CAFile: good.CA, Cert: good.Client, Key: good.ClientKey}
	roundTrip(t, dial(t, &target))
}
