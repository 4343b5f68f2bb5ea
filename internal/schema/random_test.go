package schema

import (
	"encoding/json"
	"math/rand/v2"
)

// random makes schemas and values of few words, so that they meet.
type random struct{ *rand.Rand }

func (r *random) pick(all ...any) any { return all[r.IntN(len(all))] }

func (r *random) key() string { return r.pick("a", "b", "ab", "c").(string) }

// number returns a number, some of them equal and written in different ways.
func (r *random) number() json.Number {
	return json.Number(r.pick("0", "-0", "1", "1.0", "10e-1", "2", "-1", "0.5", "1.5", "3", "1e2", "100", "-2.25", "9007199254740993", "9007199254740992").(string))
}

// value returns a value that is at most depth levels deep.
func (r *random) value(depth int) any {
	n := 7
	if depth == 0 {
		n = 5
	}
	switch r.IntN(n) {
	case 0:
		return nil
	case 1:
		return r.IntN(2) == 0
	case 2, 3:
		return r.number()
	case 4:
		return r.pick("", "a", "b", "abc", "äö", "a1")
	case 5:
		all := make([]any, r.IntN(4))
		for i := range all {
			all[i] = r.value(depth - 1)
		}
		return all
	}
	all := make(map[string]any)
	for range r.IntN(4) {
		all[r.key()] = r.value(depth - 1)
	}
	return all
}

// schema returns a schema. top is set for the document itself, which has definitions.
func (r *random) schema(depth int, top bool) any {
	if !top && (depth == 0 || r.IntN(8) == 0) {
		return r.pick(true, true, false, map[string]any{"type": "number"}, map[string]any{"const": 1}, map[string]any{"$ref": "#/$defs/" + r.key()})
	}
	s := make(map[string]any)
	if top {
		defs := make(map[string]any)
		for _, name := range []string{"a", "b", "ab", "c"} {
			defs[name] = r.schema(1, false)
		}
		s["$defs"] = defs
		if r.IntN(3) == 0 {
			s["$dynamicAnchor"] = "d"
		}
	}
	for range 1 + r.IntN(4) {
		r.keyword(s, depth-1, s["$dynamicAnchor"] != nil)
	}
	return s
}

// keyword adds a keyword to s.
func (r *random) keyword(s map[string]any, depth int, dynamic bool) {
	sub := func() any { return r.schema(depth, false) }
	subs := func() (all []any) {
		for range 1 + r.IntN(3) {
			all = append(all, sub())
		}
		return all
	}
	named := func() map[string]any {
		all := make(map[string]any)
		for range 1 + r.IntN(3) {
			all[r.key()] = sub()
		}
		return all
	}
	switch keyword := r.pick("type", "types", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
		"minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "minContains", "maxContains", "prefixItems", "items",
		"contains", "unevaluatedItems", "minProperties", "maxProperties", "required", "properties", "properties", "patternProperties",
		"additionalProperties", "propertyNames", "unevaluatedProperties", "dependentRequired", "dependentSchemas", "$ref", "$dynamicRef",
		"allOf", "anyOf", "oneOf", "not", "if", "then", "else").(string); keyword {
	case "type":
		s[keyword] = r.pick("null", "boolean", "integer", "number", "string", "array", "object")
	case "types":
		s["type"] = r.pick([]string{"integer", "string"}, []string{"object", "array"}, []string{"null", "number", "object"})
	case "enum":
		s[keyword] = []any{r.value(1), r.value(2)}
	case "const":
		s[keyword] = r.value(2)
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
		s[keyword] = r.number()
	case "multipleOf":
		s[keyword] = json.Number(r.pick("1", "2", "0.5", "0.25", "3", "10", "0.1", "1e1").(string))
	case "minLength", "maxLength", "minItems", "maxItems", "minContains", "maxContains", "minProperties", "maxProperties":
		s[keyword] = r.IntN(4)
	case "pattern":
		s[keyword] = r.pick("^a", "b$", "^[a-c]*$", `\d`)
	case "uniqueItems":
		s[keyword] = true
	case "prefixItems", "allOf", "anyOf", "oneOf":
		s[keyword] = subs()
	case "required":
		s[keyword] = []string{r.key()}
	case "properties", "dependentSchemas":
		s[keyword] = named()
	case "patternProperties":
		s[keyword] = map[string]any{r.pick("^a", "b", "^.$").(string): sub()}
	case "dependentRequired":
		s[keyword] = map[string]any{r.key(): []string{r.key()}}
	case "$ref":
		s[keyword] = "#/$defs/" + r.key()
	case "$dynamicRef":
		if dynamic {
			s[keyword] = "#d"
		}
	default:
		s[keyword] = sub()
	}
}
