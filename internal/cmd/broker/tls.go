package broker

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/serve"
	"mqtt/internal/transport"
	"mqtt/internal/transport/selfsigned"
)

// tlsFlags name the certificates of listeners with TLS.
type tlsFlags struct {
	cert, key, keyPassFile string
	cafile, crl            string
	selfSigned             string
}

// renewEvery is how often --tls-self-signed looks whether its certificate is about to expire.
const renewEvery = 12 * time.Hour

func (f *tlsFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.cert, "cert", "", "use the certificate in `FILE` (PEM) for mqtts and wss")
	fs.StringVar(&f.key, "key", "", "read the certificate's key from `FILE` (PEM)")
	fs.StringVar(&f.keyPassFile, "keypass-file", "", "read the key's passphrase from `FILE`")
	fs.StringVar(&f.cafile, "cafile", "", "require client certificates of the CAs in `FILE` (PEM)")
	fs.StringVar(&f.crl, "crl", "", "refuse certificates that the lists in `FILE` (PEM) revoke")
	fs.StringVar(&f.selfSigned, "tls-self-signed", "", "create a CA and a certificate in `DIR`, or use those in it")
}

// check rejects flags that do not go together. secure reports whether a listener has TLS.
func (f *tlsFlags) check(e *cli.Env, secure bool) error {
	for _, name := range []string{"cert", "key", "keypass-file", "cafile", "crl"} {
		if !secure && e.Typed[name] { // variables may be meant for clients
			return cli.BadFlag("--"+name, " without a listener with TLS", "add one, as in --listen mqtts://127.0.0.1:8883 or wss://127.0.0.1:8443")
		}
	}
	if f.selfSigned != "" {
		for _, name := range []string{"cert", "key", "keypass-file"} {
			if e.Typed[name] {
				return cli.Conflict("--tls-self-signed", "--"+name)
			}
		}
		if !secure {
			return cli.BadFlag("--tls-self-signed", " without a listener with TLS", "add one, as in --listen mqtts://127.0.0.1:8883, or leave out --listen")
		}
	}
	if f.crl != "" && f.cafile == "" && secure {
		return cli.BadFlag("--crl", " without --cafile", "name the authorities of the client certificates with --cafile")
	}
	return nil
}

// certificates are the certificates that all listeners with TLS share.
type certificates struct {
	*transport.TLS
	dir   string   // of --tls-self-signed, "" without
	hosts []string // that its certificate must be for
	ca    string   // its authority, for clients
}

// config returns the certificates of listeners at hosts.
func (f *tlsFlags) config(hosts []string) *certificates {
	c := &certificates{TLS: &transport.TLS{Cert: f.cert, Key: f.key, CAFile: f.cafile, CRLFile: f.crl}, dir: f.selfSigned, hosts: hosts}
	if f.keyPassFile != "" {
		c.KeyPass = func() ([]byte, error) {
			b, err := cli.ReadSmall(f.keyPassFile, 64<<10)
			b, _ = bytes.CutSuffix(b, []byte("\n"))
			return b, err
		}
	}
	if f.selfSigned != "" {
		files := selfsigned.In(f.selfSigned)
		c.Cert, c.Key, c.KeyPass, c.ca = files.Cert, files.Key, nil, files.CA
	}
	return c
}

// open reads the certificates for the first time.
func (c *certificates) open(e *cli.Env) error {
	if err := c.renew(e); err != nil {
		return cli.Fail(cli.ExitUsage, "", "--tls-self-signed: %w", err)
	}
	if _, err := c.ServerConfig(); err != nil {
		return serve.CertificateFailure(err)
	}
	c.warn(e)
	return nil
}

// renew makes what --tls-self-signed needs.
func (c *certificates) renew(e *cli.Env) error {
	if c.dir == "" {
		return nil
	}
	_, made, err := selfsigned.Ensure(c.dir, c.hosts, time.Now())
	if len(made) > 0 {
		e.Note("made %s", strings.Join(made, " and "))
	}
	return err
}

// reload reads the certificates again. A file that cannot be read is in the error; the last good one stays
// in force.
func (c *certificates) reload(e *cli.Env) error {
	err := errors.Join(c.renew(e), c.Reload())
	c.warn(e)
	return err
}

func (c *certificates) warn(e *cli.Env) {
	for _, note := range c.Warnings() {
		e.Warn("%s", note)
	}
}
