package main

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

// configFlags say where values come from that the command line does not give.
type configFlags struct{ profile, options string }

// settle gives the flags that stand on no command line the values of options files, environment and profile. Under
// mosquitto's names only options files count, and their lists add to those of the command line.
func (e *env) settle(c *cobra.Command) error {
	flags := c.Flags()
	e.typed = make(map[string]bool)
	flags.Visit(func(f *pflag.Flag) { e.typed[f.Name] = true })
	if err := unempty(flags); err != nil { // before -o and --profile are followed
		return err
	}
	settings, err := e.settings(c.Context(), c)
	if err != nil {
		return err
	}
	for _, s := range settings {
		if s.Origin.Source == config.Default {
			continue
		}
		f := flags.Lookup(s.Flag)
		if list, ok := f.Value.(pflag.SliceValue); ok && s.Origin.Source == config.CommandLine && e.mosquitto() {
			list.Replace(s.Values)
		}
		if s.Origin.Source == config.CommandLine {
			continue
		}
		if s, err = s.Fetch(c.Context(), config.Shell(e.err)); err != nil {
			return usage(err.Error(), "mqtt config show tells where each value comes from")
		}
		e.comesFrom(f, s.Origin)
		for _, v := range s.Values {
			if err := flags.Set(s.Flag, v); err != nil {
				return flagError(c, err)
			}
		}
	}
	return unempty(flags)
}

// comesFrom notes where a flag's value stands, for errors that name the flag.
func (e *env) comesFrom(f *pflag.Flag, at config.Origin) {
	if e.origins == nil {
		e.origins = make(map[string]string)
	}
	e.origins["--"+f.Name] = at.String()
	if f.Shorthand != "" {
		e.origins["-"+f.Shorthand] = at.String()
	}
}

// sourced adds to a usage error where the values of the flags that it names stand, if that is not the command line.
func (e *env) sourced(err error) error {
	wrong, ok := err.(*usageError)
	if !ok || len(e.origins) == 0 {
		return err
	}
	var named, from []string
	words, _, _ := strings.Cut(wrong.what, `"`) // behind it are values
	for _, word := range strings.Fields(words) {
		word = strings.TrimRight(word, ":,")
		if at := e.origins[word]; at != "" && !slices.Contains(named, word) {
			named, from = append(named, word), append(from, at)
		}
	}
	switch len(named) {
	case 0:
		return err
	case 1:
		return usage(wrong.what+" (from "+from[0]+")", wrong.hint)
	}
	for i := range named {
		named[i] += " from " + from[i]
	}
	return usage(wrong.what+" ("+strings.Join(named, ", ")+")", wrong.hint)
}

// unempty refuses an empty value for a flag that an empty value would switch off in silence: --cafile "$CA" without CA
// is no wish to go without TLS.
func unempty(flags *pflag.FlagSet) error {
	for _, name := range []string{"host", "port", "url", "unix", "proxy", "bind", "profile", "options", "password-file", "auth-method",
		"cafile", "capath", "cert", "key", "keypass-file", "tls-version", "ciphers", "tls-alpn", "tls-servername", "tls-keylog"} {
		if f := flags.Lookup(name); f != nil && f.Changed && f.Value.String() == "" && f.Value.Type() == "string" {
			value, _ := pflag.UnquoteUsage(f)
			return usage(typedFlag(f)+" is empty", "give it a "+value+", or leave it out")
		}
	}
	return nil
}

// settled is a command's run once its flags are settled.
func (e *env) settled(run func(context.Context, *env, *cobra.Command) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, _ []string) error {
		if err := e.settle(c); err != nil {
			return err
		}
		return run(c.Context(), e, c)
	}
}

// settings returns the settings that count for a command.
func (e *env) settings(ctx context.Context, c *cobra.Command) ([]config.Setting, error) {
	return e.gather(ctx, c.Flags(), func() []config.Flag {
		flags := describe(c.Flags())
		if c.Name() == "broker" {
			// MQTT_HOST and MQTT_PORT say where a client finds its server, not where to serve.
			flags = slices.DeleteFunc(flags, func(f config.Flag) bool { return f.Name == "host" || f.Name == "port" })
		}
		return flags
	})
}

