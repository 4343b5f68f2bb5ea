package config

import (
	"errors"
	"strconv"
	"strings"
)

// Source is a kind of place that a value comes from. A greater source is stronger.
type Source uint8

const (
	Default     Source = iota // the flag's default
	DefaultFile               // the options file that mosquitto reads by default, see DefaultOptions
	InProfile                 // a profile
	Environment               // an environment variable
	Options                   // the options file of -o
	CommandLine               // the command line
)

// Origin says where a value comes from.
type Origin struct {
	Source Source
	Name   string // of the variable or the profile
	File   string // of DefaultFile, InProfile and Options
	Line   int    // in File, from 1; the first one of several values
}

// String returns the origin for a person: "environment MQTT_HOST",
// "profile prod (/home/a/.config/mqtt/profiles/prod:3)".
func (o Origin) String() string {
	switch o.Source {
	case CommandLine:
		return "command line"
	case Environment:
		return "environment " + o.Name
	case Options, DefaultFile:
		return "options file " + o.place()
	case InProfile:
		return "profile " + o.Name + " (" + o.place() + ")"
	}
	return "default"
}

// place returns file and line.
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

	// Command is the shell command whose first line of output is the value, or empty. Values
	// is nil until Fetch has run it.
	Command string
}

// Shown returns the values for display, with secrets masked. For a command it returns the
// name of the program.
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

// Error says what is wrong in a file, an environment variable or a profile. It never
// contains a value.
type Error struct {
	File string // the file or, without Line, the name of an environment variable
	Line int    // from 1; 0: no particular line
	Err  error  // what is wrong or was expected
}

// Error returns the place and the reason.
func (e *Error) Error() string {
	return Origin{File: e.File, Line: e.Line}.place() + ": " + e.Err.Error()
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// Kind says how many values a flag has.
type Kind uint8

const (
	Text   Kind = iota // one value; the last one if several are given
	Switch             // true or false; it needs no value on the command line
	List               // any number of values
)

// Flag describes a flag of a command.
type Flag struct {
	Name  string // long name, without dashes
	Short string // one letter, or empty
	Kind  Kind
}

// find returns the flag with that long name.
func find(flags []Flag, name string) (Flag, bool) {
	for _, f := range flags {
		if f.Name == name {
			return f, true
		}
	}
	return Flag{}, false
}

// findShort returns the flag with that letter.
func findShort(flags []Flag, letter string) (Flag, bool) {
	for _, f := range flags {
		if f.Short == letter && letter != "" {
			return f, true
		}
	}
	return Flag{}, false
}

var errBool = errors.New("expected 1, 0, true, false, yes, no, on or off")

// parseBool parses the words that people use for true and false. It returns the word that
// flag packages parse.
func parseBool(s string) (_ string, ok bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "1", "true", "yes", "on":
		return "true", true
	case "0", "false", "no", "off":
		return "false", true
	}
	return "", false
}

// add adds a value of f to settings. A List gets one value more; any other flag gets the new
// value and its origin.
func add(settings []Setting, f Flag, value string, origin Origin) []Setting {
	for i := range settings {
		if settings[i].Flag != f.Name {
			continue
		}
		if f.Kind == List {
			settings[i].Values = append(settings[i].Values, value)
		} else {
			settings[i].Values, settings[i].Origin = []string{value}, origin
		}
		return settings
	}
	return append(settings, Setting{Flag: f.Name, Values: []string{value}, Origin: origin})
}

// flagName reports whether s can be a flag's long name. Errors quote such a name only, because
// other text in its place could be a secret.
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
