package broker

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"mqtt/internal/broker/access"
	"mqtt/internal/cli"
	"mqtt/internal/scram"
)

// passwdFlags are the flags of mqtt broker passwd.
type passwdFlags struct {
	file   string
	remove bool
	scram  bool
}

func newPasswd(e *cli.Env) *cobra.Command {
	f := &passwdFlags{}
	c := &cobra.Command{
		Use:   "passwd FILE USER",
		Short: "Set a user's password in a password file, or delete the user",
		Long: `Set a user's password in a password file for mqtt broker --passwords.

The file is created if it does not exist; its owner and mode are kept. Several runs may change one file at the same
time. A running broker reloads it at SIGHUP.

The password is read from the terminal, or from the first line of standard input, unless --password-file or
MQTT_PASSWORD sets it. The file contains an Argon2id hash.

With --scram the hash is PBKDF2 with SHA-512 in mosquitto's form, with 210,000 iterations. An MQTT 5 client can then
prove with --auth-method SCRAM-SHA-512 that it knows the password, without sending it. The hash alone is enough for
that proof: protect such a file like the passwords themselves.`,
		Example: `  mqtt broker passwd users alice
  mqtt broker passwd --scram users bob
  mqtt broker passwd -D users alice`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return cli.Usage("expected FILE and USER", "mqtt broker passwd FILE USER")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return f.run(c.Context(), e, args[0], args[1]) },
	}
	c.Flags().StringVar(&f.file, "password-file", "", "read the password from `FILE`")
	c.Flags().BoolVar(&f.scram, "scram", false, "store a hash that also works for SCRAM-SHA-512")
	c.Flags().BoolVarP(&f.remove, "delete", "D", false, "delete the user")
	return c
}

func (f *passwdFlags) run(ctx context.Context, e *cli.Env, path, user string) error {
	if f.remove {
		err := access.DropUser(path, user)
		if errors.Is(err, access.ErrNoUser) {
			return cli.Fail(cli.ExitOther, "use the name as it is in the file, before the colon", "%w", err)
		}
		return err
	}
	if err := access.CheckUser(user); err != nil {
		return cli.Usage(err.Error(), "choose another name")
	}
	password, err := f.password(ctx, e)
	if err != nil {
		return err
	}
	if password == "" {
		return cli.Usage("the password is empty", "it needs at least one character")
	}
	set := access.SetPassword
	if f.scram {
		// A client that proves the password and one that sends it must use the same text as the hash.
		if prepared, err := scram.Prepare(password); err != nil || prepared != password {
			return cli.BadFlag("--scram", ": the password has characters that SCRAM would change", "choose one without unusual characters")
		}
		set = access.SetScram
	}
	added, err := set(path, user, []byte(password))
	if err != nil {
		return err
	}
	if added {
		e.Note("added %s to %s", user, path)
	} else {
		e.Note("changed the password of %s in %s", user, path)
	}
	return nil
}

func (f *passwdFlags) password(ctx context.Context, e *cli.Env) (string, error) {
	if f.file != "" {
		b, err := os.ReadFile(f.file)
		if err != nil {
			return "", cli.BadFlag("--password-file", ": "+err.Error(), "check that the file exists and is readable")
		}
		s := strings.TrimSuffix(string(b), "\n")
		return strings.TrimSuffix(s, "\r"), nil
	}
	if s, ok := e.LookupEnv("MQTT_PASSWORD"); ok {
		return s, nil
	}
	password, err := cli.ReadSecret(ctx, e, "password")
	if err != nil || !e.TTYIn {
		return password, err
	}
	again, err := cli.ReadSecret(ctx, e, "password again")
	if err == nil && again != password {
		err = cli.Usage("the two passwords differ", "nothing was changed")
	}
	return password, err
}
