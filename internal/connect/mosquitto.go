package connect

import (
	"strings"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
)

// mosquittoFlags are flags of mosquitto's clients that are rarely of use here, or are refused. They
// exist so that their command lines run, and are not listed.
type mosquittoFlags struct {
	nodelay            bool
	noTLS              bool
	keyform            string
	engine, enginePass string
	psk, pskIdentity   string
}

// register adds the flags to fs, hidden.
func (f *mosquittoFlags) register(fs *pflag.FlagSet) {
	fs.BoolVar(&f.nodelay, "nodelay", false, "send without delay, which is done anyway")
	fs.BoolVar(&f.noTLS, "no-tls", false, "no TLS, also on port 8883")
	fs.StringVar(&f.keyform, "keyform", "", "form of the key: pem")
	fs.StringVar(&f.engine, "tls-engine", "", "OpenSSL engine")
	fs.StringVar(&f.enginePass, "tls-engine-kpass-sha1", "", "passphrase for the engine")
	fs.StringVar(&f.psk, "psk", "", "pre-shared key")
	fs.StringVar(&f.pskIdentity, "psk-identity", "", "identity of the pre-shared key")
	for _, name := range []string{"nodelay", "no-tls", "keyform", "tls-engine", "tls-engine-kpass-sha1", "psk", "psk-identity"} {
		fs.Lookup(name).Hidden = true
	}
}

// check rejects what is not supported.
func (f *mosquittoFlags) check() error {
	switch {
	case f.keyform != "" && !strings.EqualFold(f.keyform, "pem"):
		return cli.BadFlag("--keyform", " "+f.keyform, "keys are read in PEM form")
	case f.engine != "" || f.enginePass != "":
		return cli.BadFlag("--tls-engine", "", "there are no OpenSSL engines here: give the key in a file, --key FILE")
	case f.psk != "" || f.pskIdentity != "":
		return cli.BadFlag("--psk", "", "pre-shared keys are not supported: use certificates, --cafile FILE")
	}
	return nil
}

// mosquittoWindow returns the Receive Maximum that a client of mosquitto sends at version 5.
func mosquittoWindow(tool string) uint32 {
	if tool == "mosquitto_rr" {
		return 1
	}
	return 20
}
