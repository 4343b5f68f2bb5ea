package cli

import (
	"strings"

	"github.com/spf13/pflag"

	"mqtt/internal/proto"
)

// DisplayFlags are the flags about what is written to stderr besides errors.
type DisplayFlags struct {
	Color string

	debug, quiet bool
}

// Register adds the flags to fs.
func (f *DisplayFlags) Register(fs *pflag.FlagSet) {
	fs.BoolVarP(&f.debug, "debug", "d", false, "show each packet on stderr")
	fs.BoolVar(&f.quiet, "quiet", false, "print errors only: no warnings, no status lines")
	fs.StringVar(&f.Color, "color", "auto", "use colour `WHEN`: auto, always or never")
}

// Apply checks the flags and sets Quiet, Debug and Color of e.
func (f *DisplayFlags) Apply(e *Env) error {
	switch f.Color {
	case "auto", "always", "never":
	default:
		return BadValue("--color", f.Color, "expected auto, always or never")
	}
	e.Quiet, e.Debug, e.Color = f.quiet, f.debug, f.Color
	return nil
}

// Trace returns a function that writes one line per packet to stderr, nil without --debug.
func (f *DisplayFlags) Trace(e *Env) func(sent bool, frame proto.Frame, v proto.Version) {
	if !f.debug {
		return nil
	}
	var line []byte
	ink := e.Palette()
	return func(sent bool, frame proto.Frame, v proto.Version) {
		line = append(ink.AppendTrace(line[:0], sent, frame, v), '\n')
		e.WriteErr(line)
	}
}

// EarlyColor returns the value of --color before the flags are parsed, for errors of flags: from args,
// else from the environment.
func (e *Env) EarlyColor(args []string) string {
	for i, a := range args {
		if a == "--" {
			break
		}
		if value, ok := strings.CutPrefix(a, "--color="); ok {
			return value
		}
		if a == "--color" && i+1 < len(args) {
			return args[i+1]
		}
	}
	if e.Mosquitto() {
		return ""
	}
	return e.Getenv("MQTT_COLOR")
}
