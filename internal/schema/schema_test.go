package schema

import (
	"strings"
	"testing"
)

// compiled compiles a schema that must be good.
func compiled(t testing.TB, text string) *Validator {
	t.Helper()
	s, err := Compile("s.json", []byte(text), Options{})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s.NewValidator()
}

// TestReasons checks texts that fit, and what is said of those that do not.
func TestReasons(t *testing.T) {
	for _, test := range []struct{ schema, text, want string }{
		{`true`, `{}`, ""},
		{`false`, `{}`, "nothing is allowed"},
		{`{}`, ``, "an empty payload is not JSON"},
		{`{}`, `{"a":}`, "not JSON: invalid character '}' looking for beginning of value at byte 6"},
		{`{}`, `1 2`, "not JSON: invalid character '2' after top-level value at byte 3"},
		{`{}`, "\"\xff\"", "not JSON: text that is not UTF-8 at byte 2"},
		{`{}`, `[`, "not JSON: unexpected end of JSON input at byte 1"},
		{`{}`, `{"a":1,"a":2}`, ""},
		{`{"properties":{"a":{"const":2}}}`, `{"a":1,"a":2}`, ""},
		{`{"properties":{"a":{"const":1}}}`, `{"a":1,"a":2}`, `/a: expected 1, got 2`},
		{`{"maxProperties":1}`, `{"a":1,"a":2,"a":3}`, ""},

		{`{"type":"string"}`, `1`, "expected a string, got a number"},
		{`{"type":["string","null"]}`, `[]`, "expected null or a string, got an array"},
		{`{"type":"integer"}`, `1.5`, "expected an integer, got 1.5"},
		{`{"type":"integer"}`, `1.50e1`, ""},
		{`{"type":"integer"}`, `"x"`, "expected an integer, got a string"},
		{`{"type":"integer"}`, `123456789012345678901234567890`, ""},
		{`{"enum":["C","F"]}`, `"K"`, `expected "C" or "F", got "K"`},
		{`{"enum":[1,2,3,4,5,6]}`, `"K"`, `"K" is none of the 6 values of enum`},
		{`{"enum":[{"a":[1,2.0]}]}`, `{"a":[1.0,2]}`, ``},
		{`{"enum":[]}`, `1`, `nothing is allowed`},
		{`{"const":null}`, `{}`, `expected null, got an object`},
		{`{"const":9007199254740993}`, `9007199254740992`, `expected 9007199254740993, got 9007199254740992`},

		{`{"minimum":-40}`, `-40.001`, "-40.001 is less than the minimum -40"},
		{`{"minimum":-40}`, `-4e1`, ""},
		{`{"maximum":18446744073709551615}`, `18446744073709551616`, "18446744073709551616 is greater than the maximum 18446744073709551615"},
		{`{"exclusiveMinimum":0}`, `-0.0`, "-0.0 is not greater than 0"},
		{`{"exclusiveMaximum":1e400}`, `1e400`, "1e400 is not less than 1e400"},
		{`{"maximum":1e400}`, `9e399`, ""},
		{`{"multipleOf":0.01}`, `19.99`, ""},
		{`{"multipleOf":0.01}`, `19.995`, "19.995 is not a multiple of 0.01"},
		{`{"multipleOf":7}`, `1e99999999999999`, "1e99999999999999 is not a multiple of 7"},
		{`{"multipleOf":123456789012345678901}`, `246913578024691357802`, ""},
		{`{"multipleOf":123456789012345678901}`, `246913578024691357803`, "246913578024691357803 is not a multiple of 123456789012345678901"},

		{`{"minLength":2}`, `"\ud83d\ude00"`, "it has 1 character, expected at least 2"},
		{`{"maxLength":1}`, `"äö"`, "it has 2 characters, expected at most 1"},
		{`{"maxLength":2}`, `"\ud800a\udc00"`, "it has 3 characters, expected at most 2"},
		{`{"const":"\ud83d\ude00\n\"\/"}`, `"😀\u000a\u0022\u002f"`, ""},
		{`{"maxLength":1e99}`, `"äö"`, ""},
		{`{"pattern":"^\\d+$"}`, `"12a"`, `"12a" does not match the pattern ^\d+$`},
		{`{"pattern":"^\\d+$"}`, `"12\n"`, `"12\n" does not match the pattern ^\d+$`},
		{`{"pattern":"^[\\s\\S]\\u00e4.\\cJ$"}`, "\"\\u00a0äx\\n\"", ""},
		{`{"pattern":"^.$"}`, `"\u2028"`, `"\u2028" does not match the pattern ^.$`},
		{`{"pattern":"^[[:alpha:]]$"}`, `":]"`, ""},
		{`{"pattern":"^\\p{Letter}{2}$"}`, `"éß"`, ""},

		{`{"minItems":1}`, `[]`, "it has 0 items, expected at least 1"},
		{`{"maxItems":1}`, `[1,2]`, "it has 2 items, expected at most 1"},
		{`{"uniqueItems":true}`, `[1,{"a":1,"b":2},{"b":2,"a":1.0}]`, "items 1 and 2 are equal"},
		{`{"uniqueItems":true}`, `[1,2,3,4,5,6,7,8,9,"x",-0,[[]],[{}],[[]]]`, "items 11 and 13 are equal"},
		{`{"uniqueItems":true}`, `[1,2,3,4,5,6,7,8,9,"x",-0,[[]],[{}],[],{},null,false,true,0.1]`, ""},
		{`{"prefixItems":[{"type":"string"}],"items":{"type":"number"}}`, `["a",1,"b"]`, "/2: expected a number, got a string"},
		{`{"items":false}`, `[1]`, "/0: the item is not allowed"},
		{`{"contains":{"type":"string"}}`, `[1]`, "no item fits the schema of contains, expected at least 1"},
		{`{"contains":{"type":"number"},"minContains":3}`, `[1,2]`, "2 items fit the schema of contains, expected at least 3"},
		{`{"contains":{"type":"number"},"maxContains":1}`, `[1,2]`, "2 items fit the schema of contains, expected at most 1"},
		{`{"prefixItems":[true],"contains":{"const":2},"unevaluatedItems":false}`, `[1,2,3]`, "/2: the item is not allowed"},

		{`{"required":["unit","temp"]}`, `{"unit":1}`, `the property "temp" is missing`},
		{`{"minProperties":2}`, `{"a":1}`, `it has 1 property, expected at least 2`},
		{`{"maxProperties":1}`, `{"a":1,"b":2}`, `it has 2 properties, expected at most 1`},
		{`{"properties":{"a":{"properties":{"b":{"type":"null"}}}}}`, `{"a":{"b":1}}`, `/a/b: expected null, got a number`},
		{`{"properties":{"a":{}},"additionalProperties":false}`, `{"a":1,"b/~":2}`, `/b~1~0: the property is not allowed`},
		{`{"patternProperties":{"^n_":{"type":"number"}}}`, `{"n_1":"x"}`, `/n_1: expected a number, got a string`},
		{`{"propertyNames":{"maxLength":2}}`, `{"abc":1}`, `it has 3 characters, expected at most 2`},
		{`{"propertyNames":{"enum":["a"]}}`, `{"abc":1}`, `expected "a", got the property name "abc"`},
		{`{"propertyNames":false}`, `{"abc":1}`, `the property "abc" is not allowed`},
		{`{"dependentRequired":{"a":["b"]}}`, `{"a":1}`, `the property "b" is missing, which "a" requires`},
		{`{"dependentSchemas":{"a":{"required":["c"]}}}`, `{"a":1}`, `the property "c" is missing`},
		{`{"dependencies":{"a":["b"],"c":{"maxProperties":1}}}`, `{"c":1,"d":2}`, `it has 2 properties, expected at most 1`},
		{`{"allOf":[{"properties":{"a":true}}],"unevaluatedProperties":false}`, `{"a":1,"b":2}`, `/b: the property is not allowed`},

		{`{"allOf":[{"minimum":1},{"maximum":3}]}`, `4`, "4 is greater than the maximum 3"},
		{`{"anyOf":[{"type":"string"},{"minimum":5}]}`, `4`, "it fits none of the 2 schemas of anyOf: expected a string, got a number; 4 is less than the minimum 5"},
		{`{"anyOf":[{"type":"string"},{"properties":{"a":{"type":"number"}}}]}`, `{"a":"b"}`, "/a: expected a number, got a string (and no other schema of anyOf fits)"},
		{`{"anyOf":[{"type":"string"}]}`, `1`, "expected a string, got a number"},
		{`{"oneOf":[{"minimum":1},{"minimum":2}]}`, `4`, "it fits schemas 0 and 1 of oneOf, expected one only"},
		{`{"not":{"type":"number"}}`, `4`, "it fits the schema that not forbids"},
		{`{"if":{"type":"number"},"then":{"minimum":5},"else":{"type":"string"}}`, `4`, "4 is less than the minimum 5"},
		{`{"if":{"type":"number"},"then":{"minimum":5},"else":{"type":"string"}}`, `null`, "expected a string, got null"},
		{`{"$ref":"#/$defs/a~1b%25","$defs":{"a/b%":{"type":"null"}}}`, `1`, "expected null, got a number"},
		{`{"$ref":"#x","$defs":{"a":{"$anchor":"x","type":"null"}}}`, `1`, "expected null, got a number"},
		{`{"properties":{"next":{"$ref":"#"}},"additionalProperties":false}`, `{"next":{"next":{"nxt":1}}}`, "/next/next/nxt: the property is not allowed"},
		{`{"$ref":"https://json-schema.org/draft/2020-12/schema"}`, `{"properties":{"a":{"minLength":-1}}}`, "/properties/a/minLength: -1 is less than the minimum 0"},
		{`{"format":"email","contentEncoding":"base64"}`, `"x"`, ""},
	} {
		got := ""
		if err := compiled(t, test.schema).Validate([]byte(test.text)); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s: %s: got %q, want %q", test.schema, test.text, got, test.want)
		}
	}
}

