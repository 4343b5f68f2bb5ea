package connect

import (
	"bytes"
	"os"
	"sync"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/transport"
)

// tlsFlags configure TLS. Servers are verified by default.
type tlsFlags struct {
	on, off, insecure, osCerts                 bool
	cafile, capath, cert, key, keyPassFile     string
	version, ciphers, alpn, serverName, keyLog string
}

// register adds the flags to fs.
func (f *tlsFlags) register(fs *pflag.FlagSet) {
	fs.BoolVar(&f.on, "tls", false, "use TLS; so do mqtts://, wss://, port 8883, and any of the flags below but --insecure")
	fs.StringVar(&f.cafile, "cafile", "", "trust the authorities in `FILE` (PEM), in the place of the system's")
	fs.StringVar(&f.capath, "capath", "", "trust the authorities in the files of `DIR`")
	fs.StringVar(&f.cert, "cert", "", "show the client certificate in `FILE` (PEM)")
	fs.StringVar(&f.key, "key", "", "key of the client certificate in `FILE` (PEM)")
	fs.StringVar(&f.keyPassFile, "keypass-file", "", "passphrase of the key in `FILE`")
	fs.BoolVar(&f.insecure, "insecure", false, "accept any certificate; with --cafile or --capath, any host name")
	fs.StringVar(&f.version, "tls-version", "", "at least `VERSION`: tlsv1.3, tlsv1.2, tlsv1.1 or tlsv1")
	fs.StringVar(&f.ciphers, "ciphers", "", "cipher `LIST` for TLS 1.2 and below, with : between")
	fs.StringVar(&f.alpn, "tls-alpn", "", "application protocol `NAME` to ask for")
	fs.StringVar(&f.serverName, "tls-servername", "", "expect `NAME` in the server's certificate, in the place of the host")
	fs.BoolVar(&f.osCerts, "tls-use-os-certs", false, "trust the system's authorities too")
	fs.StringVar(&f.keyLog, "tls-keylog", "", "write session keys to `FILE` for a packet analyser")
}

// wanted reports whether a flag turns TLS on. --insecure does not: it only weakens it.
func (f *tlsFlags) wanted() bool {
	return f.on || f.osCerts || f.cafile != "" || f.capath != "" || f.cert != "" || f.key != "" ||
		f.keyPassFile != "" || f.version != "" || f.ciphers != "" || f.alpn != "" || f.serverName != "" || f.keyLog != ""
}

// readPassphrase reads --keypass-file, also for a key that needs none: a wrong name is an error
// anyway.
func (f *tlsFlags) readPassphrase(t *transport.TLS) error {
	if t == nil || t.KeyPass == nil {
		return nil
	}
	if _, err := t.KeyPass(); err != nil {
		return cli.BadFlag("--keypass-file", ": "+err.Error(), "name a file that you may read")
	}
	return nil
}

// config returns the TLS configuration, the same for mqtts and wss.
func (f *tlsFlags) config() (*transport.TLS, error) {
	t := &transport.TLS{
		CAFile: f.cafile, CAPath: f.capath, OSCerts: f.osCerts, Cert: f.cert, Key: f.key,
		Insecure: f.insecure, ServerName: f.serverName, KeyLog: f.keyLog,
	}
	if f.alpn != "" {
		t.ALPN = []string{f.alpn}
	}
	if f.keyPassFile != "" {
		t.KeyPass = func() ([]byte, error) {
			b, err := cli.ReadSmall(f.keyPassFile, 64<<10)
			b, _ = bytes.CutPrefix(b, []byte("\ufeff"))
			b, _ = bytes.CutSuffix(b, []byte("\n"))
			return b, err
		}
		if st, err := os.Stat(f.keyPassFile); err != nil || !st.Mode().IsRegular() { // such as a FIFO
			t.KeyPass = sync.OnceValues(t.KeyPass)
		}
	}
	var err error
	if f.version != "" {
		if t.MinVersion, err = transport.ParseVersion(f.version); err != nil {
			return nil, cli.BadFlag("--tls-version", ": "+err.Error(), "expected tlsv1.3, tlsv1.2, tlsv1.1 or tlsv1")
		}
	}
	if f.ciphers != "" {
		if t.Ciphers, err = transport.ParseCiphers(f.ciphers); err != nil {
			return nil, cli.BadFlag("--ciphers", ": "+err.Error(), "names as in OpenSSL or in the standards, with : between")
		}
	}
	return t, nil
}
