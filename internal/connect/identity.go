package connect

import (
	"bytes"
	"context"
	"io"
	"os"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/proto"
	"mqtt/internal/transport"
)

// IdentityFlags say who connects.
type IdentityFlags struct {
	Id, IdPrefix         string
	username, password   string
	passwordFile         string
	AuthMethod, authData string

	reread func() ([]byte, error) // reads a password file again, nil if it can be read only once

	PerClient bool // each client of a load test has credentials of its own
}

// register adds the flags to fs.
func (f *IdentityFlags) register(fs *pflag.FlagSet) {
	fs.StringVarP(&f.Id, "id", "i", "", "use the client identifier `ID` (default: random)")
	fs.StringVarP(&f.IdPrefix, "id-prefix", "I", "", "begin the random client identifier with `PREFIX`")
	f.registerUser(fs)
	fs.StringVar(&f.AuthMethod, "auth-method", "", "authenticate with `METHOD`, such as SCRAM-SHA-256 (MQTT 5)")
	fs.StringVar(&f.authData, "auth-data", "", "send `DATA` for a method other than SCRAM (MQTT 5)")
}

// registerUser adds the flags of user name and password.
func (f *IdentityFlags) registerUser(fs *pflag.FlagSet) {
	fs.StringVarP(&f.username, "username", "u", "", "connect as the user `NAME`")
	fs.StringVarP(&f.password, "pw", "P", "", "use `PASSWORD`, visible in ps; safer: --password-file")
	fs.StringVar(&f.passwordFile, "password-file", "", "read the password from `FILE`; -: from stdin")
}

// apply puts the identity into p. Flags take precedence over the URL.
func (f *IdentityFlags) apply(ctx context.Context, e *cli.Env, fs *pflag.FlagSet, u *transport.URL, p *proto.Connect) error {
	if f.Id != "" && f.IdPrefix != "" {
		return cli.Conflict("-i", "-I")
	}
	if err := cli.CheckText("-i", f.Id); err != nil {
		return err
	}
	if err := cli.CheckText("-I", f.IdPrefix); err != nil {
		return err
	}
	if err := cli.CheckText("-u", f.username); err != nil {
		return err
	}
	p.ClientID = f.Id
	if f.Id == "" {
		p.ClientID = f.IdPrefix + cli.RandomID(f.IdPrefix)
	}
	p.HasUsername, p.Username = fs.Changed("username"), f.username
	if !p.HasUsername && u != nil && u.User != "" {
		p.HasUsername, p.Username = true, u.User
		if err := cli.CheckText("user name in the URL", p.Username); err != nil {
			return err
		}
	}
	switch {
	case fs.Changed("pw") && f.passwordFile != "":
		return cli.Conflict("-P", "--password-file")
	case fs.Changed("pw"):
		p.HasPassword, p.Password = true, []byte(f.password)
	case f.passwordFile != "":
		b, err := f.firstPassword(ctx, e)
		if err != nil {
			return err
		}
		if len(b) == 0 {
			e.Warn("--password-file: %s is empty, so the password is empty", f.passwordFile)
		}
		p.HasPassword, p.Password = true, b
		if st, err := os.Stat(f.passwordFile); err == nil && st.Mode().IsRegular() && f.passwordFile != "-" {
			f.reread = func() ([]byte, error) { return readPassword(nil, f.passwordFile) }
		}
	case u != nil && u.HasPassword:
		p.HasPassword, p.Password = true, []byte(u.Password)
	}
	if len(p.Password) > proto.MaxText {
		return cli.Usage("password of more than 65535 bytes", "check --password-file or MQTT_PASSWORD")
	}
	return nil
}

// PasswordFromStdin reports whether --password-file reads standard input.
func PasswordFromStdin(fs *pflag.FlagSet) bool {
	name, err := fs.GetString("password-file")
	return err == nil && name == "-"
}

// firstPassword reads the password file. A password that is typed on a terminal is a line, and not
// shown.
func (f *IdentityFlags) firstPassword(ctx context.Context, e *cli.Env) ([]byte, error) {
	if f.passwordFile == "-" && e.TTYIn {
		s, err := cli.ReadSecret(ctx, e, "password")
		return []byte(s), err
	}
	return cli.Interruptible(ctx, e, func() ([]byte, error) { return readPassword(e.In, f.passwordFile) })
}

// readPassword reads a password file without one newline at its end; - is stdin. Connections after the
// first read it again.
func readPassword(stdin io.Reader, name string) ([]byte, error) {
	var b []byte
	var err error
	if name == "-" {
		b, err = io.ReadAll(io.LimitReader(stdin, proto.MaxText+3))
	} else {
		b, err = cli.ReadSmall(name, proto.MaxText+3)
	}
	if err != nil {
		return nil, cli.BadFlag("--password-file", ": "+err.Error(), "check that the file exists and is readable")
	}
	if bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")) {
		return nil, cli.BadFlag("--password-file", ": the text is UTF-16", "save it as UTF-8")
	}
	b, _ = bytes.CutPrefix(b, []byte("\ufeff")) // the byte order mark of some editors
	b, _ = bytes.CutSuffix(b, []byte("\n"))
	b, _ = bytes.CutSuffix(b, []byte("\r"))
	return b, nil
}