// gather merges what every source has for flags; line is the command line. Most runs have nothing beside that, and pay
// for nothing else.
func (e *env) gather(ctx context.Context, line *pflag.FlagSet, known func() []config.Flag) ([]config.Setting, error) {
	layers := [][]config.Setting{given(line)}
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
	if e.mosquitto() {
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
		settings, err := config.FromEnvironment(e.lookup, flags)
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

// joined gives each list the values of all layers, as mosquitto's programs do.
func joined(settings []config.Setting, flags []config.Flag, layers [][]config.Setting) []config.Setting {
	for _, f := range flags {
		i := slices.IndexFunc(settings, func(s config.Setting) bool { return s.Flag == f.Name })
		if f.Kind == config.List && i >= 0 {
			settings[i].Values = config.Joined(f.Name, layers...)
		}
	}
	return settings
}

// options reads the options file of -o or MQTT_OPTIONS, or the one that mosquitto's programs read unasked.
func (e *env) options(ctx context.Context, line *pflag.FlagSet) ([]config.Option, error) {
	file, _ := line.GetString("options")
	source := config.Options
	switch {
	case file != "":
	case e.mosquitto():
		source, file = config.HouseOptions, config.DefaultOptions(runtime.GOOS, e.getenv, e.tool)
	default:
		if file = e.getenv("MQTT_OPTIONS"); file != "" {
			e.comesFrom(line.Lookup("options"), config.Origin{Source: config.Environment, Name: "MQTT_OPTIONS"})
		}
	}
	if file == "" {
		return nil, nil
	}
	options, err := patiently(ctx, e, func() ([]config.Option, error) { return config.LoadOptions(file, source) })
	return options, optionsError(err)
}

// optionsError gives an error about an options file its hint: it cannot be read, or something in it.
func optionsError(err error) error {
	var (
		form *config.Error
		path *fs.PathError
	)
	switch {
	case errors.As(err, &form):
		return usage(err.Error(), "a line has an option and its value, as on a command line; mqtt help profiles says more")
	case errors.As(err, &path):
		return usage("-o "+path.Path+": "+path.Err.Error(), "name a file that you may read")
	}
	return err
}

// hasVariables tells whether any variable of ours is set.
func (e *env) hasVariables() bool {
	return slices.ContainsFunc(e.environ(), func(s string) bool { return strings.HasPrefix(s, "MQTT_") })
}

// profileName is what --profile or MQTT_PROFILE says, else the profile in use, else "". lines are the command line and
// the options file, the stronger first.
func (e *env) profileName(lines [][]config.Setting) (string, error) {
	for _, line := range lines {
		if s, ok := config.Find(line, "profile"); ok {
			return s.Values[0], nil
		}
	}
	if name := e.getenv("MQTT_PROFILE"); name != "" {
		return name, nil
	}
	return config.Locate(runtime.GOOS, e.getenv).Current()
}

// profile returns the settings of a profile.
func (e *env) profile(name string, flags []config.Flag) ([]config.Setting, error) {
	p, err := config.Locate(runtime.GOOS, e.getenv).Load(name)
	if err != nil {
		return nil, usage(err.Error(), "mqtt config list names the profiles")
	}
	return p.Settings(flags, anyFlag(e))
}

// anyFlag tells whether some command has a flag of that name: commands share a profile.
func anyFlag(e *env) func(string) bool {
	var names map[string]bool
	return func(name string) bool {
		if names == nil {
			names = make(map[string]bool)
			for _, c := range newRoot(e, nil).Commands() {
				c.Flags().VisitAll(func(f *pflag.Flag) { names[f.Name] = true })
			}
		}
		return names[name]
	}
}

// describe returns the flags in the words of config.
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

// given returns what stands on the command line.
func given(fs *pflag.FlagSet) []config.Setting {
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

func (f *configFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.profile, "profile", "", "values from the profile `NAME`; see mqtt config")
	fs.StringVarP(&f.options, "options", "o", "", "options from `FILE`, in mosquitto's form")
}
