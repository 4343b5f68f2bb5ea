package config

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"mqtt/internal/cli"
	"mqtt/internal/config"
)

// New returns the command.
func New(e *cli.Env) *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "List, show and change profiles",
		Long: `List, show and change profiles. A profile is a named set of flags, such as a server with its credentials: --profile
NAME or MQTT_PROFILE uses it once, mqtt config use NAME always.

mqtt help profiles describes the file of a profile.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(c, args[0])
			}
			return c.Help()
		},
	}
	c.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List the profiles; * marks the default one", Args: cli.NoArguments,
			RunE: func(*cobra.Command, []string) error { return listProfiles(e) },
		},
		newConfigShow(e),
		newConfigAdd(e),
		&cobra.Command{
			Use: "edit NAME", Short: "Change a profile in $VISUAL or $EDITOR", Args: cli.Arguments(1, "NAME", 1),
			RunE: func(c *cobra.Command, args []string) error { return editProfile(c.Context(), e, args[0]) },
		},
		&cobra.Command{
			Use: "remove NAME", Short: "Delete a profile", Args: cli.Arguments(1, "NAME", 1),
			RunE: func(_ *cobra.Command, args []string) error { return removeProfile(e, args[0]) },
		},
		newConfigUse(e),
	)
	return c
}

func newConfigAdd(e *cli.Env) *cobra.Command {
	c := &cobra.Command{
		Use: "add NAME FLAG=VALUE...", Short: "Create a profile", Args: cli.Arguments(1, "NAME"),
		Long: `Create a profile from flags, written by their long names without dashes.

A flag that takes several values may be repeated; a switch needs no value. FLAG-command=COMMAND takes the value from
the output of a command. A secret without a value, such as pw alone, is read from standard input, where neither the
shell's history nor the list of processes shows it.`,
		Example: `  mqtt config add lab host=broker.lab tls username=me pw
  mqtt config add cloud url=mqtts://broker.example pw-command='pass show mqtt'`,
		RunE: func(c *cobra.Command, args []string) error { return addProfile(c.Context(), e, args[0], args[1:]) },
	}
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return flagError(c, e, err) })
	return c
}

// unknownCommand returns the error about a word that is not a command of mqtt config.
func unknownCommand(c *cobra.Command, word string) error {
	what, meant := "no command "+cli.Quote(word), ""
	switch word {
	case "rm", "delete", "del", "unset":
		meant = "remove"
	case "new", "create", "make", "init", "save":
		meant = "add"
	case "set", "change", "modify", "update":
		meant = "edit"
	case "get", "view", "print", "cat", "dump", "current":
		meant = "show"
	case "ls", "profiles":
		meant = "list"
	case "default", "switch", "select", "set-default", "use-context":
		meant = "use"
	}
	if meant != "" {
		what += ": did you mean " + meant + "?"
	} else {
		var names []string
		for _, sub := range c.Commands() {
			names = append(names, sub.Name())
		}
		what += cli.Suggestion(word, names)
	}
	return cli.Usage(what, "mqtt config --help lists them")
}

func newConfigUse(e *cli.Env) *cobra.Command {
	c := &cobra.Command{
		Use: "use {NAME | --none}", Short: "Make a profile the default", Args: cobra.ArbitraryArgs,
	}
	none := c.Flags().Bool("none", false, "use no profile by default")
	c.RunE = func(_ *cobra.Command, args []string) error {
		if *none && len(args) == 0 {
			return done(e, cli.Profiles(e).Use(""), "no profile is the default now")
		}
		if *none || len(args) != 1 {
			return cli.Usage("expected one NAME, or --none", "mqtt config list names the profiles")
		}
		if _, err := cli.Profiles(e).Load(args[0]); err != nil { // it must exist and be readable
			return profileError(err)
		}
		return done(e, cli.Profiles(e).Use(args[0]), "profile "+args[0]+" is the default now; mqtt config use --none undoes this")
	}
	return c
}

// removeProfile deletes a profile.
func removeProfile(e *cli.Env, name string) error {
	current, _ := cli.Profiles(e).Current()
	text := "profile " + name + " was deleted"
	if name == current {
		text += "; no profile is the default now"
	}
	return done(e, cli.Profiles(e).Remove(name), text)
}

// done reports what was done if err is nil.
func done(e *cli.Env, err error, text string) error {
	if err == nil {
		e.Note("%s", text)
	}
	return profileError(err)
}

// profileError adds the hint to an error about a profile.
func profileError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, config.ErrNoProfile):
		return cli.Usage(err.Error(), "mqtt config list names the profiles, mqtt config add NAME makes one")
	case errors.Is(err, config.ErrProfileExists):
		return cli.Usage(err.Error(), "mqtt config edit changes it, mqtt config remove deletes it")
	}
	if path := new(fs.PathError); errors.As(err, &path) {
		return cli.Fail(cli.ExitOther, "check the folder "+filepath.Dir(path.Path), "%w", err)
	}
	return cli.Usage(err.Error(), "mqtt help profiles")
}

func listProfiles(e *cli.Env) error {
	names, err := cli.Profiles(e).List()
	if err != nil {
		return err
	}
	current, err := cli.Profiles(e).Current()
	if err != nil {
		return profileError(err)
	}
	var b []byte
	for _, name := range names {
		mark := "  "
		if name == current {
			mark = "* "
		}
		b = append(append(append(b, mark...), name...), '\n')
	}
	if len(names) == 0 {
		e.Note("there are no profiles: mqtt config add NAME makes one")
	}
	return cli.WriteAll(e, b)
}
