package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// maxOptions is the largest size of an options file, in bytes. It has room for the largest
// payload of MQTT.
const maxOptions = 1 << 28

// Option is one line of an options file in words as on a command line: the option, and its
// value if it has one. A property has three or four words after the option.
type Option struct {
	Words  []string
	Origin Origin
}

// ParseOptions parses an options file of mosquitto. Each line is an option; its value is the
// rest of the line, including spaces and quotes. A line that begins with # is a comment.
// In addition to what mosquitto reads, it accepts a tab after the option, --name=value,
// indented comments, lines of any length, and several words for -D (see PropertyWords).
//
// mosquitto removes exactly one space before the value. ParseOptions does the same where
// every byte is significant (-m, --will-payload, -F, -P). For all other options it removes
// all spaces before the value, so that values can be aligned in a column, and the spaces
// after a number.
//
// file is the name of the input in origins and errors. source is Options or DefaultFile.
func ParseOptions(r io.Reader, file string, source Source) ([]Option, error) {
	return parseOptions(r, file, source, maxOptions)
}

// LoadOptions reads and parses an options file, which may be a FIFO. If source is
// DefaultFile and the file cannot be reached or is a folder, it returns no options and no
// error.
func LoadOptions(path string, source Source) ([]Option, error) {
	f, err := os.Open(path)
	if err != nil {
		if source == DefaultFile && unreachable(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("options file: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() && source == DefaultFile {
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
		words, err := optionWords(string(bytes.TrimRight(line, "\r")))
		if err != nil {
			return nil, &Error{File: file, Line: number, Err: err}
		}
		if words != nil {
			options = append(options, Option{words, Origin{Source: source, File: file, Line: number}})
		}
	}
	return options, nil
}

var (
	errNUL    = errors.New("a NUL byte: expected text")
	errOption = errors.New("expected an option, such as --host NAME or -q 1")
)

// optionWords splits a line into words. It returns nil if the line is empty or a comment.
func optionWords(line string) (words []string, err error) {
	line = strings.TrimLeft(line, " \t")
	if line == "" || line[0] == '#' {
		return nil, nil
	}
	if strings.IndexByte(line, 0) >= 0 {
		return nil, errNUL
	}
	if line[0] != '-' {
		return nil, errOption
	}
	option, value := line, ""
	if i := strings.IndexAny(line, " \t"); i >= 0 {
		option, value = line[:i], line[i+1:]
	}
	name, _, assigned := strings.Cut(option, "=")
	switch {
	case strings.Trim(name, "-") == "":
		return nil, errOption
	case name == "-o", name == "--options":
		return nil, fmt.Errorf("%s in an options file: one options file cannot include another", name)
	case strings.HasPrefix(name, "--") && assigned:
		// The value began before the first space and continues after it.
		return []string{line}, nil
	}
	switch name {
	case "-D", "--property":
		property, err := PropertyWords(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return append([]string{option}, property...), nil
	case "-m", "--message", "--will-payload", "-F", "--format", "-P", "--pw":
	default:
		value = strings.TrimLeft(value, " \t")
		if number := strings.TrimRight(value, " \t"); allDigits(number) {
			value = number
		}
	}
	if value == "" {
		return []string{option}, nil
	}
	return []string{option, value}, nil
}

// OptionSettings returns the settings of options for the flags of a command. If a flag is
// given several times, a List has all values and any other flag the last one, as on a
// command line. A property becomes one value that PropertyWords can split again.
func OptionSettings(options []Option, flags []Flag) ([]Setting, error) {
	var settings []Setting
	for _, o := range options {
		f, value, err := optionValue(o.Words, flags)
		if err != nil {
			return nil, &Error{File: o.Origin.File, Line: o.Origin.Line, Err: err}
		}
		settings = add(settings, f, value, o.Origin)
	}
	return settings, nil
}

// optionValue returns the flag and the value of an option.
func optionValue(words []string, flags []Flag) (f Flag, value string, err error) {
	name, value, assigned := strings.Cut(words[0], "=")
	var known bool
	if long, isLong := strings.CutPrefix(name, "--"); isLong {
		f, known = find(flags, long)
	} else {
		name, assigned = words[0], false
		f, known = findShort(flags, strings.TrimPrefix(name, "-"))
	}
	switch {
	case !known:
		return f, "", errors.New(unknownOption(name, flags))
	case assigned && len(words) > 1:
		return f, "", fmt.Errorf("%s: expected one value", name)
	case assigned:
	case f.Kind == Switch && len(words) > 1:
		return f, "", fmt.Errorf("%s takes no value: expected nothing after it", name)
	case f.Kind == Switch:
		value = "true"
	case len(words) == 1:
		return f, "", fmt.Errorf("%s: expected a value", name)
	case len(words) > 2:
		value = JoinProperty(words[1:])
	default:
		value = words[1]
	}
	if f.Kind == Switch {
		word, ok := parseBool(value)
		if !ok {
			return f, "", fmt.Errorf("%s: %w", name, errBool)
		}
		value = word
	}
	return f, value, nil
}

// unknownOption returns the error text about an option that is not known. It contains only
// as much of the option as cannot be a value: -P of -Psecret.
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

// DefaultOptions returns the path of the options file that a program of mosquitto
// (mosquitto_pub, mosquitto_sub or mosquitto_rr) reads by default. It returns "" if the
// environment has no home folder. goos is runtime.GOOS, getenv is os.Getenv.
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

// readAll reads a file of at most limit bytes, without a byte order mark at its start.
func readAll(r io.Reader, file string, limit int) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	if len(data) > limit {
		return nil, &Error{File: file, Err: fmt.Errorf("too large: expected at most %d bytes", limit)}
	}
	return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), nil
}

// allDigits reports whether s consists of decimal digits and is not empty.
func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
