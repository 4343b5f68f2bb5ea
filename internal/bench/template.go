package bench

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Template is a topic or payload with variables, compiled once and then appended
// for each message: %i is the client's number, %n the sequence, %r ten random
// digits, %t the time in nanoseconds since 1970, %u a random UUID, %% a per cent sign.
type Template struct {
	parts []part
	text  string
}

// part is literal text, or a variable behind it.
type part struct {
	text     string
	variable byte // 0 for none
}

// Compile reads a template. variables are those that are allowed in it, such as "inr".
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
			return nil, fmt.Errorf("%q ends with a %%: a per cent sign is %%%%", text)
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

// Has tells whether the variable is in it.
func (t *Template) Has(variable byte) bool {
	for _, p := range t.parts {
		if p.variable == variable {
			return true
		}
	}
	return false
}

// Varies tells whether it differs between the messages of one client.
func (t *Template) Varies() bool {
	for _, p := range t.parts {
		if p.variable != 0 && p.variable != 'i' {
			return true
		}
	}
	return false
}

// Append appends it for message n of a client.
func (t *Template) Append(b []byte, client int, n uint64) []byte {
	for i := range t.parts {
		b = t.parts[i].append(b, client, n)
	}
	return b
}

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
	for i, piece := range [][]byte{u[:4], u[4:6], u[6:8], u[8:10], u[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, piece)
	}
	return b
}

// settled is the template for one client with what varies left in: "a/7/%n".
func (t *Template) settled(client int) string {
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

// filter is the topic filter that takes all topics of the template for one client: a
// level with what varies is +.
func (t *Template) filter(client int) string {
	levels := strings.Split(t.settled(client), "/")
	for i, l := range levels {
		if varies(l) {
			l = "+"
		}
		levels[i] = strings.ReplaceAll(l, "%%", "%")
	}
	return strings.Join(levels, "/")
}

// varies tells whether a settled level has a variable left.
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

// meeting is how a filter meets the topics of a settled template.
type meeting int

const (
	never meeting = iota
	sometimesMeets
	always
)

// meets tells whether filter takes the topics of a settled template.
func meets(filter, settled string) meeting {
	if strings.HasPrefix(settled, "$") && (strings.HasPrefix(filter, "+") || strings.HasPrefix(filter, "#")) {
		return never // [MQTT-4.7.2-1]
	}
	met := always
	for {
		f, restF, moreF := strings.Cut(filter, "/")
		s, restS, moreS := strings.Cut(settled, "/")
		switch {
		case f == "#":
			return met
		case f == "+":
		case varies(s):
			met = sometimesMeets
		case f != strings.ReplaceAll(s, "%%", "%"):
			return never
		}
		switch {
		case !moreF && !moreS:
			return met
		case moreF && !moreS && restF == "#":
			return met // a/# takes a too
		case moreF != moreS:
			return never
		}
		filter, settled = restF, restS
	}
}
