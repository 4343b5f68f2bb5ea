package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/serve"
	"mqtt/internal/transport"
)

const urlForm = "expected {mqtt|mqtts|ws|wss}://host:port or unix:///path"

// farFlags are about the connection to the server.
type farFlags struct {
	cafile, cert, key, serverName string
	insecure                      bool
}

func (f *farFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.cafile, "to-cafile", "", "trust the CAs in `FILE` (PEM) for --to")
	fs.StringVar(&f.cert, "to-cert", "", "present the certificate in `FILE` (PEM) to the server")
	fs.StringVar(&f.key, "to-key", "", "read that certificate's key from `FILE` (PEM)")
	fs.BoolVar(&f.insecure, "to-insecure", false, "accept any certificate; with --to-cafile, any host name")
	fs.StringVar(&f.serverName, "to-servername", "", "expect `NAME` in the server's certificate")
}

// given returns the flag about TLS that was given first, "" for none.
func (f *farFlags) given(e *cli.Env) string {
	for _, name := range []string{"to-cafile", "to-cert", "to-key", "to-insecure", "to-servername"} {
		if e.Typed[name] {
			return "--" + name
		}
	}
	return ""
}

// target returns the server to connect to, and its URL.
func (f *farFlags) target(e *cli.Env, url string) (*transport.Target, string, error) {
	u, err := transport.ParseURL(url)
	if err != nil {
		return nil, "", cli.BadFlag("--to", ": "+err.Error(), urlForm)
	}
	if err := plain("--to", u, "the clients log in, not the proxy"); err != nil {
		return nil, "", err
	}
	t := u.Target()
	if t.TLS == nil {
		if name := f.given(e); name != "" {
			return nil, "", cli.BadFlag(name, " without TLS to the server", "give a URL with TLS, as in --to mqtts://host")
		}
	} else {
		t.TLS = &transport.TLS{CAFile: f.cafile, Cert: f.cert, Key: f.key, Insecure: f.insecure, ServerName: f.serverName}
	}
	if err := t.Check(); err != nil {
		return nil, "", cli.Fail(cli.ExitUsage, farHint(err), "--to: %w", err)
	}
	if t.TLS != nil {
		if note := t.TLS.Note(); note != "" {
			e.Warn("--to: %s", note)
		}
		if f.insecure && f.cafile == "" {
			e.Warn("--to-insecure: the server is not verified")
		}
	}
	return t, u.String(), nil
}

// farHint is the hint of an error of the connection to the server, with the names of our flags.
func farHint(err error) string {
	names := strings.NewReplacer("--tls-servername", "--to-servername", "--cafile", "--to-cafile", "--cert", "--to-cert",
		"--key ", "--to-key ", "--insecure", "--to-insecure")
	if hint := transport.Hint(err); hint != "" || !errors.Is(err, os.ErrNotExist) {
		return names.Replace(hint)
	}
	return "check that the files of --to-cafile, --to-cert and --to-key exist"
}

// plain rejects parts of a URL that a relay has no use for.
func plain(flag string, u transport.URL, login string) error {
	switch {
	case u.User != "" || u.HasPassword:
		return cli.BadFlag(flag, " with a user or a password in the URL", login)
	case (u.Scheme == transport.MQTT || u.Scheme == transport.MQTTS) && strings.Trim(u.Path, "/") != "":
		return cli.BadFlag(flag, " with the topic "+cli.Quote(u.Topic())+" in the URL", "leave out what follows the port")
	}
	return nil
}

// nearFlags are about the listener.
type nearFlags struct{ cert, key, keyPassFile, cafile string }

func (f *nearFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.cert, "cert", "", "use the certificate in `FILE` (PEM) for --listen")
	fs.StringVar(&f.key, "key", "", "read the certificate's key from `FILE` (PEM)")
	fs.StringVar(&f.keyPassFile, "keypass-file", "", "read the key's passphrase from `FILE`")
	fs.StringVar(&f.cafile, "cafile", "", "require client certificates of the CAs in `FILE` (PEM)")
}

// endpoint returns where to listen. A private listener takes a free port.
func (f *nearFlags) endpoint(e *cli.Env, url string, private bool) (*transport.Endpoint, error) {
	u, err := transport.ParseURL(url)
	if err != nil {
		return nil, cli.BadFlag("--listen", ": "+err.Error(), urlForm)
	}
	if err := plain("--listen", u, "the server checks who may connect, not the proxy"); err != nil {
		return nil, err
	}
	if most := transport.LongestSocket; u.Scheme == transport.Unix && len(u.Path) > most {
		return nil, cli.BadFlag("--listen", fmt.Sprintf(" %s: the path has %d bytes, and a socket has at most %d", u.String(), len(u.Path), most), "choose a shorter path")
	}
	end := u.Endpoint()
	if private {
		end.Port = "0"
	}
	if end.TLS == nil {
		for _, name := range []string{"cert", "key", "keypass-file", "cafile"} {
			if e.Typed[name] { // variables may be meant for clients
				return nil, cli.BadFlag("--"+name, " without TLS to the clients", "give a URL with TLS, as in --listen mqtts://127.0.0.1:8884; flags for the server begin with --to-")
			}
		}
		return end, nil
	}
	if f.cert == "" {
		return nil, cli.BadFlag("--listen", " "+u.String()+" without a certificate", "name it with --cert, and its key with --key")
	}
	end.TLS = &transport.TLS{Cert: f.cert, Key: f.key, CAFile: f.cafile}
	if f.keyPassFile != "" {
		end.TLS.KeyPass = func() ([]byte, error) {
			b, err := cli.ReadSmall(f.keyPassFile, 64<<10)
			b, _ = bytes.CutSuffix(b, []byte("\n"))
			return b, err
		}
	}
	if _, err := end.TLS.ServerConfig(); err != nil {
		return nil, serve.CertificateFailure(err)
	}
	for _, note := range end.TLS.Warnings() {
		e.Warn("%s", note)
	}
	return end, nil
}
