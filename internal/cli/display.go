package cli

import (
	"github.com/spf13/pflag"

	"mqtt/internal/format"
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

// Apply checks the flags and sets Quiet and Color of e.
func (f *DisplayFlags) Apply(e *Env) error {
	switch f.Color {
	case "auto", "always", "never":
	default:
		return BadValue("--color", f.Color, "expected auto, always or never")
	}
	e.Quiet, e.Color = f.quiet, f.Color
	return nil
}

// Trace returns a function that writes one line per packet to stderr, nil without --debug.
func (f *DisplayFlags) Trace(e *Env) func(sent bool, frame proto.Frame, v proto.Version) {
	if !f.debug {
		return nil
	}
	var line []byte
	return func(sent bool, frame proto.Frame, v proto.Version) {
		line = append(format.AppendTrace(line[:0], sent, frame, v), '\n')
		e.Err.Write(line)
	}
}
