package config

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Profile is the text of a profile: lines of the form `flag = value`, where flag is a long
// name without dashes. A flag with several values has several lines. Lines that begin with
// # are comments. Spaces around a value are not part of it; a value in double quotes may
// contain any byte but NUL, see quote. `pw-command = pass show mqtt` sets pw to the first
// line that the command prints; every flag that has one value has such a key. password is
// another word for pw.
//
// Changes preserve comments and the order of lines.
type Profile struct {
	Name string // as in --profile NAME
	File string // for origins and errors

	lines []line
}

type line struct {
	text       string // as it is in the file, without the line end
	key, value string // key is empty in a comment
}

// maxProfile is the largest size of a profile, in bytes.
const maxProfile = 1 << 20

// commandSuffix ends the key of a command that prints the value of a flag.
const commandSuffix = "-command"

var (
	errLine  = errors.New("expected flag = value")
	errFlag  = errors.New("expected a flag's long name in lower case, without dashes")
	errQuote = errors.New(`expected a closing " at the end of the line, and no escapes but \" \\ \n \r \t \xHH`)
)

// Parse parses the text of a profile. It checks the form of each line, but not whether the
// flags exist, which Settings does.
func Parse(name, file string, data []byte) (*Profile, error) {
	if len(data) > maxProfile {
		return nil, &Error{File: file, Err: errTooLarge}
	}
	p := &Profile{Name: name, File: file}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	data = bytes.TrimSuffix(data, []byte("\n"))
	if len(data) == 0 {
		return p, nil
	}
	for text := range strings.SplitSeq(string(data), "\n") {
		l, err := parseLine(text)
		if err != nil {
			return nil, &Error{File: file, Line: len(p.lines) + 1, Err: err}
		}
		p.lines = append(p.lines, l)
	}
	return p, nil
}

func parseLine(text string) (line, error) {
	l := line{text: text}
	if strings.IndexByte(text, 0) >= 0 {
		return l, errNUL
	}
	trimmed := strings.Trim(text, blanks)
	if trimmed == "" || trimmed[0] == '#' {
		return l, nil
	}
	key, value, ok := strings.Cut(trimmed, "=")
	if !ok {
		return l, errLine
	}
	l.key = canonical(strings.TrimRight(key, blanks))
	if !flagName(l.key) {
		return l, fmt.Errorf("%w, before the =", errFlag)
	}
	if l.value, ok = unquote(strings.TrimLeft(value, blanks)); !ok {
		return l, fmt.Errorf("%s: %w", l.key, errQuote)
	}
	return l, nil
}

// canonical returns pw for password, because the environment variable has both names, too.
func canonical(key string) string {
	switch key {
	case "password":
		return "pw"
	case "password" + commandSuffix:
		return "pw" + commandSuffix
	}
	return key
}

// Bytes returns the text of p.
func (p *Profile) Bytes() []byte {
	var b []byte
	for _, l := range p.lines {
		b = append(append(b, l.text...), '\n')
	}
	return b
}

// Values returns the values of key, in order.
func (p *Profile) Values(key string) []string {
	key = canonical(key)
	var values []string
	for _, l := range p.lines {
		if l.key == key && key != "" {
			values = append(values, l.value)
		}
	}
	return values
}

// Set replaces all values of key. Without values it removes the key. The new lines are at
// the place of the first old one, or at the end. A value also replaces the command of the
// same flag, and a command replaces the value.
func (p *Profile) Set(key string, values ...string) error {
	if !flagName(key) {
		return &Error{File: p.File, Err: errFlag}
	}
	key = canonical(key)
	added := make([]line, 0, len(values))
	for _, v := range values {
		if strings.IndexByte(v, 0) >= 0 {
			return &Error{File: p.File, Err: fmt.Errorf("%s: %w", key, errNUL)}
		}
		added = append(added, line{key + " = " + quote(v), key, v})
	}
	other := key + commandSuffix
	if flag, ok := strings.CutSuffix(key, commandSuffix); ok {
		other = flag
	}
	place := -1
	var others []line
	for _, l := range p.lines {
		if l.key == key || l.key == other && len(values) > 0 {
			if place < 0 {
				place = len(others)
			}
			continue
		}
		others = append(others, l)
	}
	if place < 0 {
		place = len(others)
	}
	p.lines = slices.Insert(others, place, added...)
	return nil
}

// Settings returns the values of p for the flags of a command. Keys of other flags are
// skipped if known reports that another command has the flag, so that all commands can
// share a profile; otherwise they are an error. known may be nil.
func (p *Profile) Settings(flags []Flag, known func(flag string) bool) ([]Setting, error) {
	if known == nil {
		known = func(string) bool { return false }
	}
	var settings []Setting
	for i, l := range p.lines {
		if l.key == "" {
			continue
		}
		s, f, err := l.setting(flags)
		switch {
		case errors.Is(err, errUnknown) && (known(l.key) || known(strings.TrimSuffix(l.key, commandSuffix))):
			continue
		case err == nil && f.Kind != List:
			if first, given := Find(settings, f.Name); given {
				err = fmt.Errorf("%s is set already, in line %d", f.Name, first.Origin.Line)
			}
		}
		if err != nil {
			return nil, &Error{File: p.File, Line: i + 1, Err: err}
		}
		s.Origin = Origin{Source: InProfile, Name: p.Name, File: p.File, Line: i + 1}
		if s.Command != "" {
			settings = append(settings, s)
		} else {
			settings = add(settings, f, s.Values[0], s.Origin)
		}
	}
	return settings, nil
}

// errUnknown is wrapped by the errors of setting for a flag that the command does not have.
var errUnknown = errors.New("unknown flag")

// setting returns the setting of l, without its origin, and its flag.
func (l *line) setting(flags []Flag) (Setting, Flag, error) {
	if among(l.key, "profile", "options", "options-file", "help", "version") {
		return Setting{}, Flag{}, fmt.Errorf("%s is not allowed in a profile", l.key)
	}
	if f, ok := find(flags, l.key); ok {
		value := l.value
		if f.Kind == Switch {
			if value, ok = parseBool(value); !ok {
				return Setting{}, f, fmt.Errorf("%s: %w", f.Name, errBool)
			}
		}
		return Setting{Flag: f.Name, Values: []string{value}}, f, nil
	}
	name, isCommand := strings.CutSuffix(l.key, commandSuffix)
	f, ok := find(flags, name)
	switch {
	case !isCommand || !ok:
		return Setting{}, Flag{}, fmt.Errorf("%w %s%s", errUnknown, l.key, Suggestion(l.key, flags, ""))
	case l.value == "":
		return Setting{}, f, fmt.Errorf("%s: expected a command", l.key)
	case f.Kind != Text:
		return Setting{}, f, fmt.Errorf("%s: only a flag with one value can have a command", f.Name)
	}
	return Setting{Flag: f.Name, Command: l.value}, f, nil
}

// secret returns the key of the first line with a secret, or "".
func (p *Profile) secret() string {
	for _, l := range p.lines {
		if l.key != "" && !strings.HasSuffix(l.key, commandSuffix) && Secret(l.key, l.value) {
			return l.key
		}
	}
	return ""
}

// command returns the key of the first line with a command, or "".
func (p *Profile) command() string {
	for _, l := range p.lines {
		if strings.HasSuffix(l.key, commandSuffix) {
			return l.key
		}
	}
	return ""
}
