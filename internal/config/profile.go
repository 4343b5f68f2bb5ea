package config

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// Profile is the text of a profile: lines of the form `flag = value`, where the flag is a long name without dashes. A
// flag that takes several values stands on several lines. Lines that start with # are comments. Spaces around a value
// do not belong to it; a value in double quotes may hold anything but NUL, see quote. `pw-command = pass show mqtt`
// takes the value of pw from the first line that a command prints; so for every flag that
// takes one value. password is another word for pw.
//
// Editing keeps comments and the order of lines.
type Profile struct {
	Name string // as in --profile NAME
	File string // for origins and errors

	lines []line
}

type line struct {
	text       string // as it stands in the file, without its end
	key, value string // key is empty in a comment
}

// maxProfile bounds a profile, in bytes.
const maxProfile = 1 << 20

const commandSuffix = "-command"

// Parse reads a profile's text. It checks the form of each line, and leaves to Settings which flags there are.
func Parse(name, file string, data []byte) (*Profile, error) {
	if len(data) > maxProfile {
		return nil, &Error{File: file, What: "too large for a profile"}
	}
	p := &Profile{Name: name, File: file}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	data = bytes.TrimSuffix(data, []byte("\n"))
	if len(data) == 0 {
		return p, nil
	}
	for text := range strings.SplitSeq(string(data), "\n") {
		l := line{text: text}
		trimmed := strings.Trim(text, blanks)
		fail := func(what string) error { return &Error{file, len(p.lines) + 1, what} }
		if strings.IndexByte(text, 0) >= 0 {
			return nil, fail("a NUL byte: expected text")
		}
		if trimmed != "" && trimmed[0] != '#' {
			key, value, ok := strings.Cut(trimmed, "=")
			if !ok {
				return nil, fail("expected flag = value")
			}
			l.key = canonical(strings.TrimRight(key, blanks))
			if !flagName(l.key) {
				return nil, fail("expected a flag's long name in lower case, without dashes, before the =")
			}
			if l.value, ok = unquote(strings.TrimLeft(value, blanks)); !ok {
				return nil, fail(l.key + `: expected a closing " at the end of the line, and no escapes but \" \\ \n \r \t \xHH`)
			}
		}
		p.lines = append(p.lines, l)
	}
	return p, nil
}

// canonical returns pw for password, the word that the environment variable has as well.
func canonical(key string) string {
	switch key {
	case "password":
		return "pw"
	case "password" + commandSuffix:
		return "pw" + commandSuffix
	}
	return key
}

// Bytes returns the profile's text.
func (p *Profile) Bytes() []byte {
	var b []byte
	for _, l := range p.lines {
		b = append(append(b, l.text...), '\n')
	}
	return b
}

// Values returns the values of a key, in order.
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

// Set gives a key these values and no others; without values it removes the key. They stand where the first of the old
// ones stood, or at the end. A value replaces a command for the same flag, and a command a value.
func (p *Profile) Set(key string, values ...string) error {
	if !flagName(key) {
		return &Error{File: p.File, What: "expected a flag's long name in lower case, without dashes"}
	}
	key = canonical(key)
	added := make([]line, 0, len(values))
	for _, v := range values {
		if strings.IndexByte(v, 0) >= 0 {
			return &Error{File: p.File, What: key + ": a NUL byte: expected text"}
		}
		added = append(added, line{key + " = " + quote(v), key, v})
	}
	other := key + commandSuffix
	if flag, ok := strings.CutSuffix(key, commandSuffix); ok {
		other = flag
	}
	at := -1
	var kept []line
	for _, l := range p.lines {
		if l.key == key || l.key == other && len(values) > 0 {
			if at < 0 {
				at = len(kept)
			}
			continue
		}
		kept = append(kept, l)
	}
	if at < 0 {
		at = len(kept)
	}
	p.lines = slices.Insert(kept, at, added...)
	return nil
}

// Settings returns the profile's values for the flags that a command has. A key that is none of them is passed over
// when known says that another command has it, so that all commands can share a profile; otherwise it is an error.
func (p *Profile) Settings(flags []Flag, known func(flag string) bool) ([]Setting, error) {
	var settings []Setting
	for i, l := range p.lines {
		if l.key == "" {
			continue
		}
		at := Origin{Source: InProfile, Name: p.Name, File: p.File, Line: i + 1}
		fail := func(what string) error { return &Error{p.File, i + 1, what} }
		if slices.Contains([]string{"profile", "options", "options-file", "help", "version"}, l.key) {
			return nil, fail(l.key + " cannot stand in a profile")
		}
		f, ok := find(flags, l.key)
		command := ""
		if flag, isCommand := strings.CutSuffix(l.key, commandSuffix); !ok && isCommand {
			if f, ok = find(flags, flag); ok {
				command = l.value
			} else if known != nil && known(flag) {
				continue
			}
		}
		switch {
		case !ok && known != nil && known(l.key):
			continue
		case !ok:
			return nil, fail("unknown flag " + l.key + Suggestion(l.key, flags, ""))
		case f.Kind != List && slices.ContainsFunc(settings, func(s Setting) bool { return s.Flag == f.Name }):
			first, _ := Find(settings, f.Name)
			return nil, fail(f.Name + " is set already, in line " + strconv.Itoa(first.Origin.Line))
		case command != "":
			if f.Kind != Text {
				return nil, fail(f.Name + ": only a flag with one value can come from a command")
			}
			settings = append(settings, Setting{Flag: f.Name, Origin: at, Command: command})
			continue
		case strings.HasSuffix(l.key, commandSuffix) && l.key != f.Name:
			return nil, fail(l.key + ": expected a command")
		}
		value := l.value
		if f.Kind == Switch {
			if value, ok = truth(value); !ok {
				return nil, fail(f.Name + ": " + wantBool)
			}
		}
		settings = add(settings, f, value, at)
	}
	return settings, nil
}

// secret returns the key of the first entry that is a secret, or "".
func (p *Profile) secret() string {
	for _, l := range p.lines {
		if l.key != "" && !strings.HasSuffix(l.key, commandSuffix) && Secret(l.key, l.value) {
			return l.key
		}
	}
	return ""
}

// command returns the key of the first entry that is a command, or "".
func (p *Profile) command() string {
	for _, l := range p.lines {
		if strings.HasSuffix(l.key, commandSuffix) {
			return l.key
		}
	}
	return ""
}
