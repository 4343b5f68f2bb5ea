package schema

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

var pairs = flag.Int("pairs", 300, "schemas of TestOracle")

// oracle compiles a schema with another library. ok is false if that finds it wrong.
func oracle(text []byte) (s *jsonschema.Schema, ok bool) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, false
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(jsonschema.SchemeURLLoader{})
	if err := c.AddResource("s.json", doc); err != nil {
		return nil, false
	}
	s, err = c.Compile("s.json")
	return s, err == nil
}

// TestOracle compares verdicts about random texts and random schemas with those of another library.
func TestOracle(t *testing.T) {
	r := &random{rand.New(rand.NewPCG(1, 2))}
	fit, not, refused := 0, 0, 0
	for range *pairs {
		text, err := json.Marshal(r.schema(3, true))
		if err != nil {
			t.Fatal(err)
		}
		theirs, good := oracle(text)
		s, err := Compile("s.json", text, Options{})
		if err != nil {
			refused++
			if good && !bytes.Contains([]byte(err.Error()), []byte("refers to itself")) {
				t.Fatalf("%s: %v", text, err)
			}
			continue
		}
		if !good {
			t.Fatalf("%s: no error", text)
		}
		v := s.NewValidator()
		for range 8 {
			instance, _ := json.Marshal(r.value(3))
			doc, _ := jsonschema.UnmarshalJSON(bytes.NewReader(instance))
			want, got := theirs.Validate(doc), v.Validate(instance)
			if (want == nil) != (got == nil) {
				t.Fatalf("schema %s\ntext %s\ngot %v\nwant %v", text, instance, got, want)
			}
			if got == nil {
				fit++
			} else {
				not++
			}
		}
	}
	if t.Logf("%d fit, %d do not, %d schemas refused", fit, not, refused); fit < *pairs || not < *pairs || refused > *pairs/2 {
		t.Errorf("%d fit, %d do not, %d schemas refused: a poor sample", fit, not, refused)
	}
}

// FuzzOracle is TestOracle for schemas and texts that the fuzzer makes.
func FuzzOracle(f *testing.F) {
	f.Add([]byte(`{"type":"object","properties":{"a":{"minimum":1.5}},"additionalProperties":false}`), []byte(`{"a":2}`))
	f.Add([]byte(`{"anyOf":[{"$ref":"#/$defs/x"},{"items":{"type":"integer"}}],"$defs":{"x":{"uniqueItems":true}}}`), []byte(`[1,1.0]`))
	f.Add([]byte(`{"$dynamicAnchor":"n","unevaluatedProperties":{"$dynamicRef":"#n"},"patternProperties":{"^a":{"multipleOf":0.1}}}`), []byte(`{"ab":0.3}`))
	f.Fuzz(func(t *testing.T, text, instance []byte) {
		s, err := Compile("s.json", text, Options{})
		if err != nil || len(text)+len(instance) > 1000 || !utf8.Valid(instance) || bytes.ContainsAny(slices.Concat(text, instance), `eE\`) { // the oracle writes out 1e999999
			return
		}
		got := s.NewValidator().Validate(instance)
		if bytes.Contains(text, []byte("$schema")) || bytes.Contains(text, []byte("pattern")) || bytes.Contains(text, []byte("format")) {
			return
		}
		theirs, ok := oracle(text)
		if !ok {
			return // names twice in an array, and other rules of the meta-schema
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(instance))
		if err != nil {
			if got == nil {
				t.Fatalf("%q: %v", instance, err)
			}
			return
		}
		if want := theirs.Validate(doc); (want == nil) != (got == nil) {
			t.Fatalf("schema %s\ntext %s\ngot %v\nwant %v", text, instance, got, want)
		}
	})
}

// FuzzValidate checks that no schema and no text stops the program, and that what is said of both is
// short.
func FuzzValidate(f *testing.F) {
	f.Add([]byte(benchSchema), []byte(benchText))
	f.Add([]byte(`{"$ref":"#/$defs/a","$defs":{"a":{"$anchor":"x","pattern":"^[\\s\\u0041]+\\cJ."}}}`), []byte(`"\ud800\u0041"`))
	f.Fuzz(func(t *testing.T, text, instance []byte) {
		if len(text) > 1<<16 {
			return
		}
		s, err := Compile("s.json", text, Options{})
		if err != nil {
			return
		}
		if err := s.NewValidator().Validate(instance); err != nil && len(err.Error()) > 4096 {
			t.Errorf("a reason of %d bytes", len(err.Error()))
		}
	})
}
