package transport

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// TLS configures TLS for a client or, with a certificate, for listeners. The first Config or
// ServerConfig reads the files; Reload reads those of listeners again. The zero value verifies
// servers with the certificates of the system.
type TLS struct {
	CAFile  string // authorities in PEM form, instead of those of the system
	CAPath  string // folder with such files
	OSCerts bool   // also use the authorities of the system
	CRLFile string // for listeners: revocation lists for client certificates in PEM form, signed by the authorities

	Cert    string                 // certificate chain in PEM form
	Key     string                 // key of the certificate; "" if it is in the file Cert
	KeyPass func() ([]byte, error) // returns the passphrase of an encrypted key; nil if there is none

	Insecure   bool   // accept any certificate of a server
	ServerName string // name to send, and to expect in the certificate; "" means the host of the Target

	MinVersion, MaxVersion uint16   // as ParseVersion returns them; 0 means TLS 1.2, and the newest
	Ciphers                []uint16 // as ParseCiphers returns them; nil means the default
	ALPN                   []string // application protocols to offer
	KeyLog                 string   // file to which session keys are appended, for a packet analyser

	client built
	server serverState
}

// built is a configuration that is made once.
type built struct {
	once sync.Once
	cfg  *tls.Config
	err  error
}

// Config returns the configuration of a client. It is shared and must not be changed. An error
// names the file.
func (t *TLS) Config() (*tls.Config, error) {
	t.client.once.Do(func() { t.client.cfg, t.client.err = t.clientConfig() })
	return t.client.cfg, t.client.err
}

func (t *TLS) clientConfig() (*tls.Config, error) {
	cfg, err := t.base()
	if err != nil {
		return nil, err
	}
	switch {
	case t.Cert != "":
		pair, err := t.keyPair()
		if err != nil {
			return nil, err
		}
		cfg.Certificates = []tls.Certificate{pair}
	case t.Key != "":
		return nil, fieldError("Key", fmt.Errorf("key %s: the certificate for it is missing", t.Key))
	}
	cfg.ServerName, cfg.InsecureSkipVerify = t.ServerName, t.Insecure
	if t.CAFile != "" || t.CAPath != "" {
		if cfg.RootCAs, err = t.authorities(); err != nil {
			return nil, err
		}
	}
	return cfg, nil
}

// base returns a configuration without certificates.
func (t *TLS) base() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: t.MinVersion, MaxVersion: t.MaxVersion, CipherSuites: t.Ciphers, NextProtos: t.ALPN}
	if cfg.MinVersion == 0 {
		cfg.MinVersion = tls.VersionTLS12
		if cfg.MaxVersion != 0 {
			cfg.MinVersion = min(cfg.MinVersion, cfg.MaxVersion)
		}
	}
	if cfg.MaxVersion != 0 && cfg.MaxVersion < cfg.MinVersion {
		return nil, fmt.Errorf("%s is older than %s", tls.VersionName(cfg.MaxVersion), tls.VersionName(cfg.MinVersion))
	}
	if t.KeyLog != "" {
		log := &keyLog{name: t.KeyLog}
		if _, err := log.Write(nil); err != nil {
			return nil, fieldError("KeyLog", err)
		}
		cfg.KeyLogWriter = log
	}
	return cfg, nil
}

// authorities reads CAFile and CAPath, and the certificates of the system if OSCerts is set.
func (t *TLS) authorities() (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if t.OSCerts {
		sys, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("system certificates: %w", err)
		}
		pool = sys
	}
	if t.CAFile != "" {
		n, err := addCertificates(pool, t.CAFile)
		if err == nil && n == 0 {
			err = fmt.Errorf("%s: no certificate in PEM form", t.CAFile)
		}
		if err != nil {
			return nil, fieldError("CAFile", err)
		}
	}
	if t.CAPath == "" {
		return pool, nil
	}
	entries, err := os.ReadDir(t.CAPath)
	if err != nil {
		return nil, fieldError("CAPath", bare(err))
	}
	found := 0
	for _, e := range entries {
		name := filepath.Join(t.CAPath, e.Name())
		if st, err := os.Stat(name); err != nil || !st.Mode().IsRegular() { // Stat follows the symbolic links that c_rehash makes
			continue
		}
		n, err := addCertificates(pool, name)
		if err != nil {
			return nil, fieldError("CAPath", err)
		}
		found += n
	}
	if found == 0 {
		return nil, fieldError("CAPath", fmt.Errorf("%s: no file with a certificate in PEM form", t.CAPath))
	}
	return pool, nil
}

// addCertificates adds the certificates of a PEM file to pool and returns their number.
func addCertificates(pool *x509.CertPool, name string) (n int, err error) {
	rest, err := os.ReadFile(name)
	if err != nil {
		return 0, bare(err)
	}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return n, nil
		}
		if block.Type != "CERTIFICATE" && block.Type != "TRUSTED CERTIFICATE" && block.Type != "X509 CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return n, fmt.Errorf("%s: invalid certificate: %w", name, err)
		}
		pool.AddCert(c)
		n++
	}
}

// bare returns a file error as "name: cause", without the operation.
func bare(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("%s: %w", p.Path, p.Err)
	}
	return err
}

// keyLog appends to a file. It does not keep the file open between handshakes.
type keyLog struct {
	mu   sync.Mutex
	name string
}

func (k *keyLog) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f, err := os.OpenFile(k.name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, bare(err)
	}
	n, err := f.Write(p)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return n, err
}

// ParseVersion parses tlsv1.3, tlsv1.2, tlsv1.1 or tlsv1, also in the forms TLS1.2 and 1.2.
func ParseVersion(s string) (uint16, error) {
	v := strings.ToLower(s)
	v = strings.TrimPrefix(v, "tls")
	v = strings.TrimPrefix(strings.TrimSpace(v), "v")
	switch v {
	case "1", "1.0":
		return tls.VersionTLS10, nil
	case "1.1":
		return tls.VersionTLS11, nil
	case "1.2":
		return tls.VersionTLS12, nil
	case "1.3":
		return tls.VersionTLS13, nil
	}
	return 0, fmt.Errorf("TLS version %q; expected tlsv1.3, tlsv1.2, tlsv1.1 or tlsv1", s)
}
