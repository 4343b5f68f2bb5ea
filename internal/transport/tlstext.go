package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// certificate returns the server's certificate if err says that it was not accepted.
func certificate(err error) *x509.Certificate {
	var v *tls.CertificateVerificationError
	if errors.As(err, &v) && len(v.UnverifiedCertificates) > 0 {
		return v.UnverifiedCertificates[0]
	}
	return nil
}

// tlsText returns the text of a failed handshake. If a certificate was not accepted, it describes
// the certificate and says why.
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
	case errors.As(err, &name) && noNames(c):
		why = "it has no subjectAltName, so it matches no host name"
	case errors.As(err, &name):
		why = "it is not valid for " + name.Host
	case errors.As(err, &authority):
		why = "signed by an unknown authority"
		if c.Subject.String() == c.Issuer.String() {
			why = "self-signed"
		}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		why = "expired"
		if bad := invalid.Cert; bad != nil && time.Now().Before(bad.NotBefore) {
			why = "not valid before " + minute(bad.NotBefore)
		} else if bad != nil && bad != c && !bad.Equal(c) {
			why = fmt.Sprintf("its issuer %s expired on %s", bad.Subject, minute(bad.NotAfter))
		}
	}
	return fmt.Sprintf("certificate not accepted: %s (subject %s, issuer %s, valid until %s, %s)",
		why, c.Subject, c.Issuer, minute(c.NotAfter), names(c))
}

// minute formats t to the minute.
func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// noNames reports whether c has no subjectAltName for hosts.
func noNames(c *x509.Certificate) bool { return len(c.DNSNames)+len(c.IPAddresses) == 0 }

// names lists the hosts for which c is valid.
func names(c *x509.Certificate) string {
	if noNames(c) {
		return "no names"
	}
	list := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		list = append(list, ip.String())
	}
	const most = 8
	if n := len(list) - most; n > 0 {
		list = append(list[:most], fmt.Sprintf("%d more", n))
	}
	return "for " + strings.Join(list, ", ")
}
