package schema

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestErrors checks what is said of schemas that are wrong.
func TestErrors(t *testing.T) {
	for _, test := range []struct{ schema, want string }{
		{``, "s.json: it is empty"},
		{"{\n\"a\":\n}", "s.json:3: not JSON: invalid character '}' looking for beginning of value"},
		{`1`, "s.json: expected a schema, which is an object or a boolean, got a number"},
		{`{"properties":{"temp":{"minimum":"1"}}}`, "s.json#/properties/temp/minimum: expected a number, got a string"},
		{`{"properties":[]}`, "s.json#/properties: expected an object, got an array"},
		{`{"allOf":{}}`, "s.json#/allOf: expected an array, got an object"},
		{`{"allOf":[]}`, "s.json#/allOf: expected at least one schema"},
		{`{"properties":{"a":{"type":"int"}}}`, `s.json#/properties/a/type: "int" is no type: expected null, boolean, integer, number, string, array or object`},
		{`{"type":[]}`, "s.json#/type: expected at least one type"},
		{`{"type":1}`, "s.json#/type: expected a type or an array of types, got a number"},
		{`{"enum":1}`, "s.json#/enum: expected an array, got a number"},
		{`{"multipleOf":0}`, "s.json#/multipleOf: expected a number greater than 0, got 0"},
		{`{"maxLength":1.5}`, "s.json#/maxLength: expected a whole number of at least 0, got 1.5"},
		{`{"minItems":-1}`, "s.json#/minItems: expected a whole number of at least 0, got -1"},
		{`{"required":"a"}`, "s.json#/required: expected an array, got a string"},
		{`{"required":[1]}`, "s.json#/required/0: expected a string, got a number"},
		{`{"dependentRequired":{"a":"b"}}`, "s.json#/dependentRequired/a: expected an array, got a string"},
		{`{"uniqueItems":1}`, "s.json#/uniqueItems: expected a boolean, got a number"},
		{`{"items":[{}]}`, "s.json#/items: expected a schema, got an array: since 2020-12 it is called prefixItems"},
		{`{"pattern":"(?=a)"}`, "s.json#/pattern: the pattern \"(?=a)\" cannot be used: error parsing regexp: invalid or unsupported Perl syntax: `(?=`"},
		{`{"pattern":"\\a"}`, `s.json#/pattern: the pattern "\\a" cannot be used: \a is no escape of ECMAScript`},
		{`{"pattern":"\\u12"}`, `s.json#/pattern: the pattern "\\u12" cannot be used: \u without four hexadecimal digits`},
		{`{"pattern":"a\\"}`, `s.json#/pattern: the pattern "a\\" cannot be used: trailing backslash`},
		{`{"patternProperties":{"[":{}}}`, "s.json#/patternProperties/[: the pattern \"[\" cannot be used: error parsing regexp: missing closing ]: `[`"},
		{`{"$schema":"http://json-schema.org/draft-07/schema#"}`, `s.json#/$schema: "http://json-schema.org/draft-07/schema#" is not known: expected https://json-schema.org/draft/2020-12/schema`},
		{`{"$id":"#a"}`, `s.json#/$id: "#a" is not a URI without a fragment`},
		{`{"$defs":{"a":{"$id":"x"},"b":{"$id":"x"}}}`, `s.json#/$defs/b/$id: another schema has this $id, in s.json`},
		{`{"$defs":{"a":{"$anchor":"x"},"b":{"$anchor":"x"}}}`, `s.json#/$defs/b/$anchor: another schema has the anchor "x"`},
		{`{"$anchor":"1"}`, `s.json#/$anchor: "1" is not an anchor: expected letters, digits, _, - and .`},
		{`{"$ref":1}`, `s.json#/$ref: expected a string, got a number`},
		{`{"$ref":":"}`, `s.json#/$ref: ":" is not a URI`},
		{`{"$ref":"#/$defs/a"}`, `s.json#/$ref: "#/$defs/a" refers to nothing: s.json has no "#/$defs/a"`},
		{`{"$ref":"#a"}`, `s.json#/$ref: "#a" refers to nothing: s.json has no "#a"`},
		{`{"$ref":"#"}`, `s.json: the schema refers to itself, without a value in between`},
		{`{"$defs":{"a":{"not":{"$ref":"#/$defs/b"}},"b":{"anyOf":[true,{"$ref":"#/$defs/a"}]}}}`, `s.json#/$defs/a: the schema refers to itself, without a value in between`},
		{`{"$ref":"https://example.com/x.json"}`, `s.json#/$ref: "https://example.com/x.json" is elsewhere: references lead to files in the folder of the schema, or below it`},
		{`{"$ref":"other.json"}`, `s.json#/$ref: "other.json" is elsewhere: references lead to files in the folder of the schema, or below it`},
	} {
		_, err := Compile("s.json", []byte(test.schema), Options{})
		if err == nil || err.Error() != test.want {
			t.Errorf("%s:\n got %v\nwant %s", test.schema, err, test.want)
		}
	}
}

