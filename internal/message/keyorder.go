package message

import (
	"bytes"
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/itchyny/gojq"
)

// exprKeys is what a jq expression says about the order of keys. gojq keeps objects in Go maps, which
// have none, so the order of a result is found again: from the payload, and from the expression.
type exprKeys struct {
	made  [][]string     // keys of the objects that the expression makes
	first [][]string     // of those to which something is added
	rank  map[string]int // where a name or string is in the expression
}

// newExprKeys reads the expression expr, which was parsed as q.
func newExprKeys(expr string, q *gojq.Query) *exprKeys {
	k := &exprKeys{rank: make(map[string]int)}
	namesAndStrings := regexp.MustCompile(`"(?:\\.|[^"\\])*"|[A-Za-z_][A-Za-z0-9_]*`)
	for i, word := range namesAndStrings.FindAllString(expr, -1) {
		if word[0] == '"' && json.Unmarshal([]byte(word), &word) != nil {
			continue
		}
		if _, ok := k.rank[word]; !ok {
			k.rank[word] = i
		}
	}
	k.walk(reflect.ValueOf(q), false)
	return k
}

// walk collects the objects that the expression makes, but for those that are added to another one.
func (k *exprKeys) walk(v reflect.Value, added bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		if o, ok := v.Interface().(*gojq.Object); ok && !added {
			if keys, ok := staticKeys(o); ok {
				k.made = append(k.made, keys)
			}
		}
		if q, ok := v.Interface().(*gojq.Query); ok && q.Right != nil {
			if keys, ok := madeKeys(q); ok {
				k.made = append(k.made, keys)
			} else if keys, ok := madeKeys(q.Left); ok && (q.Op == gojq.OpAdd || q.Op == gojq.OpMul) {
				k.first = append(k.first, keys)
			}
			k.walk(reflect.ValueOf(q.Left), false)
			k.walk(reflect.ValueOf(q.Right), slices.Contains([]gojq.Operator{gojq.OpAdd, gojq.OpMul, gojq.OpUpdateAdd, gojq.OpUpdateMul}, q.Op))
			return
		}
		k.walk(v.Elem(), added)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				k.walk(v.Field(i), added)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			k.walk(v.Index(i), false)
		}
	}
}

// madeKeys returns the keys of an object that q makes, alone or as a sum of such objects.
func madeKeys(q *gojq.Query) (keys []string, ok bool) {
	switch {
	case q.Term != nil && q.Term.Object != nil && len(q.Term.SuffixList) == 0:
		return staticKeys(q.Term.Object)
	case q.Right == nil || q.Op != gojq.OpAdd && q.Op != gojq.OpMul:
		return nil, false
	}
	left, okLeft := madeKeys(q.Left)
	right, okRight := madeKeys(q.Right)
	for _, key := range right {
		if !slices.Contains(left, key) {
			left = append(left, key)
		}
	}
	return left, okLeft && okRight
}

// staticKeys returns the keys of an object in an expression. ok is false if one of them is computed.
func staticKeys(o *gojq.Object) (keys []string, ok bool) {
	for _, kv := range o.KeyVals {
		switch {
		case kv.Key != "":
			keys = append(keys, strings.TrimPrefix(kv.Key, "$"))
		case kv.KeyString != nil && kv.KeyString.Queries == nil:
			keys = append(keys, kv.KeyString.Str)
		default:
			return nil, false
		}
	}
	return keys, true
}

// keyOrder is the order of the keys in the objects of one payload.
type keyOrder struct {
	expr      *exprKeys
	unchanged map[uintptr][]string // of each object, by its map
	arrays    map[int][]any        // the first array of each length
	shapes    [][]string           // the orders that differ, in the order of the payload
	known     map[string]bool
}

// mostShapes bounds the orders that are compared with a changed object.
const mostShapes = 64

// newKeyOrder returns the order of the keys in payload, whose value is v.
func newKeyOrder(expr *exprKeys, payload []byte, v any) *keyOrder {
	o := &keyOrder{expr: expr, unchanged: make(map[uintptr][]string), arrays: make(map[int][]any), known: make(map[string]bool)}
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	o.read(d, v)
	return o
}

// read reads the tokens of v.
func (o *keyOrder) read(d *json.Decoder, v any) {
	t, err := d.Token()
	if err != nil {
		return
	}
	switch t {
	case json.Delim('{'):
		m, _ := v.(map[string]any)
		keys, seen := make([]string, 0, len(m)), make(map[string]bool, len(m))
		at := len(o.shapes)
		o.shapes = append(o.shapes, nil) // the place of this object, before those in it
		for d.More() {
			t, _ := d.Token()
			key, ok := t.(string)
			if !ok {
				return
			}
			if !seen[key] { // of a key that comes twice, the first place and the last value count
				seen[key] = true
				keys = append(keys, key)
			}
			o.read(d, m[key])
		}
		d.Token()
		o.unchanged[reflect.ValueOf(m).Pointer()] = keys
		o.addShape(at, keys)
	case json.Delim('['):
		a, _ := v.([]any)
		if _, ok := o.arrays[len(a)]; !ok {
			o.arrays[len(a)] = a
		}
		for i := 0; d.More(); i++ {
			var x any
			if i < len(a) {
				x = a[i]
			}
			o.read(d, x)
		}
		d.Token()
	}
}

