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
	fs.BoolVar(&f.on, "tls", false, "use TLS; implied by mqtts://, wss:// and port 8883")
	fs.StringVar(&f.cafile, "cafile", "", "trust the CAs in `FILE` (PEM) instead of the system's")
	fs.StringVar(&f.capath, "capath", "", "trust the CAs in the files of `DIR` (PEM)")
	fs.StringVar(&f.cert, "cert", "", "present the client certificate in `FILE` (PEM)")
	fs.StringVar(&f.key, "key", "", "read the client certificate's key from `FILE` (PEM)")
	fs.StringVar(&f.keyPassFile, "keypass-file", "", "read the key's passphrase from `FILE`")
	fs.BoolVar(&f.insecure, "insecure", false, "accept any certificate; with --cafile: any host name")
	fs.StringVar(&f.version, "tls-version", "", "require TLS `VERSION` or later: tlsv1.3, tlsv1.2 …")
	fs.StringVar(&f.ciphers, "ciphers", "", "use the ciphers in `LIST`, separated by : (up to TLS 1.2)")
	fs.StringVar(&f.alpn, "tls-alpn", "", "offer the application protocol `NAME` (ALPN)")
	fs.StringVar(&f.serverName, "tls-servername", "", "expect `NAME` in the certificate, not the host's name")
	fs.BoolVar(&f.osCerts, "tls-use-os-certs", false, "trust the system's CAs, too")
	fs.StringVar(&f.keyLog, "tls-keylog", "", "write session keys to `FILE`, for Wireshark")
}

// wanted reports whether a flag turns TLS on. --insecure does not: it only weakens it.
func (f *tlsFlags) wanted() bool {
	return f.on || f.osCerts || f.cafile != "" || f.capath != "" || f.cert != "" || f.key != "" ||
		f.keyPassFile != "" || f.version != "" || f.ciphers != "" || f.alpn != "" || f.serverName != "" || f.keyLog != ""
}

// turnedOnBy returns the flag that turned TLS on, with its origin, "" if that was --tls itself.
func (f *tlsFlags) turnedOnBy(e *cli.Env) string {
	if f.on {
		return ""
	}
	for _, flag := range []struct{ name, value string }{
		{"--cafile", f.cafile}, {"--capath", f.capath}, {"--cert", f.cert}, {"--key", f.key}, {"--keypass-file", f.keyPassFile},
		{"--tls-version", f.version}, {"--ciphers", f.ciphers}, {"--tls-alpn", f.alpn}, {"--tls-servername", f.serverName}, {"--tls-keylog", f.keyLog},
	} {
		if flag.value != "" {
			return flag.name + e.Origin(flag.name)
		}
	}
	return "--tls-use-os-certs" + e.Origin("--tls-use-os-certs")
}

// readPassphrase reads --keypass-file, also for a key that needs none: a wrong name is an error
// anyway.
func (f *tlsFlags) readPassphrase(t *transport.TLS) error {
	if t == nil || t.KeyPass == nil {
		return nil
	}
	if _, err := t.KeyPass(); err != nil {
		return cli.BadFlag("--keypass-file", ": "+err.Error(), "check that the file exists and is readable")
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
