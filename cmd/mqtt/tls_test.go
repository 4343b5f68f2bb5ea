package main

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"mqtt/internal/transport/transporttest"
)

// cmdTLS makes a folder of certificates. The authority also issues expired.pem, elsewhere.pem for
// another name, renewed.pem for the server again, and nameless.pem and altname.pem for clients without
// a common name. revoked.crl lists client.pem, none.crl is empty, old.crl lists client.pem and has
// expired; foreign.crl is of another authority.
func cmdTLS(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) == 1, "tls DIR")
	w := worldOf(ts)
	c := transporttest.New(w.tb)
	past := time.Now().Add(-24 * time.Hour)
	c.Issue("expired", &x509.Certificate{DNSNames: []string{"localhost"}, NotBefore: past, NotAfter: past.Add(time.Hour)})
	c.Issue("elsewhere", &x509.Certificate{DNSNames: []string{"elsewhere.example"}})
	c.Issue("renewed", &x509.Certificate{DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	c.Issue("nameless", &x509.Certificate{Subject: pkix.Name{Organization: []string{"x"}}})
	c.Issue("altname", &x509.Certificate{Subject: pkix.Name{Organization: []string{"x"}}, DNSNames: []string{"admin"}})
	c.Revoke("none.crl", nil)
	c.Revoke("revoked.crl", nil, c.Client)
	c.Revoke("old.crl", &x509.RevocationList{ThisUpdate: past, NextUpdate: past.Add(time.Hour)}, c.Client)
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	entries, err := os.ReadDir(c.Dir)
	ts.Check(err)
	for _, e := range entries {
		copyFile(ts, filepath.Join(c.Dir, e.Name()), filepath.Join(dir, e.Name()))
	}
	other := transporttest.New(w.tb)
	copyFile(ts, other.CA, filepath.Join(dir, "other.pem"))
	copyFile(ts, other.Revoke("foreign.crl", nil), filepath.Join(dir, "foreign.crl"))
}

func copyFile(ts *testscript.TestScript, from, to string) {
	b, err := os.ReadFile(from)
	ts.Check(err)
	ts.Check(os.WriteFile(to, b, 0o600))
}