// addShape puts the order of an object at its place, unless it is known already.
func (o *keyOrder) addShape(at int, keys []string) {
	id := strings.Join(keys, "\x00")
	if o.known[id] || len(o.known) >= mostShapes || len(keys) == 0 {
		o.shapes = slices.Delete(o.shapes, at, at+1)
		return
	}
	o.known[id] = true
	o.shapes[at] = keys
}

// append appends v as JSON. was is the value at the same place of the payload, if there is one.
func (o *keyOrder) append(b []byte, v, was any) ([]byte, error) {
	switch v := v.(type) {
	case map[string]any:
		before, _ := was.(map[string]any)
		b = append(b, '{')
		for i, key := range o.keys(v, before) {
			if i > 0 {
				b = append(b, ',')
			}
			name, err := gojq.Marshal(key)
			if err != nil {
				return b, err
			}
			b = append(append(b, name...), ':')
			if b, err = o.append(b, v[key], before[key]); err != nil {
				return b, err
			}
		}
		return append(b, '}'), nil
	case []any:
		before, _ := was.([]any)
		if len(before) != len(v) {
			before = o.arrays[len(v)]
		}
		b = append(b, '[')
		for i, x := range v {
			if i > 0 {
				b = append(b, ',')
			}
			var (
				old any
				err error
			)
			if before != nil {
				old = before[i]
			}
			if b, err = o.append(b, x, old); err != nil {
				return b, err
			}
		}
		return append(b, ']'), nil
	}
	text, err := gojq.Marshal(v)
	return append(b, text...), err
}

// keys returns the keys of m: as the payload has them if m is an object of it, as the expression has them
// if it makes such an object, or else in the order of was, of the payload's objects that m has most keys
// of, and then new ones as the expression names them.
func (o *keyOrder) keys(m, was map[string]any) []string {
	if keys, ok := o.unchanged[reflect.ValueOf(m).Pointer()]; ok && len(keys) == len(m) {
		return keys
	}
	for _, made := range o.expr.made {
		if len(made) == len(m) && common(made, m) == len(m) {
			return made
		}
	}
	left := make(map[string]any, len(m))
	for key := range m {
		left[key] = nil
	}
	keys, seen := make([]string, 0, len(m)), make(map[string]bool, len(m))
	add := func(key string) {
		if _, ok := m[key]; ok && !seen[key] {
			seen[key] = true
			keys = append(keys, key)
			delete(left, key)
		}
	}
	o.addFirst(left, add)
	if old := o.unchanged[reflect.ValueOf(was).Pointer()]; was != nil && 2*common(old, m) >= len(old) {
		for _, key := range old {
			add(key)
		}
	}
	used := make([]bool, len(o.shapes))
	for len(left) > 0 {
		best, most := -1, 0
		for i, shape := range o.shapes {
			if n := common(shape, left); n > most && !used[i] {
				best, most = i, n
			}
		}
		if best < 0 {
			break
		}
		used[best] = true
		for _, key := range o.shapes[best] {
			delete(left, key)
		}
	}
	for i, shape := range o.shapes {
		for _, key := range shape {
			if used[i] {
				add(key)
			}
		}
	}
	for _, key := range o.expr.sorted(left) {
		add(key)
	}
	return keys
}

// addFirst adds the keys of an object that the expression makes and adds something to, if m has them all
// and no object of the payload does.
func (o *keyOrder) addFirst(m map[string]any, add func(string)) {
	for _, first := range o.expr.first {
		if len(first) > 0 && common(first, m) == len(first) && !slices.ContainsFunc(o.shapes, func(s []string) bool { return slices.Contains(s, first[0]) }) {
			for _, key := range first {
				add(key)
			}
		}
	}
}

// sorted returns the keys of m as the expression names them, and then the others by name.
func (k *exprKeys) sorted(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int {
		ra, oka := k.rank[a]
		rb, okb := k.rank[b]
		switch {
		case oka && okb:
			return ra - rb
		case oka:
			return -1
		case okb:
			return 1
		}
		return strings.Compare(a, b)
	})
	return keys
}

// common returns how many of keys m has.
func common(keys []string, m map[string]any) (n int) {
	for _, key := range keys {
		if _, ok := m[key]; ok {
			n++
		}
	}
	return n
}

// hasOrder reports whether v has an object with more than one key.
func hasOrder(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		if len(v) > 1 {
			return true
		}
		for _, x := range v {
			return hasOrder(x)
		}
	case []any:
		return slices.ContainsFunc(v, hasOrder)
	}
	return false
}
