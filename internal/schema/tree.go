package schema

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"mqtt/internal/jsonline"
)

// kind is the kind of a JSON value.
type kind uint8

const (
	nullKind kind = iota
	boolKind
	numberKind
	stringKind
	arrayKind
	objectKind
)

// String returns the name that the keyword type has for the kind.
func (k kind) String() string {
	return [...]string{"null", "boolean", "number", "string", "array", "object"}[k]
}

// value is one value of a tree. Its content follows it.
type value struct {
	kind   kind
	on     bool   // of a boolean
	dead   bool   // a later member of its object has the same name
	name   bool   // this is the name of a member of parent, and no value of the text
	parent int32  // -1 for the root
	next   int32  // index of the value after this one and its content
	slots  int32  // items, or members with those that are dead
	count  int32  // slots without the dead ones
	order  int32  // of a large object: the index of its names in tree.order, plus 1
	text   []byte // of a number or string, without quotes and escapes
	key    []byte // of a member
}

const (
	maxValues   = 1 << 20 // values of one text
	keptValues  = 1 << 14 // values that a tree keeps memory for between texts
	keptStrings = 1 << 20 // bytes of unescaped strings that a tree keeps
	fewMembers  = 16      // up to which names are compared one by one
)

// tree is a JSON text as values in the order of the text. The values alias the text. The zero value is
// ready.
type tree struct {
	text    []byte
	values  []value
	strings []byte  // strings that had escapes
	order   []int32 // members of large objects, by name
	check   jsonline.Checker
}

// parse makes t the tree of text. The error says why text is not JSON, or that it is too large.
func (t *tree) parse(text []byte) error {
	if cap(t.values) > keptValues {
		t.values, t.order = nil, nil
	}
	if cap(t.strings) > keptStrings {
		t.strings = nil
	}
	t.text, t.values, t.strings, t.order = text, t.values[:0], t.strings[:0], t.order[:0]
	if len(text) == 0 {
		return errors.New("an empty payload is not JSON")
	}
	if !t.check.Valid(text) {
		offset, what := jsonline.Explain(text)
		return &SyntaxError{Offset: offset, What: what}
	}
	if _, ok := t.build(t.space(0), -1, nil); !ok {
		return fmt.Errorf("it has more than %d values, too many to check", maxValues)
	}
	return nil
}

// A SyntaxError says why a text is not JSON.
type SyntaxError struct {
	Offset int // in bytes from the start of the text
	What   string
}

// Error returns the fault and its place, which is counted from 1.
func (e *SyntaxError) Error() string { return e.What + " at byte " + strconv.Itoa(e.Offset+1) }

// space returns the index of the first byte at or after i that is not white space.
func (t *tree) space(i int) int {
	for i < len(t.text) && t.text[i] <= ' ' {
		i++
	}
	return i
}

// build adds the value at t.text[i], whose text is known to be JSON, and returns the index after it. ok
// is false if there are too many values.
func (t *tree) build(i int, parent int32, key []byte) (end int, ok bool) {
	n := len(t.values)
	if n == maxValues {
		return i, false
	}
	t.values = append(t.values, value{parent: parent, key: key})
	v := &t.values[n]
	switch first := t.text[i]; first {
	case '{', '[':
		v.kind = arrayKind
		if first == '{' {
			v.kind = objectKind
		}
		return t.content(i, int32(n))
	case '"':
		v.kind = stringKind
		v.text, end = t.string(i)
	case 't', 'f', 'n':
		v.on, end = first == 't', i+4
		if v.kind = boolKind; first == 'n' {
			v.kind = nullKind
		} else if first == 'f' {
			end++
		}
	default:
		v.kind = numberKind
		for end = i + 1; end < len(t.text) && inNumber(t.text[end]); {
			end++
		}
		v.text = t.text[i:end]
	}
	v.next = int32(n) + 1
	return end, true
}

// inNumber reports whether c may be in a number after its first byte.
func inNumber(c byte) bool {
	return c >= '0' && c <= '9' || c == '.' || c|0x20 == 'e' || c == '+' || c == '-'
}

// content adds what is in the array or object n, which starts at t.text[i].
func (t *tree) content(i int, n int32) (end int, ok bool) {
	object := t.values[n].kind == objectKind
	slots := int32(0)
	for i = t.space(i + 1); t.text[i] != ']' && t.text[i] != '}'; slots++ {
		var key []byte
		if object {
			key, i = t.string(i)
			i = t.space(t.space(i) + 1) // after the colon
		}
		if i, ok = t.build(i, n, key); !ok {
			return i, false
		}
		if i = t.space(i); t.text[i] == ',' {
			i = t.space(i + 1)
		}
	}
	v := &t.values[n]
	v.next, v.slots, v.count = int32(len(t.values)), slots, slots
	if object {
		t.names(n)
	}
	return i + 1, true
}

// string returns the text of the string whose opening quote is t.text[i], and the index after it.
func (t *tree) string(i int) (text []byte, end int) {
	for end = i + 1; t.text[end] != '"'; end++ {
		if t.text[end] == '\\' {
			start := len(t.strings)
			t.strings, end = jsonline.AppendUnquoted(t.strings, t.text, i)
			return t.strings[start:len(t.strings):len(t.strings)], end
		}
	}
	return t.text[i+1 : end : end], end + 1
}

// names prepares the search for members of the object n. Of members with one name the last counts, as
// in jq and in most programs.
func (t *tree) names(n int32) {
	v := &t.values[n]
	if v.slots <= fewMembers {
		for c, i := n+1, int32(0); i < v.slots; c, i = t.values[c].next, i+1 {
			for earlier := n + 1; earlier < c; earlier = t.values[earlier].next {
				if e := &t.values[earlier]; !e.dead && bytes.Equal(e.key, t.values[c].key) {
					e.dead = true
					v.count--
				}
			}
		}
		return
	}
	start := len(t.order)
	for c, i := n+1, int32(0); i < v.slots; c, i = t.values[c].next, i+1 {
		t.order = append(t.order, c)
	}
	all := t.order[start:]
	slices.SortStableFunc(all, func(a, b int32) int { return bytes.Compare(t.values[a].key, t.values[b].key) })
	live := all[:0]
	for i, c := range all {
		if i+1 < len(all) && bytes.Equal(t.values[c].key, t.values[all[i+1]].key) {
			t.values[c].dead = true
			continue
		}
		live = append(live, c)
	}
	t.order = t.order[:start+len(live)]
	v.count, v.order = int32(len(live)), int32(start)+1
}

// member returns the index of the member of the object n with that name, -1 if there is none.
func (t *tree) member(n int32, name []byte) int32 {
	v := &t.values[n]
	if v.order == 0 {
		for c, i := n+1, int32(0); i < v.slots; c, i = t.values[c].next, i+1 {
			if m := &t.values[c]; !m.dead && bytes.Equal(m.key, name) {
				return c
			}
		}
		return -1
	}
	all := t.order[v.order-1:][:v.count]
	at, found := slices.BinarySearchFunc(all, name, func(c int32, name []byte) int { return bytes.Compare(t.values[c].key, name) })
	if !found {
		return -1
	}
	return all[at]
}
