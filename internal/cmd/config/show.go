package config

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/config"
	"mqtt/internal/format"
)

func newConfigShow(e *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "show [COMMAND [FLAG...]]",
		Short: "Print each value and where it comes from",
		Long: `Print the values that a command would use, one on a line, with their origin: command line, options file, environment,
profile or default. Secrets are masked.

Without COMMAND, print what environment and profile set for any command.`,
		Example: `  mqtt config show
  mqtt config show pub --profile lab -q 1`,
		DisableFlagParsing: true, // the flags belong to COMMAND
		RunE: func(c *cobra.Command, args []string) error {
			if slices.Contains(args, "--help") || len(args) > 0 && args[0] == "-h" { // after COMMAND it is the host
				return c.Help()
			}
			if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
				return showCommand(c.Context(), e, args)
			}
			return showAll(c.Context(), e, args)
		},
	}
}

// showCommand prints the values of one command.
func showCommand(ctx context.Context, e *cli.Env, args []string) error {
	root := e.Tree(args)
	c, rest, err := root.Find(args)
	if err != nil || c == root || c.Flags().Lookup("profile") == nil {
		return cli.Usage("no command "+cli.Quote(args[0])+" with settings", "expected a command with a connection: pub, sub, rr or ping")
	}
	if err := c.ParseFlags(rest); err != nil {
		return cli.FlagError(c, err)
	}
	settings, err := e.Settings(ctx, c)
	if err != nil {
		return err
	}
	var defaults []config.Setting
	c.Flags().VisitAll(func(f *pflag.Flag) {
		none := slices.Contains([]string{"", "false", "[]"}, f.DefValue) || f.DefValue == "0" && f.Name != "qos"
		if !none && f.Name != "help" {
			defaults = append(defaults, config.Setting{Flag: f.Name, Values: []string{f.DefValue}})
		}
	})
	settings = config.Merge(settings, cli.Given(c.Flags()), defaults) // a URL replaces the default of --host
	return show(e, settings)
}

// showAll prints the values that environment and profile set.
func showAll(ctx context.Context, e *cli.Env, args []string) error {
	fs := pflag.NewFlagSet("show", pflag.ContinueOnError)
	fs.Usage = func() {}
	(&cli.ConfigFlags{}).Register(fs)
	if err := fs.Parse(args); err != nil {
		return cli.Usage(err.Error(), "flags come after the command: mqtt config show pub -q 1")
	}
	settings, err := e.Gather(ctx, fs, func() []config.Flag { return cli.AllFlags(e) })
	if err != nil {
		return err
	}
	return show(e, settings)
}

// show prints settings in columns: flag, value, origin.
func show(e *cli.Env, settings []config.Setting) error {
	if _, named := config.Find(settings, "profile"); !named {
		// The current profile is neither on the command line nor in a variable.
		if name, err := cli.Profiles(e).Current(); err == nil && name != "" && !e.Mosquitto() {
			used := config.Setting{Flag: "profile", Values: []string{name + " (in use)"}}
			settings = append([]config.Setting{used}, settings...)
		}
	}
	var rows [][3]string
	for _, s := range settings {
		origin := s.Origin.String()
		if s.Flag == "profile" && s.Origin.Source == config.Default {
			origin = "mqtt config use"
		}
		for _, v := range s.Shown() {
			rows = append(rows, [3]string{s.Flag, string(format.VisibleLine(nil, []byte(v))), origin})
		}
	}
	// One long value does not widen the column for all others.
	const widest = 40
	var flag, value int
	for _, r := range rows {
		flag = max(flag, len(r[0]))
		value = min(max(value, len(r[1])), widest)
	}
	var b []byte
	for _, r := range rows {
		b = fmt.Appendf(b, "%-*s  %-*s  %s\n", flag, r[0], value, r[1], r[2])
	}
	return cli.WriteAll(e, b)
}
