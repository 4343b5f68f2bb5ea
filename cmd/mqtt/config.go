package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"mqtt/internal/config"
)

func newConfig(e *env) *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "List, show and change profiles",
		Long: `A profile is a named set of flags, such as a server with its credentials: --profile NAME or MQTT_PROFILE uses it
once, mqtt config use NAME always. mqtt help profiles says what stands in one.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("no command "+quoted(args[0]), "mqtt config --help lists them")
			}
			return c.Help()
		},
	}
	c.AddCommand(
		&cobra.Command{
			Use: "list", Short: "Name the profiles; * marks the one in use", Args: noArguments,
			RunE: func(*cobra.Command, []string) error { return listProfiles(e) },
		},
		newConfigShow(e),
		&cobra.Command{
			Use: "add NAME FLAG=VALUE...", Short: "Make a profile", Args: words(1, "NAME"),
			Long: `Make a profile of flags by their long names. A flag that takes many values may stand many times, a switch needs no
value, and FLAG-command=COMMAND takes the value from what a command prints. A secret without a value, such as pw
alone, is read from standard input, where neither the shell's history nor the list of processes shows it.`,
			Example: `  mqtt config add lab host=broker.lab tls username=me pw
  mqtt config add cloud url=mqtts://broker.example pw-command='pass show mqtt'`,
			RunE: func(c *cobra.Command, args []string) error { return addProfile(c.Context(), e, args[0], args[1:]) },
		},
		&cobra.Command{
			Use: "edit NAME", Short: "Change a profile in $VISUAL or $EDITOR", Args: words(1, "NAME", 1),
			RunE: func(c *cobra.Command, args []string) error { return editProfile(c.Context(), e, args[0]) },
		},
		&cobra.Command{
			Use: "remove NAME", Short: "Delete a profile", Args: words(1, "NAME", 1),
			RunE: func(_ *cobra.Command, args []string) error { return profileError(profiles(e).Remove(args[0])) },
		},
		newConfigUse(e),
	)
	return c
}

func newConfigUse(e *env) *cobra.Command {
	c := &cobra.Command{
		Use: "use {NAME | --none}", Short: "Use a profile wherever none is named", Args: cobra.ArbitraryArgs,
	}
	none := c.Flags().Bool("none", false, "use none any more")
	c.RunE = func(_ *cobra.Command, args []string) error {
		if *none && len(args) == 0 {
			return profileError(profiles(e).Use(""))
		}
		if *none || len(args) != 1 {
			return usage("expected one NAME, or --none", "mqtt config list names the profiles")
		}
		if _, err := profiles(e).Load(args[0]); err != nil { // one that nobody can use is no help
			return profileError(err)
		}
		return profileError(profiles(e).Use(args[0]))
	}
	return c
}

// words wants as many words as it says; most is without end if it is not given.
func words(least int, what string, most ...int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least {
			return usage(what+" is missing", c.CommandPath()+" --help says what it takes")
		}
		if len(most) > 0 && len(args) > most[0] {
			return noArguments(c, args[most[0]:])
		}
		return nil
	}
}

// profiles is where they are kept.
func profiles(e *env) config.Dirs { return config.Locate(runtime.GOOS, e.getenv) }

// profileError gives an error about a profile its hint.
func profileError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, config.ErrNoProfile):
		return usage(err.Error(), "mqtt config list names the profiles, mqtt config add NAME makes one")
	case errors.Is(err, config.ErrProfileExists):
		return usage(err.Error(), "mqtt config edit changes it, mqtt config remove deletes it")
	}
	if path := new(fs.PathError); errors.As(err, &path) {
		return fail(exitOther, "look at the folder: "+filepath.Dir(path.Path), "%w", err)
	}
	return usage(err.Error(), "mqtt help profiles")
}

func listProfiles(e *env) error {
	names, err := profiles(e).List()
	if err != nil {
		return err
	}
	current, err := profiles(e).Current()
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
		e.note("there are no profiles: mqtt config add NAME makes one")
	}
	return writeAll(e, b)
}

// writeAll writes the whole output of a command.
func writeAll(e *env, b []byte) error {
	if _, err := e.out.Write(b); err != nil {
		if closedPipe(err) {
			return errQuiet
		}
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// allFlags are the flags of all commands that take profiles, each once: many values where one of them takes many.
func allFlags(e *env) []config.Flag {
	var flags []config.Flag
	at := make(map[string]int)
	for _, c := range newRoot(e, nil).Commands() {
		if c.Flags().Lookup("profile") == nil {
			continue
		}
		for _, f := range describe(c.Flags()) {
			i, ok := at[f.Name]
			if !ok {
				at[f.Name] = len(flags)
				flags = append(flags, f)
			} else if f.Kind == config.List {
				flags[i].Kind = config.List
			}
		}
	}
	return flags
}
