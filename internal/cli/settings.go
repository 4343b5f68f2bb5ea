package cli

import (
	"context"
	"errors"
	"io/fs"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mqtt/internal/config"
)

// ConfigFlags name the sources of values that are not on the command line.
type ConfigFlags struct{ profile, options string }

// LoadSettings sets the flags that are not on the command line from options file, environment and
// profile. When run as one of mosquitto's clients, only the options file counts, and its lists are
// added to those of the command line.
func (e *Env) LoadSettings(c *cobra.Command) error {
	flags := c.Flags()
	e.Typed = make(map[string]bool)
	flags.Visit(func(f *pflag.Flag) { e.Typed[f.Name] = true })
	if err := rejectEmpty(flags); err != nil { // before -o and --profile are followed
		return err
	}
	settings, err := e.Settings(c.Context(), c)
	if err != nil {
		return err
	}
	for _, s := range settings {
		if s.Origin.Source == config.Default {
			continue
		}
		f := flags.Lookup(s.Flag)
		if list, ok := f.Value.(pflag.SliceValue); ok && s.Origin.Source == config.CommandLine && e.Mosquitto() {
			list.Replace(s.Values)
		}
		if s.Origin.Source == config.CommandLine {
			continue
		}
		if s, err = s.Fetch(c.Context(), config.Shell(e.Err)); err != nil {
			return Usage(err.Error(), "mqtt config show prints where each value comes from")
		}
		e.setOrigin(f, s.Origin)
		for _, v := range s.Values {
			if err := flags.Set(s.Flag, v); err != nil {
				return FlagError(c, err)
			}
		}
	}
	return rejectEmpty(flags)
}

// setOrigin records where a flag's value comes from, for errors that name the flag.
func (e *Env) setOrigin(f *pflag.Flag, at config.Origin) {
	if e.origins == nil {
		e.origins = make(map[string]string)
	}
	e.origins["--"+f.Name] = at.String()
	if f.Shorthand != "" {
		e.origins["-"+f.Shorthand] = at.String()
	}
}

// rejectEmpty rejects an empty value where it would silently disable something: --cafile "$CA" with
// CA unset must not turn TLS off.
func rejectEmpty(flags *pflag.FlagSet) error {
	for _, name := range []string{"host", "port", "url", "unix", "proxy", "bind", "profile", "options", "password-file", "auth-method",
		"cafile", "capath", "cert", "key", "keypass-file", "tls-version", "ciphers", "tls-alpn", "tls-servername", "tls-keylog"} {
		if f := flags.Lookup(name); f != nil && f.Changed && f.Value.String() == "" && f.Value.Type() == "string" {
			value, _ := pflag.UnquoteUsage(f)
			return BadFlag(TypedFlag(f), " is empty", "give it a "+value+", or leave it out")
		}
	}
	return nil
}

// Settings returns the settings of a command from all sources.
func (e *Env) Settings(ctx context.Context, c *cobra.Command) ([]config.Setting, error) {
	return e.Gather(ctx, c.Flags(), func() []config.Flag {
		flags := describe(c.Flags())
		if c.Name() == "broker" {
			// MQTT_HOST and MQTT_PORT say where a client finds its server, not where to serve.
			flags = slices.DeleteFunc(flags, func(f config.Flag) bool { return f.Name == "host" || f.Name == "port" })
		}
		return flags
	})
}

// Gather merges the settings of all sources; line holds the flags of the command line, and known
// returns the flags that other sources may set. Most runs have a command line alone, and do no
// other work.
func (e *Env) Gather(ctx context.Context, line *pflag.FlagSet, known func() []config.Flag) ([]config.Setting, error) {
	layers := [][]config.Setting{Given(line)}
	var flags []config.Flag
	options, err := e.options(ctx, line)
	if err != nil {
		return nil, err
	}
	if options != nil {
		flags = known()
		settings, err := config.OptionSettings(options, flags)
		if err != nil {
			return nil, optionsError(err)
		}
		layers = append(layers, settings)
	}
	if e.Mosquitto() {
		return joined(config.Merge(layers...), flags, layers), nil
	}
	name, err := e.profileName(layers)
	if err != nil {
		return nil, err
	}
	vars := e.hasVariables()
	if flags == nil {
		if name == "" && !vars {
			return layers[0], nil
		}
		flags = known()
	}
	if vars {
		settings, err := config.FromEnvironment(e.LookupEnv, flags)
		if err != nil {
			return nil, err
		}
		layers = append(layers, settings)
	}
	if name != "" {
		settings, err := e.profile(name, flags)
		if err != nil {
			return nil, err
		}
		layers = append(layers, settings)
	}
	return config.Merge(layers...), nil
}

