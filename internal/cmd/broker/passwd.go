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

// passwdFlags say where a password comes from.
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
		Long: `Set a user's password in a password file for mqtt broker --passwords, and make the file if there is none.

The password is asked for on a terminal, and otherwise the first line of standard input, unless --password-file or
MQTT_PASSWORD has it. The file keeps an Argon2id hash. A broker that runs reads the file again at SIGHUP.

With --scram the hash is PBKDF2 with SHA-512 as mosquitto keeps it, of 210,000 iterations. Then a client of MQTT 5 need not
send the password: --auth-method SCRAM-SHA-512 proves that it knows it. But who reads that hash can do the same without the
password: keep such a file as you would keep the passwords.`,
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
	c.Flags().StringVar(&f.file, "password-file", "", "take the password from `FILE`, less one newline at its end")
	c.Flags().BoolVar(&f.scram, "scram", false, "keep a hash with which clients may authenticate by SCRAM-SHA-512, too")
	c.Flags().BoolVarP(&f.remove, "delete", "D", false, "delete the user")
	return c
}

func (f *passwdFlags) run(ctx context.Context, e *cli.Env, path, user string) error {
	if f.remove {
		err := access.DropUser(path, user)
		if errors.Is(err, access.ErrNoUser) {
			return cli.Fail(cli.ExitOther, "names are as they stand in the file, before the colon", "%w", err)
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
		return cli.Usage("the password is empty", "give one of at least one character")
	}
	set := access.SetPassword
	if f.scram {
		// One text for the hash, the client that proves it and the one that sends it.
		if prepared, err := scram.Prepare(password); err != nil || prepared != password {
			return cli.BadFlag("--scram", ": the password is not in the form that SCRAM compares", "choose one without unusual characters")
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
			return "", cli.BadFlag("--password-file", ": "+err.Error(), "name a file that you may read")
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
