package main

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"

	"mqtt/internal/config"
)

// env is the world as a command sees it.
type env struct {
	in                    io.Reader
	out, err              io.Writer
	ttyIn, ttyOut, ttyErr bool
	lookup                func(name string) (string, bool)
	environ               func() []string
	listen                func()                 // has signals handled from now on; nil where nothing handles them
	hurry                 atomic.Pointer[func()] // for a second signal, in the place of the end on the spot
	typed                 map[string]bool        // flags that stood on the command line itself
	origins               map[string]string      // where the values of others stand, by the flag as it is typed
	quiet                 bool                   // no warnings and no status
	color                 string                 // auto, always or never
	tool                  string                 // mosquitto_pub, mosquitto_sub or mosquitto_rr when linked under that name, else empty
}

func (e *env) getenv(name string) string {
	v, _ := e.lookup(name)
	return v
}

// mosquitto tells whether the binary was called by one of mosquitto's names, and so has mosquitto's defaults and exit
// statuses.
func (e *env) mosquitto() bool { return e.tool != "" }

// run does what args say and returns the exit status.
func run(ctx context.Context, e *env, args []string) int {
	name := strings.TrimSuffix(filepath.Base(args[0]), ".exe")
	args = args[1:]
	if sub, ok := strings.CutPrefix(name, "mosquitto_"); ok && (sub == "pub" || sub == "sub" || sub == "rr") {
		e.tool = name
		args = append([]string{sub}, args...)
	}
	e.heedSoon(len(args) > 0 && args[0] == "pub")
	root := newRoot(e, args)
	words, err := joinProperties(args, commandOf(root, args).Flags())
	if completing(args) && err != nil { // a property is being written
		words, err = args, nil
	}
	if err == nil {
		err = checkCommand(root, args)
	}
	if err == nil {
		args = words
		root.SetArgs(args)
		root.SetIn(e.in)
		help := &page{w: e.out}
		root.SetOut(help)
		root.SetErr(e.err)
		err = firstError(root.ExecuteContext(ctx), help.outcome())
	}
	name = e.tool
	if name == "" {
		name = commandName(root, args)
	}
	return e.finish(ctx, name, e.sourced(err))
}

// commandName is what stands before an error, such as "mqtt pub".
func commandName(root *cobra.Command, args []string) string {
	return commandOf(root, args).CommandPath()
}

// commandOf is the command that args begin with.
func commandOf(root *cobra.Command, args []string) *cobra.Command {
	if c, _, err := root.Find(args); err == nil {
		return c
	}
	return root
}

// checkCommand refuses a first word that is no command, before its flags are taken for flags of mqtt itself.
func checkCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") || completing(args) || commandOf(root, args) != root {
		return nil
	}
	var known []config.Flag
	for _, c := range root.Commands() {
		if !c.Hidden {
			known = append(known, config.Flag{Name: c.Name()})
		}
	}
	return usage("unknown command "+args[0]+config.Suggestion(args[0], known, ""), "mqtt help lists the commands")
}

// commands are the subcommands by name. Building one costs time at every start, for its many flags: run builds the one
// that is asked for, and all of them only where help or completion needs to know them.
func commands() []command {
	return []command{
		{"pub", newPub}, {"sub", newSub}, {"rr", newRR}, {"ping", newPing}, {"bench", newBench}, {"broker", newBroker}, {"config", newConfig},
		{"completion", newCompletion},
	}
}

type command struct {
	name  string
	build func(*env) *cobra.Command
}

// newRoot builds the command tree: with the one subcommand that args begin with, else with all of them. It sets no
// template of cobra's: one of them links text/template, for whose sake the linker keeps each method of each type, 2 MB.
func newRoot(e *env, args []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "mqtt",
		Short: "Publish, subscribe, ask, ping, measure and serve MQTT",
		Long: `mqtt speaks MQTT 3.1, 3.1.1 and 5.0 over TCP, TLS, WebSocket and unix sockets.

The letters are mosquitto's: -h is the host; help is --help, or mqtt help COMMAND.`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true}, // there is one of our own
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("unknown command "+args[0], "mqtt help lists the commands")
			}
			return c.Help()
		},
		Args: cobra.ArbitraryArgs,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return flagError(c, err)
	})
	root.PersistentFlags().Bool("help", false, "print help and exit")
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
		if e.mosquitto() { // whose tools have it themselves
			cmd.Version = version() + " (mqtt)"
			cmd.Flags().Bool("version", false, "print the version and exit")
			if slices.Contains(args, "--version") { // whose text has the name; help says what mqtt calls it
				cmd.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: e.tool}
			}
		}
		root.AddCommand(cmd)
	}
	if len(all) > 1 {
		root.Version = version()
		root.SetHelpCommand(newHelp())
		root.InitDefaultHelpCmd()
		root.AddCommand(helpTopics(e)...)
	}
	if completing(args) {
		completeValues(e, root)
	}
	return root
}

// version is what the build says of itself.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}

// release is set by the linker in release builds.
var release string

// usageError is a command line that cannot be carried out: exit 2.
type usageError struct{ what, hint string }

func (u *usageError) Error() string { return u.what }

func usage(what, hint string) error { return &usageError{what, hint} }

// noArguments refuses words that no flag takes.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usage("unexpected argument "+quoted(args[0]), "a value belongs behind its flag; "+c.CommandPath()+" --help lists them")
}

// errQuiet is an end without a word that is a success: stdout was closed by its reader.
var errQuiet = errors.New("output closed")
