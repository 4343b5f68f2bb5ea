package schema

import "testing"

const benchSchema = `{
  "type": "object",
  "properties": {
    "temp": {"type": "number", "minimum": -40, "maximum": 125},
    "unit": {"enum": ["C", "F"]},
    "id": {"type": "string", "pattern": "^[a-z0-9-]+$"},
    "ts": {"type": "integer"},
    "tags": {"type": "array", "items": {"type": "string"}}
  },
  "required": ["temp", "unit", "id"],
  "additionalProperties": false
}`

const benchText = `{"temp":21.5,"unit":"C","id":"sensor-0001-abcdef","ts":1763650000123,"tags":["a","bb","ccc","dd\n"]}`

func BenchmarkValidate(b *testing.B) {
	v, text := compiled(b, benchSchema), []byte(benchText)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if err := v.Validate(text); err != nil {
			b.Fatal(err)
		}
	}
}

// TestAllocations checks that a text that fits costs no allocation.
func TestAllocations(t *testing.T) {
	for _, schema := range []string{benchSchema, `{"$dynamicAnchor":"x","allOf":[{"properties":{"temp":{"multipleOf":0.5}}}],"unevaluatedProperties":{"$dynamicRef":"#x"},
		"propertyNames":{"maxLength":4},"not":{"type":"null"},"anyOf":[{"type":"null"},{"type":["object","array","number","string"]}]}`} {
		v, text := compiled(t, schema), []byte(benchText)
		if n := testing.AllocsPerRun(100, func() {
			if err := v.Validate(text); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("%.20s: %v allocations", schema, n)
		}
	}
}
