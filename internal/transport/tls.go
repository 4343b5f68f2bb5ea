package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
)

// TLS configures TLS for a client or, with a certificate, for listeners. Config reads the files of a
// client again when they have changed. ServerConfig reads those of listeners once; Reload reads them
// again. The zero value verifies servers with the certificates of the system.
type TLS struct {
	CAFile  string // authorities in PEM form, instead of those of the system
	CAPath  string // folder with such files
	OSCerts bool   // also use the authorities of the system
	CRLFile string // for listeners: revocation lists for client certificates in PEM form, signed by the authorities

	Cert    string                 // certificate chain in PEM form
	Key     string                 // key of the certificate; "" if it is in the file Cert
	KeyPass func() ([]byte, error) // returns the passphrase of an encrypted key; nil if there is none

	Insecure   bool   // accept any certificate of a server; with CAFile, CAPath or OSCerts, any host name only
	ServerName string // name to send, and to expect in the certificate; "" means the host of the Target

	MinVersion, MaxVersion uint16   // as ParseVersion returns them; 0 means TLS 1.2, and the newest
	Ciphers                []uint16 // as ParseCiphers returns them; nil means the default
	ALPN                   []string // application protocols to offer
	KeyLog                 string   // file to which session keys are appended, for a packet analyser

	client built
	server serverState
}

// built is the configuration of a client, made from files as stamp describes them.
type built struct {
	mu          sync.Mutex
	stamp       string
	cfg         *tls.Config
	authorities *authorities // nil: those of the system
	err         error
}

// Config returns the configuration of a client. It is shared and must not be changed. If a regular file
// has changed since the last call, the files are read again, so that each connection has the
// certificates of its time. An error names the file.
func (t *TLS) Config() (*tls.Config, error) {
	cfg, _, err := t.clientState()
	return cfg, err
}

// clientState returns the configuration of a client, and the authorities that it names.
func (t *TLS) clientState() (*tls.Config, *authorities, error) {
	b := &t.client
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := t.stamp(); b.cfg == nil && b.err == nil || now != b.stamp {
		b.stamp = now
		b.cfg, b.err = t.clientConfig()
	}
	return b.cfg, b.authorities, b.err
}

// Note returns a warning about the files of a client, or "".
func (t *TLS) Note() string {
	_, a, err := t.clientState()
	if err != nil {
		return ""
	}
	return a.note()
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
		if t.client.authorities, err = t.authorities(); err != nil {
			return nil, err
		}
		cfg.RootCAs = t.client.authorities.pool
	}
	if t.Insecure && t.namesAuthority() {
		cfg.VerifyConnection = verifyChain(cfg.RootCAs)
	}
	return cfg, nil
}

// namesAuthority reports whether the caller says which authorities count. Insecure then concerns the host
// name only.
func (t *TLS) namesAuthority() bool { return t.CAFile != "" || t.CAPath != "" || t.OSCerts }

// verifyChain returns a function that checks that the server's certificate leads to one of roots, as
// crypto/tls does, but not its host name.
func verifyChain(roots *x509.CertPool) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 {
			return errors.New("the server sent no certificate")
		}
		opts := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, c := range s.PeerCertificates[1:] {
			opts.Intermediates.AddCert(c)
		}
		if _, err := s.PeerCertificates[0].Verify(opts); err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
		}
		return nil
	}
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
