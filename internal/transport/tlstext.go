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

// tlsText returns the text of a failed handshake.
func tlsText(err error) string {
	var (
		fault  *certFault
		record tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &record):
		return (&foreign{want: "TLS", got: DetectProtocol(record.RecordHeader[:])}).Error()
	case errors.As(err, &fault):
		return fault.Error()
	case errors.Is(err, io.EOF):
		return errHungUp.Error()
	}
	return strings.TrimPrefix(plain(err), "tls: ")
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
