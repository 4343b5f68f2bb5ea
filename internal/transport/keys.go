package transport

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/youmark/pkcs8"
)

var (
	errNoPassphrase = errors.New("the key is encrypted, and no passphrase was given")
	errPassphrase   = errors.New("the passphrase does not decrypt the key")
)

// keyPair reads the certificate chain and its key.
func (t *TLS) keyPair() (pair tls.Certificate, err error) {
	cert, err := readPEM(t.Cert)
	if err != nil {
		return pair, fieldError("Cert", err)
	}
	if !hasBlock(cert, "CERTIFICATE") {
		return pair, fieldError("Cert", fmt.Errorf("%s: no certificate in PEM form", t.Cert))
	}
	key, name, part := cert, t.Cert, "Cert"
	if t.Key != "" {
		name, part = t.Key, "Key"
		if key, err = readPEM(name); err != nil {
			return pair, fieldError(part, err)
		}
	}
	if key, err = t.decrypted(key, name); err != nil {
		return pair, fieldError(part, fmt.Errorf("%s: %w", name, err))
	}
	if pair, err = tls.X509KeyPair(cert, key); err != nil {
		if n := certificateOf(key, cert); n > 1 {
			return pair, fieldError("Cert", fmt.Errorf("%s: the certificate of the key is number %d in the file, and must be the first; "+
				"after it comes the authority that signed it, and so on", t.Cert, n))
		}
		return pair, fieldError(part, fmt.Errorf("certificate %s with key %s: %s", t.Cert, name, strings.TrimPrefix(err.Error(), "tls: ")))
	}
	return pair, nil
}

// certificateOf returns the number of the certificate in data that belongs to key, 0 for none. The first
// one is number 1.
func certificateOf(key, data []byte) int {
	for n := 1; ; {
		block, rest := pem.Decode(data)
		if block == nil {
			return 0
		}
		data = rest
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := tls.X509KeyPair(pem.EncodeToMemory(block), key); err == nil {
			return n
		}
		n++
	}
}

func hasBlock(data []byte, typ string) bool {
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return false
		}
		if block.Type == typ {
			return true
		}
		data = rest
	}
}

// decrypted returns the first private key in data, decrypted, in PEM form.
func (t *TLS) decrypted(data []byte, name string) ([]byte, error) {
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			if name == t.Cert {
				return nil, errors.New("no private key in PEM form after the certificate: the key may be in another file")
			}
			return nil, errors.New("no private key in PEM form")
		}
		data = rest
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue
		}
		der, err := t.open(block)
		if err != nil {
			return nil, err
		}
		typ := block.Type
		if typ == "ENCRYPTED PRIVATE KEY" {
			typ = "PRIVATE KEY"
		}
		return pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}), nil
	}
}

// open returns the DER form of a key. It asks for the passphrase if the key is encrypted.
func (t *TLS) open(block *pem.Block) ([]byte, error) {
	modern := block.Type == "ENCRYPTED PRIVATE KEY"
	legacy := block.Headers["DEK-Info"] != ""
	if !modern && !legacy {
		return block.Bytes, nil
	}
	if t.KeyPass == nil {
		return nil, errNoPassphrase
	}
	pass, err := t.KeyPass()
	if err != nil {
		return nil, fmt.Errorf("passphrase: %w", err)
	}
	if legacy {
		//lint:ignore SA1019 such keys are still in use, and reading one does no harm
		der, err := x509.DecryptPEMBlock(block, pass)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errPassphrase, err)
		}
		if !isKey(der) { // one of 256 wrong passphrases gives no error
			return nil, errPassphrase
		}
		return der, nil
	}
	key, _, err := pkcs8.ParsePrivateKey(block.Bytes, pass)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", errPassphrase, strings.TrimPrefix(err.Error(), "pkcs8: "))
	}
	return x509.MarshalPKCS8PrivateKey(key)
}

// isKey reports whether der is a private key.
func isKey(der []byte) bool {
	_, err1 := x509.ParsePKCS1PrivateKey(der)
	_, err2 := x509.ParseECPrivateKey(der)
	_, err3 := x509.ParsePKCS8PrivateKey(der)
	return err1 == nil || err2 == nil || err3 == nil
}
