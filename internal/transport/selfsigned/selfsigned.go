package selfsigned

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// How long certificates are valid, and how long before their end they are renewed.
const (
	authorityValid = 10 * 365 * 24 * time.Hour
	authorityRenew = 180 * 24 * time.Hour
	serverValid    = 90 * 24 * time.Hour
	serverRenew    = 30 * 24 * time.Hour
)

// Folder is a folder with an authority and a server certificate in PEM form.
type Folder struct {
	CA   string // the authority's certificate: the --cafile of clients
	Cert string // the server's certificate
	Key  string // its key, mode 0600

	caKey string // the authority's key, mode 0600
}

// In returns the file names in dir.
func In(dir string) Folder {
	at := func(name string) string { return filepath.Join(dir, name) }
	return Folder{CA: at("ca.pem"), Cert: at("server.pem"), Key: at("server.key"), caKey: at("ca.key")}
}

// Ensure makes what is absent in dir, which it creates, and renews what is about to expire or does
// not cover the names: localhost, the loopback addresses, the name of this machine, and hosts,
// which are names and IP addresses. made tells which of the two certificates are new. Several
// processes may call it for one folder at the same time. An error means that nothing was replaced.
func Ensure(dir string, hosts []string, now time.Time) (f Folder, made []string, err error) {
	f = In(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return f, nil, err
	}
	unlock, err := lockedfile.MutexAt(filepath.Join(dir, ".lock")).Lock()
	if err != nil {
		return f, nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	defer unlock()
	a, err := f.authority()
	switch {
	case err != nil:
		return f, nil, err
	case a == nil:
		if exists(f.Cert) || exists(f.Key) {
			return f, nil, fmt.Errorf("%s has %s without %s: choose another folder, or move these files away", dir, filepath.Base(f.Cert), filepath.Base(f.CA))
		}
		fallthrough
	case a.cert.NotAfter.Sub(now) < authorityRenew:
		if a, err = f.newAuthority(now); err != nil {
			return f, nil, err
		}
		made = append(made, f.CA)
	}
	names := newNames(hosts)
	fits, err := f.serverFits(a, names, now)
	if err != nil || fits {
		return f, made, err
	}
	if err := f.newServer(a, names, now); err != nil {
		return f, made, err
	}
	return f, append(made, f.Cert), nil
}

// names are what a server certificate is for.
type names struct {
	dns []string
	ips []net.IP
}

func newNames(hosts []string) names {
	n := names{dns: []string{"localhost"}, ips: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}}
	if host, err := os.Hostname(); err == nil {
		hosts = append([]string{host}, hosts...)
	}
	for _, h := range hosts {
		h, _, _ = strings.Cut(strings.Trim(h, "[]"), "%")
		h = strings.TrimSuffix(h, ".")
		ip := net.ParseIP(h)
		switch {
		case ip != nil && !ip.IsUnspecified() && !slices.ContainsFunc(n.ips, ip.Equal):
			n.ips = append(n.ips, ip)
		case ip == nil && validName(h) && !slices.Contains(n.dns, h):
			n.dns = append(n.dns, h)
		}
	}
	return n
}

// validName reports whether a certificate can be for the host name h.
func validName(h string) bool {
	return h != "" && len(h) < 254 && !strings.ContainsFunc(h, func(r rune) bool {
		return !(r == '-' || r == '.' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	})
}

// pair is a certificate with its key.
type pair struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// authority reads the authority, nil if there is none.
func (f *Folder) authority() (*pair, error) {
	if !exists(f.CA) && !exists(f.caKey) {
		return nil, nil
	}
	c, err := tls.LoadX509KeyPair(f.CA, f.caKey)
	if err != nil {
		return nil, fmt.Errorf("the authority in %s and %s: %w", f.CA, f.caKey, err)
	}
	key, ok := c.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !c.Leaf.IsCA || !strings.HasPrefix(c.Leaf.Subject.CommonName, authorityName) {
		return nil, fmt.Errorf("%s is not an authority that this program made: choose another folder", f.CA)
	}
	if err := protect(f.caKey); err != nil {
		return nil, err
	}
	return &pair{c.Leaf, key}, nil
}

// serverFits reports whether the server certificate can be used. The error is not nil if the
// certificate is somebody else's.
func (f *Folder) serverFits(a *pair, n names, now time.Time) (bool, error) {
	b, err := os.ReadFile(f.Cert)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return false, fmt.Errorf("%s: no certificate in PEM form: move it away", f.Cert)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return false, fmt.Errorf("%s: %w", f.Cert, err)
	}
	if !strings.HasPrefix(cert.Issuer.CommonName, authorityName) {
		return false, fmt.Errorf("%s was not made by this program: choose another folder", f.Cert)
	}
	if err := protect(f.Key); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if _, err := tls.LoadX509KeyPair(f.Cert, f.Key); err != nil || cert.CheckSignatureFrom(a.cert) != nil {
		return false, nil // a write was interrupted, or the authority is new
	}
	if now.Before(cert.NotBefore) || cert.NotAfter.Sub(now) < serverRenew {
		return false, nil
	}
	for _, name := range n.dns {
		if !slices.Contains(cert.DNSNames, name) {
			return false, nil
		}
	}
	for _, ip := range n.ips {
		if !slices.ContainsFunc(cert.IPAddresses, ip.Equal) {
			return false, nil
		}
	}
	return true, nil
}

// protect takes a key's file away from everybody but its owner.
func protect(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return os.Chmod(name, 0o600)
	}
	return nil
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}
