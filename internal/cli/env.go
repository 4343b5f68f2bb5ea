package cli

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"sync/atomic"
	"syscall"

	"github.com/spf13/cobra"

	"mqtt/internal/format"
)

// Env is what surrounds a command: its standard streams, environment variables and signals, and
// what the command line says about output.
type Env struct {
	In       io.Reader
	Out, Err io.Writer

	// TTYIn, TTYOut and TTYErr report whether the stream is a terminal.
	TTYIn, TTYOut, TTYErr bool

	LookupEnv func(name string) (string, bool) // as os.LookupEnv
	Environ   func() []string                  // as os.Environ

	// HandleSignals begins to handle signals; nil if the program does not.
	HandleSignals func()

	// Exit ends the process, as os.Exit; nil if the program does not.
	Exit func(status int)

	// SecondSignal is called for a second signal. While it is nil, a second signal ends the process.
	SecondSignal atomic.Pointer[func()]

	// Signal acts as if the process had received a signal: a terminal in raw mode sends keys, not
	// signals. It is nil if the program does not handle signals.
	Signal func(syscall.Signal)

	// BeforeExit is called before the process ends in the middle of a command: it restores the
	// terminal. It may be nil.
	BeforeExit atomic.Pointer[func()]

	// Tree builds the command tree with the subcommand that args begin with, or with all of them.
	Tree func(args []string) *cobra.Command

	Release string // the version that the linker set, if any
	Tool    string // mosquitto_pub, mosquitto_sub or mosquitto_rr if run under that name, else ""

	Quiet bool            // set by --quiet: no warnings and no status lines
	Debug bool            // set by --debug: packets on stderr, and status lines although stderr is not a terminal
	Color string          // set by --color: auto, always or never
	Typed map[string]bool // the flags given on the command line, by name; set by LoadSettings

	origins map[string]string // where values of other flags come from, by the flag as typed
	screen  screen
}

// Getenv returns the value of an environment variable, "" if it is not set.
func (e *Env) Getenv(name string) string {
	if e.LookupEnv == nil {
		return ""
	}
	v, _ := e.LookupEnv(name)
	return v
}

// Mosquitto reports whether the program was run under the name of one of mosquitto's clients. It
// then has their defaults and exit statuses.
func (e *Env) Mosquitto() bool { return e.Tool != "" }

// Version returns the version of the release, or what the build information says.
func (e *Env) Version() string {
	if e.Release != "" {
		return e.Release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}

// WithSettings returns a cobra RunE function that loads the command's settings and calls run.
func (e *Env) WithSettings(run func(context.Context, *Env, *cobra.Command) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, _ []string) error {
		if err := e.LoadSettings(c); err != nil {
			return err
		}
		return run(c.Context(), e, c)
	}
}

// Colored reports whether a stream gets colours; tty says whether it is a terminal. NO_COLOR and
// TERM=dumb forbid them unless --color is always, and so do the names of mosquitto's clients.
func (e *Env) Colored(tty bool) bool {
	switch e.Color {
	case "always":
		return true
	case "never":
		return false
	}
	return e.Draws(tty) && e.Getenv("NO_COLOR") == "" && !e.Mosquitto()
}

// Draws reports whether a stream gets escape sequences that move the cursor; tty says whether it is a
// terminal. One that calls itself dumb does not know them.
func (e *Env) Draws(tty bool) bool { return tty && e.Getenv("TERM") != "dumb" }

// Palette returns the colours of stderr.
func (e *Env) Palette() format.Palette { return format.NewPalette(e.Colored(e.TTYErr)) }

// Warn writes a warning to stderr, in one line, unless --quiet was given.
func (e *Env) Warn(text string, args ...any) {
	if !e.Quiet {
		e.writeLine(e.Palette().Warning("warning:")+" ", fmt.Appendf(nil, text, args...))
	}
}

// Note writes a line to stderr unless --quiet was given. Control characters are escaped.
func (e *Env) Note(text string, args ...any) {
	if !e.Quiet {
		e.writeLine("", fmt.Appendf(nil, text, args...))
	}
}

// Status writes a line as Note does, if ShowsStatus.
func (e *Env) Status(text string, args ...any) {
	if e.ShowsStatus() {
		e.Note(text, args...)
	}
}

// ShowsStatus reports whether stderr gets lines about connections that are as they should be: a
// person reads it, or --debug was given. mosquitto's clients write none.
func (e *Env) ShowsStatus() bool { return !e.Quiet && (e.Debug || e.TTYErr && !e.Mosquitto()) }

// writeLine writes a line after the name of the program.
func (e *Env) writeLine(prefix string, text []byte) {
	e.WriteErr(append(format.VisibleLine([]byte("mqtt: "+prefix), text), '\n'))
}
