package main

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"mqtt/internal/transport/transporttest"
)

// cmdTLS makes a folder of certificates. expired.pem and elsewhere.pem are further ones of the server's authority: past
// their time, and for another name.
func cmdTLS(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) == 1, "tls DIR")
	w := worldOf(ts)
	c := transporttest.New(w.tb)
	past := time.Now().Add(-24 * time.Hour)
	c.Issue("expired", &x509.Certificate{DNSNames: []string{"localhost"}, NotBefore: past, NotAfter: past.Add(time.Hour)})
	c.Issue("elsewhere", &x509.Certificate{DNSNames: []string{"elsewhere.example"}})
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	entries, err := os.ReadDir(c.Dir)
	ts.Check(err)
	for _, e := range entries {
		copyFile(ts, filepath.Join(c.Dir, e.Name()), filepath.Join(dir, e.Name()))
	}
	copyFile(ts, transporttest.New(w.tb).CA, filepath.Join(dir, "other.pem"))
}

func copyFile(ts *testscript.TestScript, from, to string) {
	b, err := os.ReadFile(from)
	ts.Check(err)
	ts.Check(os.WriteFile(to, b, 0o600))
}
