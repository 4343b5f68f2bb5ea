package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// Hint says which flag or step may help against err, in one line, or "". err may be a
// *Error, or any error of a connection: with TLS 1.3 a server refuses a client's
// certificate only when the client reads.
func Hint(err error) string {
	if text := AlertText(err); text != "" {
		return alertHint(text)
	}
	var e *Error
	if !errors.As(err, &e) {
		return ""
	}
	switch e.Phase {
	case Prepare:
		if errors.Is(err, errNoPassphrase) || errors.Is(err, errPassphrase) {
			return "--keypass-file FILE holds the passphrase of the key"
		}
	case Resolve:
		return "check the host name, or give an IP address"
	case Connect:
		return connectHint(err)
	case Proxy:
		return proxyHint(err)
	case Secure:
		return tlsHint(err)
	case Upgrade:
		return upgradeHint(err)
	case Listening:
		return listenHint(err)
	}
	return ""
}

func listenHint(err error) string {
	switch {
	case inUse(err):
		return "another program listens there: choose another port, 0 picks a free one"
	case errors.Is(err, os.ErrPermission):
		return "this user may not listen there: ports from 1024 on are free to all"
	case notOurs(err):
		return "it is no address of this machine"
	}
	return ""
}

func connectHint(err error) string {
	switch {
	case errors.Is(err, context.Canceled):
		return ""
	case refusedBySystem(err):
		return "no server listens there: check host and port"
	case errors.Is(err, os.ErrNotExist):
		return "no such socket: check its path"
	case errors.Is(err, os.ErrPermission):
		return "this user may not open it"
	case notOurs(err):
		return "--bind takes an address of this machine; with many connections the local ports may be used up"
	case outOfFiles(err):
		return "too many open files: raise ulimit -n"
	}
	return "check host and port; a firewall or proxy (--proxy) may stand between"
}

func proxyHint(err error) string {
	var s proxyStatus
	switch {
	case errors.As(err, &s) && strings.HasPrefix(string(s), "407"):
		return "the proxy wants a user and password: --proxy http://user:password@host:port"
	case errors.As(err, &s):
		return "the proxy does not let this host and port pass"
	case errors.As(err, new(socksReply)):
		return "the proxy is there, and did not reach the server: check host and port, or go without, --proxy none"
	case errors.Is(err, context.Canceled):
		return ""
	}
	return "check --proxy or ALL_PROXY; --proxy none goes without"
}

func upgradeHint(err error) string {
	var (
		s upgradeStatus
		f *foreign
	)
	switch {
	case errors.As(err, &s):
		switch {
		case strings.HasPrefix(string(s), "401"), strings.HasPrefix(string(s), "403"):
			return "the server wants a permission: --ws-header 'Authorization: …' sends one"
		case strings.HasPrefix(string(s), "3"):
			return "the server sends clients elsewhere: check scheme, host and --ws-path"
		}
		return "check the endpoint: --ws-path sets it"
	case errors.As(err, &f), errors.Is(err, errHungUp), IsReset(err):
		return "the port may speak MQTT without WebSocket, or TLS: try mqtt:// or wss://"
	}
	return ""
}

func tlsHint(err error) string {
	var (
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		name      x509.HostnameError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &authority):
		return "--cafile FILE trusts the authority that signed it, --insecure trusts anything"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the server needs a new certificate, or a clock is wrong; --insecure goes on all the same"
	case errors.As(err, &name):
		return "--tls-servername NAME expects another name"
	case errors.As(err, &record):
		switch DetectProtocol(record.RecordHeader[:]) {
		case "HTTP":
			return "the port speaks HTTP without TLS: try ws://, or the port for TLS (8883, 443)"
		}
		return "the port speaks no TLS: try it without, or the port for TLS (8883)"
	case errors.Is(err, errHungUp), IsReset(err):
		return "the port may speak no TLS, or the server asks for a certificate (--cert, --key)"
	case strings.Contains(err.Error(), "protocol version"):
		return "--tls-version tlsv1 allows older versions than TLS 1.2"
	case certificate(err) != nil:
		return "--cafile FILE trusts another authority, --insecure trusts anything"
	}
	return ""
}

// AlertText returns the text of a TLS alert that the peer sent, or "". With TLS 1.3 it may come with the first read.
func AlertText(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" && op.Err != nil {
		return strings.TrimPrefix(op.Err.Error(), "tls: ")
	}
	return ""
}

func alertHint(text string) string {
	switch text {
	case "certificate required", "handshake failure":
		return "the server may want a client certificate (--cert, --key) or other ciphers (--ciphers)"
	case "bad certificate", "unknown certificate", "unknown certificate authority", "unsupported certificate",
		"expired certificate", "revoked certificate", "access denied":
		return "the server does not take the certificate of --cert"
	case "protocol version not supported", "insufficient security level":
		return "--tls-version sets the oldest version to be used"
	case "no application protocol":
		return "--tls-alpn names the application protocol"
	case "unrecognized name":
		return "--tls-servername NAME sends another name"
	}
	return ""
}

// certificate returns the certificate that was not believed, if that is what err says.
func certificate(err error) *x509.Certificate {
	var v *tls.CertificateVerificationError
	if errors.As(err, &v) && len(v.UnverifiedCertificates) > 0 {
		return v.UnverifiedCertificates[0]
	}
	return nil
}

// tlsText explains a failed handshake: which certificate, and why.
func tlsText(err error) string {
	var (
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		name      x509.HostnameError
		record    tls.RecordHeaderError
	)
	if errors.As(err, &record) {
		return (&foreign{want: "TLS", got: DetectProtocol(record.RecordHeader[:])}).Error()
	}
	c := certificate(err)
	if c == nil {
		if errors.Is(err, io.EOF) {
			return errHungUp.Error()
		}
		return strings.TrimPrefix(plain(err), "tls: ")
	}
	why := plain(errors.Unwrap(err))
	switch {
	case errors.As(err, &name):
		why = "it is not for " + name.Host
	case errors.As(err, &authority):
		why = "signed by an unknown authority"
		if c.Subject.String() == c.Issuer.String() {
			why = "signed by itself"
		}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		why = "expired"
		if bad := invalid.Cert; bad != nil && time.Now().Before(bad.NotBefore) {
			why = "not valid before " + day(bad.NotBefore)
		} else if bad != nil && bad != c && !bad.Equal(c) {
			why = fmt.Sprintf("its issuer %s expired on %s", bad.Subject, day(bad.NotAfter))
		}
	}
	return fmt.Sprintf("certificate refused: %s (subject %s, issuer %s, valid until %s, for %s)",
		why, c.Subject, c.Issuer, day(c.NotAfter), names(c))
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// names lists what a certificate is for.
func names(c *x509.Certificate) string {
	list := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		list = append(list, ip.String())
	}
	if len(list) == 0 {
		return "no name"
	}
	const most = 8
	if n := len(list) - most; n > 0 {
		list = append(list[:most], fmt.Sprintf("%d more", n))
	}
	return strings.Join(list, ", ")
}
