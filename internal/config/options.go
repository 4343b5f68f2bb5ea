package config

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// maxOptions bounds an options file, in bytes: room for the largest payload that MQTT can carry.
const maxOptions = 1 << 28

// Option is one line of an options file as words for a command line: the option, then its value if it has one. A
// property has three or four words after the option.
type Option struct {
	Words  []string
	Origin Origin
}

// ParseOptions reads a mosquitto options file: one option a line, its value the rest of the line, spaces and quotes
// included. A # that starts a line starts a comment. Unlike mosquitto it takes a tab after the option, --name=value,
// indented comments, lines of any length, and for -D several words (see PropertyWords).
//
// mosquitto cuts off exactly one space before the value. That is kept where bytes matter (-m, --will-payload, -F, -P);
// elsewhere all the spaces before it go, so that values may stand in a column, and those around a number.
//
// file names the input in origins and errors; source is Options or HouseOptions.
func ParseOptions(r io.Reader, file string, source Source) ([]Option, error) {
	return parseOptions(r, file, source, maxOptions)
}

// LoadOptions reads an options file; a FIFO will do. When mosquitto would read it unasked (HouseOptions) and it is out
// of reach, or is a folder, there are no options and that is no error.
func LoadOptions(path string, source Source) ([]Option, error) {
	f, err := os.Open(path)
	if err != nil {
		if source == HouseOptions && absent(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("options file: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() && source == HouseOptions {
		return nil, nil
	}
	return ParseOptions(f, path, source)
}

func parseOptions(r io.Reader, file string, source Source, limit int) ([]Option, error) {
	data, err := readAll(r, file, limit)
	if err != nil {
		return nil, err
	}
	var options []Option
	number := 0
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		number++
		words, what := optionWords(string(bytes.TrimRight(line, "\r")))
		if what != "" {
			return nil, &Error{file, number, what}
		}
		if words != nil {
			options = append(options, Option{words, Origin{Source: source, File: file, Line: number}})
		}
	}
	return options, nil
}

// optionWords cuts one line. It returns nil words for a line that holds no option, or what is wrong.
func optionWords(line string) (words []string, what string) {
	line = strings.TrimLeft(line, " \t")
	if line == "" || line[0] == '#' {
		return nil, ""
	}
	if strings.IndexByte(line, 0) >= 0 {
		return nil, "a NUL byte: expected text"
	}
	if line[0] != '-' {
		return nil, "expected an option, such as --host NAME or -q 1"
	}
	option, value := line, ""
	if i := strings.IndexAny(line, " \t"); i >= 0 {
		option, value = line[:i], line[i+1:]
	}
	name, _, assigned := strings.Cut(option, "=")
	switch {
	case strings.Trim(name, "-") == "":
		return nil, "expected an option, such as --host NAME or -q 1"
	case name == "-o", name == "--options":
		return nil, name + " in an options file: one file cannot name another"
	case strings.HasPrefix(name, "--") && assigned:
		// The value began before the first space, and goes on behind it.
		return []string{line}, ""
	}
	switch name {
	case "-D", "--property":
		property, err := PropertyWords(value)
		if err != nil {
			return nil, name + ": " + err.Error()
		}
		return append([]string{option}, property...), ""
	case "-m", "--message", "--will-payload", "-F", "--format", "-P", "--pw":
	default:
		value = strings.TrimLeft(value, " \t")
		if number := strings.TrimRight(value, " \t"); digits(number) {
			value = number
		}
	}
	if value == "" {
		return []string{option}, ""
	}
	return []string{option, value}, ""
}

// OptionSettings turns options into settings, for the flags that the command has. A flag given twice counts as on a
// command line: a List takes both values, another kind the later one. A property becomes one value, in the form that
// PropertyWords reads.
func OptionSettings(options []Option, flags []Flag) ([]Setting, error) {
	var settings []Setting
	for _, o := range options {
		fail := func(what string) error { return &Error{o.Origin.File, o.Origin.Line, what} }
		name, value, assigned := strings.Cut(o.Words[0], "=")
		long, isLong := strings.CutPrefix(name, "--")
		var f Flag
		var known bool
		if isLong {
			f, known = find(flags, long)
		} else {
			name, assigned = o.Words[0], false
			f, known = findShort(flags, strings.TrimPrefix(name, "-"))
		}
		if !known {
			return nil, fail(unknownOption(name, flags))
		}
		switch {
		case assigned && len(o.Words) > 1:
			return nil, fail(name + ": expected one value")
		case assigned:
		case f.Kind == Switch && len(o.Words) > 1:
			return nil, fail(name + " takes no value: expected nothing behind it")
		case f.Kind == Switch:
			value = "true"
		case len(o.Words) == 1:
			return nil, fail(name + ": expected a value")
		case len(o.Words) > 2:
			value = JoinProperty(o.Words[1:])
		default:
			value = o.Words[1]
		}
		if f.Kind == Switch {
			word, ok := truth(value)
			if !ok {
				return nil, fail(name + ": " + wantBool)
			}
			value = word
		}
		settings = add(settings, f, value, o.Origin)
	}
	return settings, nil
}

// unknownOption names an option only as far as it cannot be a value: -Psecret is -P.
func unknownOption(name string, flags []Flag) string {
	long, isLong := strings.CutPrefix(name, "--")
	switch {
	case isLong && flagName(long):
		return "unknown option " + name + Suggestion(long, flags, "--")
	case !isLong && len(name) == 2:
		return "unknown option " + name
	case !isLong && len(name) > 2:
		if _, ok := findShort(flags, name[1:2]); ok {
			return "expected a space between " + name[:2] + " and its value"
		}
	}
	return "unknown option"
}

// DefaultOptions returns the path of the options file that mosquitto's tool (mosquitto_pub, mosquitto_sub or
// mosquitto_rr) reads when none is named, or "" where there is no place for one. goos is runtime.GOOS, getenv os.Getenv.
func DefaultOptions(goos string, getenv func(string) string, tool string) string {
	if goos == "windows" {
		if home := getenv("USERPROFILE"); home != "" {
			return filepath.Join(home, tool+".conf")
		}
		return ""
	}
	if dir := configHome(goos, getenv); dir != "" {
		return filepath.Join(dir, tool)
	}
	return ""
}

// readAll reads a file of at most limit bytes. A byte order mark at its start is dropped.
func readAll(r io.Reader, file string, limit int) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	if len(data) > limit {
		return nil, &Error{File: file, What: "too large for what it is"}
	}
	return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), nil
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
