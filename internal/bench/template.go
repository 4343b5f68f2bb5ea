package bench

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Template is a topic or payload with variables: %i is the number of the client, %n the
// sequence, %r ten random digits, %t the time in nanoseconds since 1970, %u a random UUID,
// and %% a percent sign.
type Template struct {
	parts []part
	text  string
}

// part is literal text followed by a variable.
type part struct {
	text     string
	variable byte // 0: none
}

// Compile parses a template. variables has the variables that are allowed, such as "inr".
func Compile(text, variables string) (*Template, error) {
	t := &Template{text: text}
	var literal strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			literal.WriteByte(text[i])
			continue
		}
		i++
		switch {
		case i == len(text):
			return nil, fmt.Errorf("%q ends with a %%: a percent sign is %%%%", text)
		case text[i] == '%':
			literal.WriteByte('%')
		case strings.IndexByte(variables, text[i]) >= 0:
			t.parts = append(t.parts, part{literal.String(), text[i]})
			literal.Reset()
		default:
			return nil, fmt.Errorf("%q: no variable %%%c here: there are %%%s", text, text[i], strings.Join(strings.Split(variables, ""), " %"))
		}
	}
	if literal.Len() > 0 || len(t.parts) == 0 {
		t.parts = append(t.parts, part{text: literal.String()})
	}
	return t, nil
}

// Has reports whether t has the variable.
func (t *Template) Has(variable byte) bool {
	for _, p := range t.parts {
		if p.variable == variable {
			return true
		}
	}
	return false
}

// Varies reports whether the messages of one client differ.
func (t *Template) Varies() bool {
	for _, p := range t.parts {
		if p.variable != 0 && p.variable != 'i' {
			return true
		}
	}
	return false
}

// Append appends the text for message n of a client.
func (t *Template) Append(b []byte, client int, n uint64) []byte {
	for i := range t.parts {
		b = t.parts[i].append(b, client, n)
	}
	return b
}

// append appends the text of p and the value of its variable.
func (p *part) append(b []byte, client int, n uint64) []byte {
	b = append(b, p.text...)
	switch p.variable {
	case 'i':
		b = strconv.AppendInt(b, int64(client), 10)
	case 'n':
		b = strconv.AppendUint(b, n, 10)
	case 'r':
		b = strconv.AppendUint(b, 1e9+rand.Uint64N(9e9), 10)
	case 't':
		b = strconv.AppendInt(b, time.Now().UnixNano(), 10)
	case 'u':
		b = appendUUID(b)
	}
	return b
}

// appendUUID appends a UUID of version 4.
func appendUUID(b []byte) []byte {
	var u [16]byte
	for i, x := 0, rand.Uint64(); i < 8; i, x = i+1, x>>8 {
		u[i] = byte(x)
	}
	for i, x := 8, rand.Uint64(); i < 16; i, x = i+1, x>>8 {
		u[i] = byte(x)
	}
	u[6] = u[6]&0x0F | 0x40
	u[8] = u[8]&0x3F | 0x80
	for i, group := range [][]byte{u[:4], u[4:6], u[6:8], u[8:10], u[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, group)
	}
	return b
}

// forClient returns the template with only the number of the client replaced: "a/7/%n".
func (t *Template) forClient(client int) string {
	var b []byte
	for _, p := range t.parts {
		b = append(b, strings.ReplaceAll(p.text, "%", "%%")...)
		switch p.variable {
		case 0:
		case 'i':
			b = strconv.AppendInt(b, int64(client), 10)
		default:
			b = append(b, '%', p.variable)
		}
	}
	return string(b)
}

// filter returns the topic filter for all topics of one client. A level with a variable is +.
func (t *Template) filter(client int) string {
	levels := strings.Split(t.forClient(client), "/")
	for i, l := range levels {
		if varies(l) {
			l = "+"
		}
		levels[i] = strings.ReplaceAll(l, "%%", "%")
	}
	return strings.Join(levels, "/")
}

// varies reports whether a level of a result of forClient has a variable.
func varies(level string) bool {
	for i := 0; i+1 < len(level); i++ {
		if level[i] == '%' {
			if level[i+1] != '%' {
				return true
			}
			i++
		}
	}
	return false
}

// match says how many topics of a template match a filter.
type match int

const (
	matchesNone match = iota
	matchesSome
	matchesAll
)

// matches returns how many topics of a result of forClient match filter.
func matches(filter, topics string) match {
	if strings.HasPrefix(topics, "$") && (strings.HasPrefix(filter, "+") || strings.HasPrefix(filter, "#")) {
		return matchesNone // [MQTT-4.7.2-1]
	}
	met := matchesAll
	for {
		f, restF, moreF := strings.Cut(filter, "/")
		s, restS, moreS := strings.Cut(topics, "/")
		switch {
		case f == "#":
			return met
		case f == "+":
		case varies(s):
			met = matchesSome
		case f != strings.ReplaceAll(s, "%%", "%"):
			return matchesNone
		}
		switch {
		case !moreF && !moreS:
			return met
		case moreF && !moreS && restF == "#":
			return met // a/# also matches a
		case moreF != moreS:
			return matchesNone
		}
		filter, topics = restF, restS
	}
}
