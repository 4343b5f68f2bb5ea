package config

import (
	"strconv"
	"strings"
)

// Source is a kind of place where a value can come from. A greater one wins over a smaller one.
type Source uint8

const (
	Default      Source = iota // the flag's own default
	HouseOptions               // the options file mosquitto reads unasked, see DefaultOptions
	InProfile                  // a profile
	Environment                // an environment variable
	Options                    // an options file that was named, which stands for flags
	CommandLine                // the command line
)

// Origin tells where a value stands.
type Origin struct {
	Source Source
	Name   string // the variable's name, or the profile's
	File   string // the file, for HouseOptions, InProfile and Options
	Line   int    // the line in File, from 1; of several values, the first one's
}

// String says it to a person: "environment MQTT_HOST", "profile prod (/home/a/.config/mqtt/profiles/prod:3)".
func (o Origin) String() string {
	switch o.Source {
	case CommandLine:
		return "command line"
	case Environment:
		return "environment " + o.Name
	case Options, HouseOptions:
		return "options file " + o.place()
	case InProfile:
		return "profile " + o.Name + " (" + o.place() + ")"
	}
	return "default"
}

func (o Origin) place() string {
	if o.Line == 0 {
		return o.File
	}
	return o.File + ":" + strconv.Itoa(o.Line)
}

// Setting is a flag's value from one source.
type Setting struct {
	Flag   string   // the long name, without dashes
	Values []string // one, or several for a List; "true" or "false" for a Switch
	Origin Origin

	// Command, when not empty, is the shell command whose first line of output is the value. Values is then nil
	// until Fetch has run it.
	Command string
}

// Shown returns the values as they may be printed: secrets are masked, and of a command only its program is named.
func (s Setting) Shown() []string {
	if s.Command != "" && s.Values == nil {
		return []string{"(printed by " + program(s.Command) + ")"}
	}
	shown := make([]string, len(s.Values))
	for i, v := range s.Values {
		if s.Command != "" {
			shown[i] = mask
			continue
		}
		shown[i] = Masked(s.Flag, v)
	}
	return shown
}

// Error says what is wrong in a file, an environment variable or a profile. It never quotes a value.
type Error struct {
	File string // the file or, without Line, the name of an environment variable
	Line int    // from 1; 0: no particular line
	What string // what was expected
}

func (e *Error) Error() string {
	return Origin{File: e.File, Line: e.Line}.place() + ": " + e.What
}

// Kind says how many values a flag takes.
type Kind uint8

const (
	Text   Kind = iota // one value; of several the last one counts
	Switch             // true or false; on the command line it takes no value
	List               // any number of values
)

// Flag describes a flag of the command that is being run.
type Flag struct {
	Name  string // long name, without dashes
	Short string // one letter, or empty
	Kind  Kind
}

func find(flags []Flag, name string) (Flag, bool) {
	for _, f := range flags {
		if f.Name == name {
			return f, true
		}
	}
	return Flag{}, false
}

func findShort(flags []Flag, letter string) (Flag, bool) {
	for _, f := range flags {
		if f.Short == letter && letter != "" {
			return f, true
		}
	}
	return Flag{}, false
}

const wantBool = "expected 1, 0, true, false, yes, no, on or off"

// truth reads the words that people write for true and false, and returns the one that flag packages read.
func truth(s string) (string, bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "1", "true", "yes", "on":
		return "true", true
	case "0", "false", "no", "off":
		return "false", true
	}
	return "", false
}

// add puts a value into settings: a List grows, another kind is replaced by its later value.
func add(settings []Setting, f Flag, value string, at Origin) []Setting {
	for i := range settings {
		if settings[i].Flag != f.Name {
			continue
		}
		if f.Kind == List {
			settings[i].Values = append(settings[i].Values, value)
		} else {
			settings[i].Values, settings[i].Origin = []string{value}, at
		}
		return settings
	}
	return append(settings, Setting{Flag: f.Name, Values: []string{value}, Origin: at})
}

// flagName reports whether s could be a flag's long name, and so may be quoted in an error without giving away a
// secret that slipped into its place.
func flagName(s string) bool {
	if s == "" || len(s) > 40 || s[0] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
