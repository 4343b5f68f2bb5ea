package main

import (
	"context"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mqtt/internal/config"
)

// configFlags say where values come from that the command line does not give.
type configFlags struct{ profile, options string }

// settle gives the flags that stand on no command line the values of environment, options files and profile. Under
// mosquitto's names only options files count.
func (e *env) settle(c *cobra.Command) error {
	e.typed = make(map[string]bool)
	c.Flags().Visit(func(f *pflag.Flag) { e.typed[f.Name] = true })
	settings, err := e.settings(c)
	if err != nil {
		return err
	}
	for _, s := range settings {
		if s.Origin.Source == config.CommandLine || s.Origin.Source == config.Default {
			continue
		}
		if s, err = s.Fetch(c.Context(), config.Shell(e.err)); err != nil {
			return usage(err.Error(), "mqtt config show tells where each value comes from")
		}
		for _, v := range s.Values {
			if err := c.Flags().Set(s.Flag, v); err != nil {
				return usage(s.Origin.String()+": --"+s.Flag+": expected another kind of value", "mqtt config show prints all values")
			}
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
func (e *env) settings(c *cobra.Command) ([]config.Setting, error) {
	return e.gather(c.Flags(), func() []config.Flag {
		flags := describe(c.Flags())
		if c.Name() == "broker" {
			// MQTT_HOST and MQTT_PORT say where a client finds its server, not where to serve.
			flags = slices.DeleteFunc(flags, func(f config.Flag) bool { return f.Name == "host" || f.Name == "port" })
		}
		return flags
	})
}

// gather merges what every source has for flags; fs is the command line. Most runs have nothing beside that, and pay for
// nothing else.
func (e *env) gather(fs *pflag.FlagSet, known func() []config.Flag) ([]config.Setting, error) {
	options, err := e.options(fs)
	if err != nil {
		return nil, err
	}
	var name string
	if !e.mosquitto() {
		if name, err = e.profileName(fs); err != nil {
			return nil, err
		}
	}
	vars := !e.mosquitto() && e.hasVariables()
	if options == nil && name == "" && !vars {
		return given(fs), nil
	}
	flags := known()
	layers := [][]config.Setting{given(fs)}
	if options != nil {
		settings, err := config.OptionSettings(options, flags)
		if err != nil {
			return nil, err
		}
		layers = append(layers, settings)
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

// options reads the options file of -o, or the one that mosquitto's programs read unasked.
func (e *env) options(fs *pflag.FlagSet) ([]config.Option, error) {
	file, _ := fs.GetString("options")
	source := config.Options
	if file == "" && e.mosquitto() {
		source, file = config.HouseOptions, config.DefaultOptions(runtime.GOOS, e.getenv, e.tool)
	}
	if file == "" {
		return nil, nil
	}
	options, err := config.LoadOptions(file, source)
	if err != nil {
		return nil, usageOf(err)
	}
	return options, nil
}

// hasVariables tells whether any variable of ours is set.
func (e *env) hasVariables() bool {
	return slices.ContainsFunc(e.environ(), func(s string) bool { return strings.HasPrefix(s, "MQTT_") })
}

// profileName is what --profile or MQTT_PROFILE says, else the profile in use, else "".
func (e *env) profileName(fs *pflag.FlagSet) (string, error) {
	if name, _ := fs.GetString("profile"); name != "" {
		return name, nil
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

func usageOf(err error) error {
	return usage(strings.TrimSpace(err.Error()), "name a file that you may read")
}
