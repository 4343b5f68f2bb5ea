package transport

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// certFault is a server's certificate that was not accepted: why, and what can help.
type certFault struct {
	err       error
	why, hint string
}

// Error describes the certificate and says why it was not accepted.
func (f *certFault) Error() string {
	c := certificate(f.err)
	return fmt.Sprintf("certificate not accepted: %s (subject %s, issuer %s, valid until %s, %s)",
		f.why, c.Subject, c.Issuer, minute(c.NotAfter), names(c))
}

// Unwrap returns the error of the handshake.
func (f *certFault) Unwrap() error { return f.err }

// explainCertificate returns a *certFault if err says that the server's certificate was not accepted,
// or else err.
func (t *TLS) explainCertificate(err error) error {
	var v *tls.CertificateVerificationError
	if !errors.As(err, &v) || len(v.UnverifiedCertificates) == 0 {
		return err
	}
	f := &certFault{err: err}
	var (
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		host    x509.HostnameError
	)
	switch leaf := v.UnverifiedCertificates[0]; {
	case errors.As(err, &host):
		f.why, f.hint = explainName(leaf, host.Host)
		if t.namesAuthority() {
			f.hint += "; --insecure skips only this check"
		}
	case errors.As(err, &unknown):
		f.why, f.hint = t.explainChain(v.UnverifiedCertificates)
	case errors.As(err, &invalid):
		f.why, f.hint = t.explainInvalid(leaf, invalid)
	default:
		f.why, f.hint = plain(v.Err), t.acceptAny()
	}
	return f
}

// acceptAny returns how to accept any certificate. Beside an authority, --insecure does not.
func (t *TLS) acceptAny() string {
	if t.namesAuthority() {
		return "--insecure without --cafile and --capath accepts any certificate"
	}
	return "--insecure accepts any certificate"
}

// explainName returns why c is not valid for host.
func explainName(c *x509.Certificate, host string) (why, hint string) {
	kind := "DNS:"
	addr, err := netip.ParseAddr(host)
	if err == nil {
		kind = "IP:"
	}
	again := "issue it again with subjectAltName=" + kind + host
	other := ""
	for _, n := range append(c.DNSNames, addresses(c)...) {
		if _, err := netip.ParseAddr(n); (err != nil || hasAddress(c, n)) && !strings.HasPrefix(n, "*") {
			other = "--tls-servername " + n + " expects that name; or "
			break
		}
	}
	switch {
	case noNames(c) && c.Subject.CommonName != "":
		return "it has no subjectAltName, so it matches no host name; the name in its subject does not count", again
	case noNames(c):
		return "it has no subjectAltName, so it matches no host name", again
	case err == nil && containsFold(c.DNSNames, host):
		return "it has the address " + host + " as a DNS name, not as an IP address", other + again
	case err == nil && len(c.IPAddresses) == 0:
		return "it is not valid for the address " + addr.String() + ", only for names", other + again
	}
	return "it is not valid for " + host, other + again
}

func addresses(c *x509.Certificate) (list []string) {
	for _, ip := range c.IPAddresses {
		list = append(list, ip.String())
	}
	return list
}

func hasAddress(c *x509.Certificate, s string) bool { return containsFold(addresses(c), s) }

func containsFold(list []string, s string) bool {
	for _, x := range list {
		if strings.EqualFold(x, s) {
			return true
		}
	}
	return false
}

