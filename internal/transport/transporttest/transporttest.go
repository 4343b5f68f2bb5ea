// Package transporttest makes certificates for tests: an authority, a certificate of a server for
// localhost, and one of a client. They take about a millisecond, and are written to a temporary
// folder of the test.
package transporttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certs has the names of files in PEM form.
type Certs struct {
	Dir                 string // folder of all files
	CA                  string // certificate of the authority
	Server, ServerKey   string // for localhost, 127.0.0.1 and ::1
	Client, ClientKey   string // common name "client"
	Authority           *x509.Certificate
	authorityKey        *ecdsa.PrivateKey
	serial              int64
	notBefore, notAfter time.Time
	tb                  testing.TB
}

// New makes an authority and one certificate for each side, valid for an hour.
func New(tb testing.TB) *Certs {
	tb.Helper()
	now := time.Now()
	c := &Certs{Dir: tb.TempDir(), tb: tb, notBefore: now.Add(-time.Hour), notAfter: now.Add(time.Hour)}
	c.authorityKey = c.newKey()
	c.CA = filepath.Join(c.Dir, "ca.pem")
	root := &x509.Certificate{
		Subject: pkix.Name{CommonName: "test authority"},
		IsCA:    true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	c.Authority = c.sign(root, root, &c.authorityKey.PublicKey, c.CA)
	c.Server, c.ServerKey = c.Issue("server", &x509.Certificate{
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	})
	c.Client, c.ClientKey = c.Issue("client", &x509.Certificate{})
	return c
}

// Issue signs a certificate and returns the files of certificate and key, name.pem and name.key. Of
// template, the subject, names, addresses and times are used; an empty subject is the common name
// name.
func (c *Certs) Issue(name string, template *x509.Certificate) (cert, key string) {
	c.tb.Helper()
	if len(template.Subject.ToRDNSequence()) == 0 {
		template.Subject = pkix.Name{CommonName: name}
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	priv := c.newKey()
	cert, key = filepath.Join(c.Dir, name+".pem"), filepath.Join(c.Dir, name+".key")
	c.sign(template, c.Authority, &priv.PublicKey, cert)
	der, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		c.tb.Fatal(err)
	}
	c.write(key, "PRIVATE KEY", der)
	return cert, key
}

// Revoke writes a revocation list of the certificates in files to the file name of Dir, and returns
// its path. A list is empty without files. template, which may be nil, has times and extensions.
func (c *Certs) Revoke(name string, template *x509.RevocationList, files ...string) string {
	c.tb.Helper()
	if template == nil {
		template = &x509.RevocationList{}
	}
	c.serial++
	template.Number = big.NewInt(c.serial)
	if template.NextUpdate.IsZero() {
		template.ThisUpdate, template.NextUpdate = c.notBefore, c.notAfter
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			c.tb.Fatal(err)
		}
		block, _ := pem.Decode(b)
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			c.tb.Fatal(err)
		}
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: cert.SerialNumber, RevocationTime: c.notBefore})
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, c.Authority, c.authorityKey)
	if err != nil {
		c.tb.Fatal(err)
	}
	path := filepath.Join(c.Dir, name)
	c.write(path, "X509 CRL", der)
	return path
}

func (c *Certs) newKey() *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		c.tb.Fatal(err)
	}
	return k
}

func (c *Certs) sign(template, parent *x509.Certificate, pub *ecdsa.PublicKey, name string) *x509.Certificate {
	c.tb.Helper()
	c.serial++
	template.SerialNumber = big.NewInt(c.serial)
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = c.notBefore, c.notAfter
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, c.authorityKey)
	if err != nil {
		c.tb.Fatal(err)
	}
	c.write(name, "CERTIFICATE", der)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		c.tb.Fatal(err)
	}
	return cert
}

func (c *Certs) write(name, typ string, der []byte) {
	c.tb.Helper()
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}), 0o600); err != nil {
		c.tb.Fatal(err)
	}
}
