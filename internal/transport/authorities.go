package transport

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// authorities are the certificates that a certificate of the peer must lead to.
type authorities struct {
	pool    *x509.CertPool
	list    []*x509.Certificate // those of files; those of the system are in pool only
	skipped []string            // what could not be read, and why
}

// authorities reads CAFile and CAPath, and the certificates of the system if OSCerts is set. What cannot
// be read is passed over: one certificate with a serial number that Go rejects must not make a bundle
// unusable. It is an error only if nothing is left.
func (t *TLS) authorities() (*authorities, error) {
	a := &authorities{pool: x509.NewCertPool()}
	if t.OSCerts {
		sys, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("system certificates: %w", err)
		}
		a.pool = sys
	}
	if t.CAFile != "" {
		err := a.add(t.CAFile)
		if err == nil && len(a.list) == 0 {
			err = fmt.Errorf("%s: no certificate in PEM form", t.CAFile)
			if len(a.skipped) > 0 {
				err = errors.New(a.skipped[0])
			}
		}
		if err != nil {
			return nil, fieldError("CAFile", err)
		}
	}
	if t.CAPath == "" {
		return a, nil
	}
	before := len(a.list)
	if err := a.addFolder(t.CAPath); err != nil {
		return nil, fieldError("CAPath", err)
	}
	if len(a.list) == before {
		err := fmt.Errorf("%s: no file with a certificate in PEM form", t.CAPath)
		if len(a.skipped) > 0 {
			err = errors.New(a.skipped[len(a.skipped)-1])
		}
		return nil, fieldError("CAPath", err)
	}
	return a, nil
}

// addFolder adds the certificates of all files in a folder. Files without one are ignored, and so are
// symbolic links to nothing, which c_rehash leaves behind.
func (a *authorities) addFolder(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return bare(err)
	}
	for _, e := range entries {
		name := filepath.Join(folder, e.Name())
		st, err := os.Stat(name) // follows the symbolic links that c_rehash makes
		if errors.Is(err, fs.ErrNotExist) || err == nil && !st.Mode().IsRegular() {
			continue
		}
		if err == nil {
			err = a.add(name)
		}
		if err != nil {
			a.skipped = append(a.skipped, bare(err).Error())
		}
	}
	return nil
}

// add adds the certificates of a PEM file.
func (a *authorities) add(name string) error {
	rest, err := readPEM(name)
	if err != nil {
		return err
	}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil
		}
		der := block.Bytes
		switch block.Type {
		case "CERTIFICATE", "X509 CERTIFICATE":
		case "TRUSTED CERTIFICATE": // of OpenSSL: what the certificate is trusted for follows it
			var first asn1.RawValue
			if _, err := asn1.Unmarshal(der, &first); err == nil {
				der = first.FullBytes
			}
		default:
			continue
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			a.skipped = append(a.skipped, name+": invalid certificate: "+strings.TrimPrefix(err.Error(), "x509: "))
			continue
		}
		a.pool.AddCert(c)
		a.list = append(a.list, c)
	}
}

// note returns a warning about what was passed over, or "".
func (a *authorities) note() string {
	if a == nil || len(a.skipped) == 0 {
		return ""
	}
	more := ""
	if n := len(a.skipped) - 1; n > 0 {
		more = fmt.Sprintf(", and %d more", n)
	}
	return "skipped a CA certificate that cannot be read: " + a.skipped[0] + more
}

// readPEM reads a file in PEM form. A byte order mark, which some editors write, is passed over.
func readPEM(name string) ([]byte, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, bare(err)
	}
	text := string(b)
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		return nil, fmt.Errorf("%s: the text is UTF-16: save it as ASCII or UTF-8", name)
	}
	return []byte(strings.TrimPrefix(text, "\ufeff")), nil
}