// explainChain returns why no authority leads to the certificates that the server sent.
func (t *TLS) explainChain(sent []*x509.Certificate) (why, hint string) {
	last := sent[0]
	for range sent { // follow the issuers among the certificates that were sent
		next := issuer(last, sent[1:])
		if next == nil {
			break
		}
		if err := last.CheckSignatureFrom(next); err != nil {
			return t.explainSignature(last, next, "sent by the server", err)
		}
		last = next
	}
	_, a, _ := t.clientState()
	if a != nil {
		for _, root := range a.list {
			if bytes.Equal(root.RawSubject, last.RawIssuer) {
				if err := last.CheckSignatureFrom(root); err != nil {
					return t.explainSignature(last, root, "in "+t.authorityFlag(), err)
				}
			}
		}
	}
	trust := "--cafile FILE trusts the authority that signed it"
	if a != nil {
		trust = "check that " + t.authorityFlag() + " has the authority that signed it"
	}
	switch {
	case bytes.Equal(last.RawSubject, last.RawIssuer) && last == sent[0]:
		if a != nil {
			return "self-signed, and not in " + t.authorityFlag(), "add it to the file of --cafile; " + t.acceptAny()
		}
		return "self-signed", "--cafile FILE trusts it if it is in FILE; " + t.acceptAny()
	case bytes.Equal(last.RawSubject, last.RawIssuer):
		return "signed by an unknown authority, " + name(last), trust + "; " + t.acceptAny()
	}
	why = "signed by an unknown authority, " + issuerName(last) + ", whose certificate the server does not send"
	if a != nil {
		why += " and " + t.authorityFlag() + " does not have"
	}
	return why, trust + ", or have the server send it if it is an intermediate authority; " + t.acceptAny()
}

// explainSignature returns why parent, which has the name of the issuer of c, did not sign it. place is
// where parent is.
func (t *TLS) explainSignature(c, parent *x509.Certificate, place string, err error) (why, hint string) {
	var insecure x509.InsecureAlgorithmError
	switch {
	case errors.As(err, &insecure):
		return fmt.Sprintf("signed with %s, which is not secure any more", c.SignatureAlgorithm), "have it signed again with SHA-256; " + t.acceptAny()
	case errors.As(err, new(x509.ConstraintViolationError)):
		return fmt.Sprintf("%s, %s, is no authority: it may not sign certificates", name(parent), place),
			"make that certificate again with basicConstraints=CA:TRUE and keyUsage=keyCertSign; " + t.acceptAny()
	case errors.Is(err, x509.ErrUnsupportedAlgorithm):
		return fmt.Sprintf("signed with an algorithm that is not supported (%s)", c.SignatureAlgorithm), "have it signed again, for example with ECDSA and SHA-256"
	}
	return fmt.Sprintf("%s, %s, has another key than the authority of the same name that signed it", name(parent), place),
		"get the authority's certificate anew: it may have been replaced; " + t.acceptAny()
}

// explainInvalid returns why a certificate of the chain is not valid.
func (t *TLS) explainInvalid(leaf *x509.Certificate, e x509.CertificateInvalidError) (why, hint string) {
	which := ""
	if e.Cert != nil && !e.Cert.Equal(leaf) {
		which = "its issuer " + name(e.Cert) + ": "
	}
	switch e.Reason {
	case x509.Expired:
		hint = "renew the server's certificate, or correct the clock; " + t.acceptAny()
		switch {
		case e.Cert != nil && time.Now().Before(e.Cert.NotBefore):
			return which + "not valid before " + minute(e.Cert.NotBefore), hint
		case which != "":
			return fmt.Sprintf("its issuer %s expired on %s", e.Cert.Subject, minute(e.Cert.NotAfter)), hint
		}
		return "expired", hint
	case x509.NotAuthorizedToSign:
		return which + "not an authority, so it may not sign certificates", "make that certificate again with basicConstraints=CA:TRUE; " + t.acceptAny()
	case x509.IncompatibleUsage:
		return which + "it is not for servers (extendedKeyUsage)", "issue it again with extendedKeyUsage=serverAuth; " + t.acceptAny()
	}
	return which + strings.TrimPrefix(e.Error(), "x509: "), t.acceptAny()
}

// authorityFlag returns the flag that names the authorities.
func (t *TLS) authorityFlag() string {
	if t.CAFile == "" {
		return "--capath"
	}
	return "--cafile"
}

// issuer returns the certificate in list whose subject is the issuer of c, nil if there is none or c is
// self-signed.
func issuer(c *x509.Certificate, list []*x509.Certificate) *x509.Certificate {
	if bytes.Equal(c.RawSubject, c.RawIssuer) {
		return nil
	}
	for _, x := range list {
		if x != c && bytes.Equal(x.RawSubject, c.RawIssuer) {
			return x
		}
	}
	return nil
}

// name returns the subject of c for an error.
func name(c *x509.Certificate) string { return c.Subject.String() }

// issuerName returns the issuer of c for an error.
func issuerName(c *x509.Certificate) string { return c.Issuer.String() }
