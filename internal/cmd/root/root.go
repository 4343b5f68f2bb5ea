package root

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mqtt/internal/cli"
	"mqtt/internal/cmd/bench"
	"mqtt/internal/cmd/broker"
	"mqtt/internal/cmd/check"
	"mqtt/internal/cmd/config"
	"mqtt/internal/cmd/ping"
	"mqtt/internal/cmd/proxy"
	"mqtt/internal/cmd/pub"
	"mqtt/internal/cmd/rr"
	"mqtt/internal/cmd/sub"
)

// Run runs the command that args name and returns the exit status.
func Run(ctx context.Context, e *cli.Env, args []string) int {
	name := strings.TrimSuffix(filepath.Base(args[0]), ".exe")
	args = args[1:]
	if sub, ok := strings.CutPrefix(name, "mosquitto_"); ok && (sub == "pub" || sub == "sub" || sub == "rr") {
		e.Tool = name
		args = append([]string{sub}, args...)
	}
	e.Color = e.EarlyColor(args)
	e.InstallSignalsSoon(len(args) > 0 && args[0] == "pub")
	e.Tree = func(args []string) *cobra.Command { return New(e, args) }
	root := New(e, args)
	words, err := joinProperties(args, commandOf(root, args).Flags())
	if completing(args) && err != nil { // a property is being typed
		words, err = args, nil
	}
	if err == nil {
		err = checkCommand(root, args)
	}
	if err == nil && !completing(args) {
		err = checkFlags(root, args)
	}
	if err == nil {
		args = words
		root.SetArgs(args)
		root.SetIn(e.In)
		help := &cli.HelpWriter{W: e.Out}
		root.SetOut(help)
		root.SetErr(e.Err)
		err = cli.FirstError(root.ExecuteContext(ctx), help.Err())
	}
	name = e.Tool
	if name == "" {
		name = commandName(root, args)
	}
	return e.Finish(ctx, name, e.WithOrigin(err))
}

// commandName returns the name that precedes an error message, such as "mqtt pub".
func commandName(root *cobra.Command, args []string) string {
	return commandOf(root, args).CommandPath()
}

// commandOf returns the command that args begin with.
func commandOf(root *cobra.Command, args []string) *cobra.Command {
	if c, _, err := root.Find(args); err == nil {
		return c
	}
	return root
}

// checkCommand rejects a first word that is not a command, before its flags are taken for flags of mqtt
// itself.
func checkCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") || completing(args) || commandOf(root, args) != root {
		return nil
	}
	return unknownCommand(root, args[0])
}

// checkFlags rejects flags that would be read as others, as -help. The arguments of config show are
// flags of another command.
func checkFlags(root *cobra.Command, args []string) error {
	c := commandOf(root, args)
	if c.DisableFlagParsing {
		return nil
	}
	return cli.CheckFlags(c, args, wantsNext)
}

// unknownCommand returns the error about a word that is not a command of mqtt.
func unknownCommand(root *cobra.Command, word string) error {
	what := "unknown command " + word
	if guess := guessCommand(word); guess != "" {
		what += ": did you mean " + guess + "?"
	} else {
		var known []string
		for _, c := range root.Commands() {
			if !c.Hidden && !isTopic(c) {
				known = append(known, c.Name())
			}
		}
		what += cli.Suggestion(word, known)
	}
	return cli.Usage(what, "mqtt help lists the commands")
}

// commands returns the subcommands by name. Building one takes time, for its many flags: New builds
// the one that is asked for, and all of them only for help and completion.
func commands() []command {
	return []command{
		{"pub", pub.New}, {"sub", sub.New}, {"rr", rr.New}, {"ping", ping.New}, {"bench", bench.New}, {"broker", broker.New}, {"proxy", proxy.New},
		{"check", check.New}, {"config", config.New},
		{"completion", newCompletion},
	}
}

type command struct {
	name  string
	build func(*cli.Env) *cobra.Command
}

// New builds the command tree: with the subcommand that args begin with, else with all of them. It
// sets no template of cobra's: that would link text/template, for which the linker keeps every method
// of every type, 2 MB.
func New(e *cli.Env, args []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "mqtt",
		Short: "Publish, subscribe, ask, ping, measure and serve MQTT",
		Long:  "mqtt speaks MQTT 3.1, 3.1.1 and 5.0 over TCP, TLS, WebSocket and unix sockets.",
		Example: `  mqtt sub -t 'sensors/#' -v
  mqtt pub -t sensors/1 -m 21.5
  mqtt broker -- ./run-tests`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true}, // completion.go has another one
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(c, args[0])
			}
			return c.Help()
		},
		Args: cobra.ArbitraryArgs,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return cli.FlagError(c, err)
	})
	addHelpFlag(root)
	root.SetHelpFunc(func(c *cobra.Command, _ []string) { printHelp(e, c) })
	all := commands()
	for _, c := range all {
		if len(args) > 0 && args[0] == c.name {
			all = []command{c}
			root.SetHelpCommand(&cobra.Command{Hidden: true})
			break
		}
	}
	for _, c := range all {
		cmd := c.build(e)
		if e.Mosquitto() { // mosquitto's clients have the flag themselves
			cmd.Version = e.Version() + " (mqtt)"
			cmd.Flags().Bool("version", false, "print the version and exit")
			if slices.Contains(args, "--version") { // its text has the name; help uses the name of mqtt
				cmd.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: e.Tool}
			}
		}
		root.AddCommand(cmd)
	}
	if len(all) > 1 {
		root.Version = e.Version()
		root.Flags().BoolP("version", "v", false, "print the version and exit")
		root.SetHelpCommand(newHelp())
		root.InitDefaultHelpCmd()
		root.AddCommand(helpTopics()...)
	}
	if completing(args) {
		completeValues(e, root)
	}
	return root
}
