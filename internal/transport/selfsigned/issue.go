package selfsigned

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// authorityName begins the common name of every authority that this package makes.
const authorityName = "mqtt self-signed authority"

// skew is how far the clocks of clients may be behind.
const skew = time.Hour

// newAuthority makes an authority and writes its files.
func (f *Folder) newAuthority(now time.Time) (*pair, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: authorityName + " " + now.UTC().Format("2006-01-02 15:04:05")},
		NotBefore:    now.Add(-skew), NotAfter: now.Add(authorityValid),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	return issue(template, nil, f.CA, f.caKey)
}

// newServer makes a server certificate and writes its files.
func (f *Folder) newServer(a *pair, n names, now time.Time) error {
	serial, err := newSerial()
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "mqtt broker"},
		NotBefore:    now.Add(-skew), NotAfter: now.Add(serverValid),
		DNSNames: n.dns, IPAddresses: n.ips,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	_, err = issue(template, a, f.Cert, f.Key)
	return err
}

// newSerial returns a positive random number of at most 127 bits.
func newSerial() (*big.Int, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	return n.Add(n, big.NewInt(1)), nil
}

// issue makes a key, has the certificate of template signed by parent, or by itself if parent is
// nil, and writes both. The key comes first: a certificate without its key is made again.
func issue(template *x509.Certificate, parent *pair, certFile, keyFile string) (*pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	signer := &pair{template, key}
	if parent != nil {
		signer = parent
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer.cert, &key.PublicKey, signer.key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := write(keyFile, "PRIVATE KEY", keyDER, 0o600); err != nil {
		return nil, err
	}
	if err := write(certFile, "CERTIFICATE", der, 0o644); err != nil {
		return nil, err
	}
	return &pair{cert, key}, nil
}

// write replaces a file in such a way that no reader sees a part of it.
func write(name, typ string, der []byte, mode fs.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err = pem.Encode(f, &pem.Block{Type: typ, Bytes: der}); err != nil {
		return err
	}
	if err = f.Chmod(mode); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
