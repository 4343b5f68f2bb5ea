package transport

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"
)

// revocations are the revocation lists of a file. Every list was signed by one of the authorities.
type revocations struct {
	file  string
	lists []revocationList
}

// revocationList is one list of an authority.
type revocationList struct {
	issuer  *x509.Certificate
	next    time.Time           // when the next list is due; zero if the list has no date
	serials map[string]struct{} // of revoked certificates, as big.Int.Bytes
}

// dateForm is the format of times in notes.
const dateForm = "2006-01-02 15:04:05 MST"

// revocations reads CRLFile. Every list in it must be complete, and signed by one of the
// authorities a: a list that cannot be checked would silently have no effect.
func (t *TLS) revocations(a *authorities) (*revocations, error) {
	rest, err := os.ReadFile(t.CRLFile)
	if err != nil {
		return nil, fieldError("CRLFile", bare(err))
	}
	r := &revocations{file: t.CRLFile}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "X509 CRL" {
			continue
		}
		l, err := parseList(block.Bytes, a.list)
		if err != nil {
			return nil, fieldError("CRLFile", fmt.Errorf("%s: revocation list %d: %w", t.CRLFile, len(r.lists)+1, err))
		}
		r.lists = append(r.lists, l)
	}
	if len(r.lists) == 0 {
		return nil, fieldError("CRLFile", fmt.Errorf("%s: no revocation list in PEM form", t.CRLFile))
	}
	return r, nil
}

// parseList parses a revocation list of version 1 or 2 and finds the authority that signed it.
func parseList(der []byte, authorities []*x509.Certificate) (revocationList, error) {
	l := revocationList{serials: make(map[string]struct{})}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		//lint:ignore SA1019 nothing else reads lists of version 1, which openssl ca makes by default
		old, oldErr := x509.ParseDERCRL(der)
		if oldErr != nil || old.TBSCertList.Version != 0 {
			return l, err
		}
		return l, l.parseOld(old, authorities)
	}
	for _, e := range list.Extensions {
		if err := checkExtension(e); err != nil {
			return l, err
		}
	}
	why := errors.New("none of the authorities has that name")
	for _, a := range authorities {
		if !bytes.Equal(a.RawSubject, list.RawIssuer) {
			continue
		}
		if why = list.CheckSignatureFrom(a); why == nil {
			l.issuer = a
			break
		}
	}
	if l.issuer == nil {
		return l, fmt.Errorf("not signed by an authority for client certificates: %s: %w", list.Issuer, why)
	}
	l.next = list.NextUpdate
	for _, e := range list.RevokedCertificateEntries {
		l.serials[string(e.SerialNumber.Bytes())] = struct{}{}
	}
	return l, nil
}

// parseOld takes a list of version 1, which has no extensions.
func (l *revocationList) parseOld(list *pkix.CertificateList, authorities []*x509.Certificate) error {
	why := errors.New("none of the authorities signed it")
	for _, a := range authorities {
		//lint:ignore SA1019 as above
		if a.CheckCRLSignature(list) == nil {
			l.issuer = a
			break
		}
	}
	if l.issuer == nil {
		return fmt.Errorf("not signed by an authority for client certificates: %w", why)
	}
	l.next = list.TBSCertList.NextUpdate
	for _, e := range list.TBSCertList.RevokedCertificates {
		l.serials[string(e.SerialNumber.Bytes())] = struct{}{}
	}
	return nil
}

var (
	deltaIndicator    = asn1.ObjectIdentifier{2, 5, 29, 27}
	distributionPoint = asn1.ObjectIdentifier{2, 5, 29, 28}
)

// checkExtension returns an error if a list with that extension cannot be used: RFC 5280, section
// 5.2, forbids the use of a list with an unknown critical extension.
func checkExtension(e pkix.Extension) error {
	switch {
	case e.Id.Equal(deltaIndicator):
		return errors.New("a delta list: give the complete list")
	case e.Id.Equal(distributionPoint):
		var point struct {
			Name     asn1.RawValue  `asn1:"optional,tag:0"`
			Users    bool           `asn1:"optional,tag:1"`
			CAs      bool           `asn1:"optional,tag:2"`
			Reasons  asn1.BitString `asn1:"optional,tag:3"`
			Indirect bool           `asn1:"optional,tag:4"`
			Attrs    bool           `asn1:"optional,tag:5"`
		}
		if _, err := asn1.Unmarshal(e.Value, &point); err != nil {
			return fmt.Errorf("issuing distribution point: %w", err)
		}
		if point.Indirect {
			return errors.New("an indirect list, which has certificates of other issuers")
		}
	case e.Critical:
		return fmt.Errorf("the critical extension %s is not supported", e.Id)
	}
	return nil
}

// verify is a tls.Config.VerifyConnection. It refuses a client if each chain of its certificate
// has a revoked certificate.
func (r *revocations) verify(cs tls.ConnectionState) error {
	var revoked *x509.Certificate
	for _, chain := range cs.VerifiedChains {
		bad := r.find(chain)
		if bad == nil {
			return nil
		}
		revoked = bad
	}
	if revoked == nil {
		return errors.New("the certificate was not verified")
	}
	return fmt.Errorf("the certificate of %s with serial number %X is revoked", revoked.Subject, revoked.SerialNumber)
}

// find returns a revoked certificate of a chain, or nil if there is none.
func (r *revocations) find(chain []*x509.Certificate) *x509.Certificate {
	for i := range len(chain) - 1 {
		issuer := chain[i+1]
		for _, l := range r.lists {
			if !bytes.Equal(l.issuer.RawSubject, issuer.RawSubject) || !bytes.Equal(l.issuer.RawSubjectPublicKeyInfo, issuer.RawSubjectPublicKeyInfo) {
				continue
			}
			if _, ok := l.serials[string(chain[i].SerialNumber.Bytes())]; ok {
				return chain[i]
			}
		}
	}
	return nil
}

// notes returns a warning for each expired list.
func (r *revocations) notes() (notes []string) {
	for _, l := range r.lists {
		if !l.next.IsZero() && l.next.Before(time.Now()) {
			notes = append(notes, fmt.Sprintf("%s: the revocation list of %s expired on %s; it still counts, and certificates revoked since are not refused",
				r.file, l.issuer.Subject, l.next.Format(dateForm)))
		}
	}
	return notes
}