// TestLongReasons checks that a reason does not grow with the text, and has no characters that control
// a terminal.
func TestLongReasons(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for _, test := range []struct{ schema, text string }{
		{`{"const":1}`, `"\u001b[31m` + long + `"`},
		{`{"const":1}`, strings.Repeat("9", 100_000)},
		{`{"required":["` + long + `"]}`, `{}`},
		{`{"additionalProperties":{"additionalProperties":false}}`, `{"` + long + `":{"` + long + `":1}}`},
		{`{"propertyNames":{"maxLength":3}}`, `{"` + long + `":1}`},
		{`{"items":{"$ref":"#"},"type":"array"}`, strings.Repeat("[", 4000) + "1" + strings.Repeat("]", 4000)},
	} {
		err := compiled(t, test.schema).Validate([]byte(test.text))
		if err == nil || len(err.Error()) > 600 || strings.ContainsRune(err.Error(), 0x1b) {
			t.Errorf("%.40s: %.40s: got %v", test.schema, test.text, err)
		}
	}
}

// TestSharedSchema checks that validators of one schema do not disturb each other, and that a fault
// outlives the next call.
func TestSharedSchema(t *testing.T) {
	s, err := Compile("s.json", []byte(`{"additionalProperties":{"type":"number"}}`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	a, b := s.NewValidator(), s.NewValidator()
	text := []byte(`{"first":"x"}`)
	err = a.Validate(text)
	copy(text, `{"other":123}`)
	if e := a.Validate(text); e != nil {
		t.Error(e)
	}
	if e := b.Validate([]byte(`{"b":"x"}`)); e == nil {
		t.Error("no fault")
	}
	if got := err.Error(); got != "/first: expected a number, got a string" {
		t.Error(got)
	}
}
