package config

import (
	"errors"
	"strings"
)

// PropertyWords splits a property that is written on one line, as in an options file, a
// profile or MQTT_PROPERTY:
//
//	COMMAND NAME VALUE
//	COMMAND user-property KEY VALUE
//
// The value is the rest of the line without the spaces around it, so a value with spaces
// needs no quotes. If all of the value is in quotes, they are removed, so that a value can
// be empty or begin with a space. The key can be in quotes, too. In double quotes \" and \\
// mean " and \; in single quotes no character is special.
func PropertyWords(line string) ([]string, error) {
	const spaces = " \t" // a carriage return is part of the value
	var words []string
	rest := strings.Trim(line, spaces)
	for len(words) < 2 {
		i := strings.IndexAny(rest, spaces)
		if i < 0 {
			return nil, errors.New("expected COMMAND NAME VALUE")
		}
		words = append(words, rest[:i])
		rest = strings.TrimLeft(rest[i:], spaces)
	}
	if strings.EqualFold(words[1], "user-property") {
		key, after, ok := quoted(rest)
		if !ok || after != "" && !strings.ContainsAny(after[:1], spaces) {
			key, after = rest, ""
			if i := strings.IndexAny(rest, spaces); i >= 0 {
				key, after = rest[:i], rest[i:]
			}
		}
		words = append(words, key)
		rest = strings.TrimLeft(after, spaces)
		if rest == "" {
			return nil, errors.New("expected COMMAND user-property KEY VALUE")
		}
	}
	if value, after, ok := quoted(rest); ok && after == "" {
		rest = value
	}
	return append(words, rest), nil
}

// JoinProperty returns words on one line, which PropertyWords splits again.
func JoinProperty(words []string) string {
	last := len(words) - 1
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		if i < 2 || i < last && !strings.ContainsAny(w, " \t\"'") && w != "" {
			b.WriteString(w)
			continue
		}
		b.WriteByte('"')
		for j := range len(w) {
			if w[j] == '"' || w[j] == '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(w[j])
		}
		b.WriteByte('"')
	}
	return b.String()
}

// quoted returns the string in quotes at the start of s, and the text after it. ok is false
// if s does not begin with a complete string in quotes.
func quoted(s string) (value, after string, ok bool) {
	if s == "" || s[0] != '"' && s[0] != '\'' {
		return "", "", false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == s[0]:
			return b.String(), s[i+1:], true
		case s[0] == '"' && s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

// Suggestion returns `: did you mean X?` with prefix and the flag whose name is most
// similar to name, or "" if none is similar.
func Suggestion(name string, flags []Flag, prefix string) string {
	best, nearest := "", 3
	if len(name) < 5 {
		nearest = 2 // half of a short word is another word
	}
	for _, f := range flags {
		if d := distance(name, f.Name); d < nearest && d < len(name) {
			best, nearest = f.Name, d
		}
	}
	if best == "" {
		return ""
	}
	return ": did you mean " + prefix + best + "?"
}

// distance returns the number of letters to insert, delete, change, or swap with their
// neighbor that turn a into b.
func distance(a, b string) int {
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
