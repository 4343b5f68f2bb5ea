package schema

import (
	"strconv"
	"strings"
)

// An Error says what is wrong with a schema, and where.
type Error struct {
	File    string // as the caller names it
	Line    int    // of a text that is not JSON, else 0
	Pointer string // a JSON Pointer into File
	What    string
}

// Error returns place and fault.
func (e *Error) Error() string {
	place := e.File
	switch {
	case e.Line > 0:
		place += ":" + strconv.Itoa(e.Line)
	case e.Pointer != "":
		place += "#" + e.Pointer
	}
	return place + ": " + e.What
}

// A Fault says why a text does not fit a schema.
type Fault struct {
	Pointer string // a JSON Pointer to the value that does not fit; "" is the whole text
	Reason  string
}

// Error returns place and reason.
func (f *Fault) Error() string {
	if f.Pointer == "" {
		return f.Reason
	}
	return f.Pointer + ": " + f.Reason
}

// The sizes of what a stranger's text adds to a Fault, in bytes.
const (
	mostShown   = 60
	mostPointer = 200
)

// pointer returns the JSON Pointer of the value n.
func (t *tree) pointer(n int32) string {
	var steps []string
	for v := &t.values[n]; v.parent >= 0; v = &t.values[v.parent] {
		p := &t.values[v.parent]
		switch {
		case v.name:
		case p.kind == objectKind:
			steps = append(steps, strings.NewReplacer("~", "~0", "/", "~1").Replace(string(v.key[:min(len(v.key), mostPointer)])))
		default:
			at := 0
			for c := v.parent + 1; &t.values[c] != v; c = t.values[c].next {
				at++
			}
			steps = append(steps, strconv.Itoa(at))
		}
	}
	var b strings.Builder
	for i := len(steps) - 1; i >= 0; i-- {
		if b.Len()+len(steps[i]) > mostPointer {
			b.WriteString("/…")
			break
		}
		b.WriteString("/" + steps[i])
	}
	return b.String()
}

// shown returns the value n for a reason: its text if it is short, quoted as in Go.
func (t *tree) shown(n int32) string {
	switch v := &t.values[n]; v.kind {
	case boolKind:
		return strconv.FormatBool(v.on)
	case numberKind:
		return short(string(v.text))
	case stringKind:
		return quote(v.text)
	default:
		return withArticle(v.kind)
	}
}

// quote returns s in quotes, shortened if it is long.
func quote(s []byte) string {
	if len(s) > mostShown {
		return strconv.Quote(strings.ToValidUTF8(string(s[:mostShown]), "")) + "…"
	}
	return strconv.Quote(string(s))
}

// short returns s, shortened if it is long.
func short(s string) string {
	if len(s) > mostShown {
		return strings.ToValidUTF8(s[:mostShown], "") + "…"
	}
	return s
}

// withArticle returns the kind as it is read in a sentence.
func withArticle(k kind) string {
	switch k {
	case nullKind:
		return "null"
	case arrayKind, objectKind:
		return "an " + k.String()
	}
	return "a " + k.String()
}

// counted returns n with a noun, whose plural ends with s.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// The reasons of a text that is not checked to its end.
const (
	tooLong = "it takes too long to check"
	tooDeep = "the schemas for it are nested more than 65536 levels deep"
)
