package schema

import (
	"fmt"
	"strings"
	"testing"
)

// TestBounds checks that texts of strangers end with a reason, whatever they make of a schema.
func TestBounds(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 4000) + "1" + strings.Repeat("}", 4000)
	for _, test := range []struct{ name, schema, text, want string }{
		{"nested too deep", `true`, strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "nested more than 4096 levels deep at byte 4097"},
		{"deep", `{"properties":{"a":{"$ref":"#"}}}`, deep, ""},
		// Every level doubles the work.
		{"exponential", `{"anyOf":[{"properties":{"a":{"$ref":"#"}},"not":true},{"properties":{"a":{"$ref":"#"}},"not":{}}]}`,
			deep, "it takes too long to check"},
		// Every level doubles the work of saying why, but for its bound.
		{"exponential reason", `{"type":"object","oneOf":[{"required":["b"]},{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}},"maxProperties":0}]}`,
			strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200), ""},
		{"dynamic circle", `{"$dynamicAnchor":"x","$dynamicRef":"#x"}`, `1`, "the schemas for it are nested more than 65536 levels deep"},
		{"many items", `{"items":{"anyOf":[{"type":"string"},{"type":"number"}]},"contains":{"const":7},"unevaluatedItems":false}`,
			"[" + strings.Repeat("1,", 200_000) + "1]", "no item fits the schema of contains, expected at least 1"},
		{"many equal hashes", `{"uniqueItems":true}`, "[" + strings.Repeat("0,", 200_000) + "1]", "items 0 and 1 are equal"},
		{"many different items", `{"uniqueItems":true}`, "[" + numbers(200_000) + "]", ""},
		{"long exponent", `{"multipleOf":3}`, "1e" + strings.Repeat("9", 100_000), ""},
		{"long number", `{"multipleOf":3,"minimum":1}`, strings.Repeat("3", 1_000_000), ""},
		{"slow pattern", `{"pattern":"^(a+)+$"}`, `"` + strings.Repeat("a", 100_000) + `!"`, ""},
		{"many members", `{"required":["k99999","k0"],"dependentRequired":{"none":["x"]},"properties":{"k7":false},"patternProperties":{"^k":true},"additionalProperties":false}`, members(100_000), "/k7: the property is not allowed"},
		{"a large object equals another", `{"uniqueItems":true}`, "[" + members(1000) + "," + members(1001) + "," + members(1000) + "]", "items 0 and 2 are equal"},
		{"members of one name", `{"maxProperties":1}`, "{" + strings.Repeat(`"a":1,`, 100_000) + `"a":2}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := compiled(t, test.schema)
			v.limit = 2_000_000 // so that the test takes a tenth of the time
			err := v.Validate([]byte(test.text))
			switch got := fmt.Sprint(err); {
			case test.want != "" && got != test.want:
				t.Errorf("got %.300s, want %s", got, test.want)
			case len(got) > 1000:
				t.Errorf("a reason of %d bytes", len(got))
			}
			if err := v.Validate([]byte("{}")); err != nil && len(err.Error()) > 300 {
				t.Error(err) // the bounds are those of one text
			}
		})
	}
}

// numbers returns n numbers with commas between them.
func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%d", i)
	}
	return b.String()
}

// members returns an object with n members.
func members(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"k%d":%d`, i, i)
	}
	return "{" + b.String()[1:] + "}"
}

// TestTooManyValues checks the bound of the number of values, and that their memory is given back.
func TestTooManyValues(t *testing.T) {
	v := compiled(t, `true`)
	text := []byte("[" + strings.Repeat("1,", maxValues) + "1]")
	if got := fmt.Sprint(v.Validate(text)); got != "it has more than 1048576 values, too many to check" {
		t.Error(got)
	}
	if v.Validate([]byte(`1`)); cap(v.tree.values) > keptValues {
		t.Errorf("keeps %d values", cap(v.tree.values))
	}
}
