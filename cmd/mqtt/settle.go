package main

import (
	"runtime"
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

// settings returns the settings that count for a command.
func (e *env) settings(c *cobra.Command) ([]config.Setting, error) {
	fs := c.Flags()
	flags := describe(fs)
	layers := [][]config.Setting{given(fs)}
	file, _ := fs.GetString("options")
	source, tool := config.Options, e.tool
	if file == "" && tool != "" {
		source, file = config.HouseOptions, config.DefaultOptions(runtime.GOOS, e.getenv, tool)
	}
	if file != "" {
		options, err := config.LoadOptions(file, source)
		if err != nil {
			return nil, usageOf(err)
		}
		settings, err := config.OptionSettings(options, flags)
		if err != nil {
			return nil, err
		}
		layers = append(layers, settings)
	}
	if !e.mosquitto() {
		settings, err := config.FromEnvironment(e.lookup, flags)
		if err != nil {
			return nil, err
		}
		layers = append(layers, settings)
		if settings, err = e.profile(fs, flags, settings); err != nil {
			return nil, err
		}
		layers = append(layers, settings)
	}
	return config.Merge(layers...), nil
}

// profile returns the settings of the profile that --profile or MQTT_PROFILE names, or that is in use.
func (e *env) profile(fs *pflag.FlagSet, flags []config.Flag, env []config.Setting) ([]config.Setting, error) {
	dirs := config.Locate(runtime.GOOS, e.getenv)
	name, _ := fs.GetString("profile")
	if s, ok := config.Find(env, "profile"); ok && name == "" {
		name = s.Values[0]
	}
	if name == "" {
		var err error
		if name, err = dirs.Current(); err != nil || name == "" {
			return nil, err
		}
	}
	p, err := dirs.Load(name)
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