// TestFiles checks which files a schema may refer to.
func TestFiles(t *testing.T) {
	files := map[string]string{
		"unit.json":        `{"enum":["C","F"]}`,
		"sub/deep.json":    `{"$ref":"more.json"}`,
		"sub/more.json":    `{"$ref":"../unit.json"}`,
		"sub/up.json":      `{"$ref":"../../unit.json"}`,
		"bad.json":         `{"type":7}`,
		"identified.json":  `{"$id":"https://plant.example/units/all.json","$defs":{"x":{"$ref":"other.json"}},"$ref":"#/$defs/x"}`,
		"other.json":       `{"const":"other"}`,
		"a b.json":         `{"const":"space"}`,
		"cycle.json":       `{"properties":{"a":{"$ref":"s.json"}}}`,
		"schemas/one.json": `{"const":1}`,
	}
	var read []string
	o := Options{Folder: "/home/d", Read: func(name string) ([]byte, error) {
		read = append(read, name)
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, os.ErrNotExist
	}}
	for _, test := range []struct{ schema, text, want string }{
		{`{"$ref":"unit.json"}`, `"C"`, ""},
		{`{"$ref":"./unit.json#/enum/0"}`, ``, `d/unit.json#/enum/0: expected a schema, which is an object or a boolean, got a string`},
		{`{"$ref":"sub/deep.json"}`, `"K"`, `expected "C" or "F", got "K"`},
		{`{"$ref":"sub/up.json"}`, ``, `d/sub/up.json#/$ref: "../../unit.json" is elsewhere: references lead to files in the folder of the schema, or below it`},
		{`{"$ref":"../unit.json"}`, ``, `d/s.json#/$ref: "../unit.json" is elsewhere: references lead to files in the folder of the schema, or below it`},
		{`{"$ref":"/etc/passwd"}`, ``, `d/s.json#/$ref: "/etc/passwd" is elsewhere: references lead to files in the folder of the schema, or below it`},
		{`{"$ref":"file:///etc/passwd"}`, ``, `d/s.json#/$ref: "file:///etc/passwd" is elsewhere: references lead to files in the folder of the schema, or below it`},
		{`{"$ref":"file:///home/d/unit.json"}`, `"C"`, ``},
		{`{"$ref":"unit.json?x"}`, ``, `d/s.json#/$ref: "unit.json?x" is elsewhere: references lead to files in the folder of the schema, or below it`},
		{`{"$ref":"none.json"}`, ``, `d/s.json#/$ref: "none.json": file does not exist`},
		{`{"$ref":"bad.json"}`, ``, `d/bad.json#/type: expected a type or an array of types, got a number`},
		{`{"$ref":"a%20b.json"}`, `1`, `expected "space", got 1`},
		{`{"$ref":"cycle.json","$defs":{"x":{"minimum":1}}}`, `{"a":{"a":1}}`, ``},
		{`{"$ref":"identified.json"}`, `1`, `expected "other", got 1`},
		{`{"$id":"https://plant.example/s/a.json","$ref":"other.json"}`, `1`, `expected "other", got 1`},
		{`{"$id":"https://plant.example/s/a.json","$ref":"https://plant.example/s/schemas/one.json"}`, `2`, `expected 1, got 2`},
		{`{"$id":"https://plant.example/s/a","$ref":"/s/schemas/one"}`, `2`, `expected 1, got 2`},
		{`{"$id":"https://plant.example/s/a","$ref":"none"}`, ``, `d/s.json#/$ref: "none": file does not exist`},
		{`{"$id":"https://plant.example/s/a.json","$ref":"https://plant.example/t/one.json"}`, ``, `d/s.json#/$ref: "https://plant.example/t/one.json" is elsewhere: references lead to files in the folder of the schema, or below it`},
		{`{"$id":"https://plant.example","$ref":"https://plant.example.org/x"}`, ``, `d/s.json#/$ref: "https://plant.example.org/x" is elsewhere: references lead to files in the folder of the schema, or below it`},
	} {
		s, err := Compile("d/s.json", []byte(test.schema), o)
		if err == nil {
			err = s.NewValidator().Validate([]byte(test.text))
		}
		if got := fmt.Sprint(err); got != test.want && !(err == nil && test.want == "") {
			t.Errorf("%s:\n got %s\nwant %s", test.schema, got, test.want)
		}
	}
	for _, name := range read {
		if strings.Contains(name, "..") || strings.HasPrefix(name, "/") {
			t.Errorf("read %q", name)
		}
	}
}
