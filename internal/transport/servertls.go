package transport

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// serverState is the contents of the files of listeners.
type serverState struct {
	mu          sync.Mutex
	pair        tls.Certificate
	authorities *authorities // nil: clients need no certificate
	revoked     *revocations // nil: no certificate is revoked
	current     atomic.Pointer[tls.Config]
}

// ServerConfig returns the configuration of listeners; with CAFile or CAPath clients must present a
// certificate that these authorities signed, and that no list in CRLFile revokes. It is shared and
// must not be changed. It has the contents of the files at the last Reload.
func (t *TLS) ServerConfig() (*tls.Config, error) {
	s := &t.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if cfg := s.current.Load(); cfg != nil {
		return cfg, nil
	}
	if err := t.reload(); err != nil {
		return nil, err
	}
	return s.current.Load(), nil
}

// Reload reads the files of listeners again, for new connections. Certificate and key, the
// authorities, and the revocation lists are independent: if one of them cannot be read, the
// previous one stays in use, and the error names it. TLS sessions from before Reload are not
// resumed, so that client certificates are checked again.
func (t *TLS) Reload() error {
	t.server.mu.Lock()
	defer t.server.mu.Unlock()
	return t.reload()
}

// reload reads the files and makes a configuration of what could be read, unless a part was never
// read. server.mu is held.
func (t *TLS) reload() error {
	s := &t.server
	if t.Cert == "" {
		return errors.New("a TLS listener needs a certificate and its key")
	}
	var errs []error
	pair, err := t.keyPair()
	if err == nil {
		s.pair = pair
	}
	errs = append(errs, err)
	if t.CAFile != "" || t.CAPath != "" {
		a, err := t.authorities()
		if err == nil {
			s.authorities = a
		}
		errs = append(errs, err)
	}
	if none := t.CAFile == "" && t.CAPath == ""; t.CRLFile != "" && (none || s.authorities != nil) { // else the error is that of the authorities
		revoked, err := t.revocations(cmp.Or(s.authorities, &authorities{}))
		if err == nil {
			s.revoked = revoked
		}
		errs = append(errs, err)
	}
	cfg, err := t.base()
	err = errors.Join(append(errs, err)...)
	if err != nil && s.current.Load() == nil {
		return firstOf(errs, err)
	}
	if cfg == nil {
		return err
	}
	cfg.Certificates = []tls.Certificate{s.pair}
	if s.authorities != nil {
		cfg.ClientAuth, cfg.ClientCAs = tls.RequireAndVerifyClientCert, s.authorities.pool
	}
	if s.revoked != nil {
		cfg.VerifyConnection = s.revoked.verify // also of sessions that are resumed
	}
	s.current.Store(cfg)
	return err
}

// firstOf returns the first error of a list that is not nil, and otherwise err.
func firstOf(errs []error, err error) error {
	for _, e := range errs {
		if e != nil {
			return e
		}
	}
	return err
}

// Warnings returns warnings about the files of listeners: expired revocation lists, which are still
// used, authorities that could not be read, and expired certificates.
func (t *TLS) Warnings() []string {
	s := &t.server
	s.mu.Lock()
	defer s.mu.Unlock()
	var notes []string
	if s.revoked != nil {
		notes = s.revoked.notes()
	}
	if note := s.authorities.note(); note != "" {
		notes = append(notes, note)
	}
	if leaf := s.pair.Leaf; leaf != nil && leaf.NotAfter.Before(time.Now()) {
		notes = append(notes, fmt.Sprintf("%s: the certificate expired on %s", t.Cert, leaf.NotAfter.Format(dateForm)))
	}
	return notes
}
