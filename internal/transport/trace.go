package transport

import (
	"context"
	"crypto/tls"
	"net"
	"net/http/httptrace"
	"time"
)

// Trace describes a connection. Dial fills it in. The duration of a phase that did not take place
// is 0. After an error it has the phases up to the one that failed.
type Trace struct {
	Resolve   time.Duration // name lookups, including SRV
	Connect   time.Duration // TCP or Unix socket; to the proxy if there is one
	Proxy     time.Duration // until the proxy had connected to the server, including TLS with the proxy
	TLS       time.Duration
	WebSocket time.Duration

	Local, Remote string // addresses of the socket; Remote is that of the proxy if there is one

	TLSVersion string // "TLS 1.3"
	Cipher     string
	ALPN       string
	Subject    string    // of the server's certificate
	Issuer     string    // of the server's certificate
	NotAfter   time.Time // when the server's certificate expires

	Subprotocol string // of the WebSocket, as the server chose it
}

// timed adds the time until stop is called to d.
func timed(d *time.Duration) (stop func()) {
	start := time.Now()
	return func() { *d += time.Since(start) }
}

// resolving returns a context that makes a dial add the time of its name lookup to d. The hooks are
// called by the goroutine that dials.
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