// joined gives each list the values of all layers, as mosquitto's clients do.
func joined(settings []config.Setting, flags []config.Flag, layers [][]config.Setting) []config.Setting {
	for _, f := range flags {
		i := slices.IndexFunc(settings, func(s config.Setting) bool { return s.Flag == f.Name })
		if f.Kind == config.List && i >= 0 {
			settings[i].Values = config.Joined(f.Name, layers...)
		}
	}
	return settings
}

// options reads the options file of -o or MQTT_OPTIONS, or the default one of mosquitto's clients.
func (e *Env) options(ctx context.Context, line *pflag.FlagSet) ([]config.Option, error) {
	file, _ := line.GetString("options")
	source := config.Options
	switch {
	case file != "":
	case e.Mosquitto():
		source, file = config.DefaultFile, config.DefaultOptions(runtime.GOOS, e.Getenv, e.Tool)
	default:
		if file = e.Getenv("MQTT_OPTIONS"); file != "" {
			e.setOrigin(line.Lookup("options"), config.Origin{Source: config.Environment, Name: "MQTT_OPTIONS"})
		}
	}
	if file == "" {
		return nil, nil
	}
	options, err := Interruptible(ctx, e, func() ([]config.Option, error) { return config.LoadOptions(file, source) })
	return options, optionsError(err)
}

// optionsError adds the hint to an error about an options file.
func optionsError(err error) error {
	var (
		form *config.Error
		path *fs.PathError
	)
	switch {
	case errors.As(err, &form):
		return Usage(err.Error(), "a line has an option and its value, as on a command line (mqtt help profiles)")
	case errors.As(err, &path):
		return BadFlag("-o", " "+path.Path+": "+path.Err.Error(), "check that the file exists and is readable")
	}
	return err
}

// hasVariables reports whether any MQTT_* variable is set.
func (e *Env) hasVariables() bool {
	return slices.ContainsFunc(e.Environ(), func(s string) bool { return strings.HasPrefix(s, "MQTT_") })
}

// profileName returns the profile of --profile or MQTT_PROFILE, else the current one, else "". lines
// are the command line and the options file, in this order.
func (e *Env) profileName(lines [][]config.Setting) (string, error) {
	for _, line := range lines {
		if s, ok := config.Find(line, "profile"); ok {
			return s.Values[0], nil
		}
	}
	if name := e.Getenv("MQTT_PROFILE"); name != "" {
		return name, nil
	}
	return Profiles(e).Current()
}

// profile returns the settings of a profile.
func (e *Env) profile(name string, flags []config.Flag) ([]config.Setting, error) {
	p, err := Profiles(e).Load(name)
	if err != nil {
		return nil, Usage(err.Error(), "mqtt config list names the profiles")
	}
	return p.Settings(flags, anyFlag(e))
}

// anyFlag returns a function that reports whether any command has a flag of that name: commands
// share a profile.
func anyFlag(e *Env) func(string) bool {
	var names map[string]bool
	return func(name string) bool {
		if names == nil {
			names = make(map[string]bool)
			for _, c := range e.Tree(nil).Commands() {
				c.Flags().VisitAll(func(f *pflag.Flag) { names[f.Name] = true })
			}
		}
		return names[name]
	}
}

// describe returns the flags as package config knows them.
func describe(fs *pflag.FlagSet) []config.Flag {
	flags := make([]config.Flag, 0, 96)
	fs.VisitAll(func(f *pflag.Flag) {
		kind := config.Text
		switch f.Value.Type() {
		case "bool":
			kind = config.Switch
		case "stringArray":
			kind = config.List
		}
		flags = append(flags, config.Flag{Name: f.Name, Short: f.Shorthand, Kind: kind})
	})
	return flags
}

// Given returns the settings of the command line.
func Given(fs *pflag.FlagSet) []config.Setting {
	var settings []config.Setting
	fs.Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		settings = append(settings, config.Setting{Flag: f.Name, Values: values, Origin: config.Origin{Source: config.CommandLine}})
	})
	return settings
}

// Register adds the flags to fs.
func (f *ConfigFlags) Register(fs *pflag.FlagSet) {
	fs.StringVar(&f.profile, "profile", "", "take flags from the profile `NAME` (mqtt help profiles)")
	fs.StringVarP(&f.options, "options", "o", "", "take options from `FILE`, in mosquitto's form")
}

// Profiles returns the folders that hold profiles.
func Profiles(e *Env) config.Dirs { return config.Locate(runtime.GOOS, e.Getenv) }

// AllFlags returns the flags of all commands that have profiles, each once. A flag is a list if it
// is one in any command.
func AllFlags(e *Env) []config.Flag {
	var flags []config.Flag
	at := make(map[string]int)
	for _, c := range e.Tree(nil).Commands() {
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
