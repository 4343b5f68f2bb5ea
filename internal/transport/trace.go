package transport

import (
	"context"
	"crypto/tls"
	"net"
	"net/http/httptrace"
	"time"
)

// Trace is filled in by Dial: how long each phase took, zero where there was none, and
// what was reached. After an error it holds the phases that were begun.
type Trace struct {
	Resolve   time.Duration // names to addresses, SRV included
	Connect   time.Duration // TCP or Unix socket, to the proxy if there is one
	Proxy     time.Duration // until the proxy had connected us, its own TLS included
	TLS       time.Duration
	WebSocket time.Duration

	Local, Remote string // addresses of the socket; Remote is the proxy's where there is one

	TLSVersion string // "TLS 1.3"
	Cipher     string
	ALPN       string
	Subject    string    // of the server's certificate
	Issuer     string    // of the server's certificate
	NotAfter   time.Time // when the server's certificate expires

	Subprotocol string // that the WebSocket server chose
}

// timed adds to d what passes until the returned function is called.
func timed(d *time.Duration) (stop func()) {
	start := time.Now()
	return func() { *d += time.Since(start) }
}

// resolving makes a dial under the returned context add its name lookup to d. The
// hooks are called by the goroutine that dials.
func resolving(ctx context.Context, d *time.Duration) context.Context {
	var start time.Time
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { start = time.Now() },
		DNSDone:  func(httptrace.DNSDoneInfo) { *d += time.Since(start) },
	})
}

func (tr *Trace) addrs(c net.Conn) {
	tr.Local, tr.Remote = c.LocalAddr().String(), c.RemoteAddr().String()
}

func (tr *Trace) tls(s tls.ConnectionState) {
	tr.TLSVersion, tr.Cipher, tr.ALPN = tls.VersionName(s.Version), tls.CipherSuiteName(s.CipherSuite), s.NegotiatedProtocol
	if len(s.PeerCertificates) > 0 {
		c := s.PeerCertificates[0]
		tr.Subject, tr.Issuer, tr.NotAfter = c.Subject.String(), c.Issuer.String(), c.NotAfter
	}
}
