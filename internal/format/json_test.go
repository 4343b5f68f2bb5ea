package format

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"mqtt/internal/proto"
)

func TestJSONGolden(t *testing.T) {
	var out []byte
	j, pretty := JSON{}, JSON{Pretty: true}
	for _, m := range samples() {
		out = j.Append(out, m)
	}
	for _, m := range samples() {
		out = pretty.Append(out, m)
	}
	golden(t, "json.golden", out)
}

func TestJSONFitsItsSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("message.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	check := func(line []byte) error {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		return schema.Validate(v)
	}
	for _, pretty := range []bool{false, true} {
		j := JSON{Pretty: pretty}
		for _, m := range samples() {
			if line := j.Append(nil, m); check(line) != nil {
				t.Errorf("%s: %v", line, check(line))
			}
		}
	}
	for _, bad := range []string{
		`{}`,
		`{"time":"2026-11-20T15:04:05.1Z","topic":"a","qos":0,"retain":false,"payload":""}`,
		`{"time":"2026-11-20T15:04:05.123456789Z","topic":"a","qos":3,"retain":false,"payload":""}`,
		`{"time":"2026-11-20T15:04:05.123456789Z","topic":"a","qos":0,"retain":0,"payload":""}`,
		`{"time":"2026-11-20T15:04:05.123456789Z","topic":"a","qos":0,"retain":false}`,
		`{"time":"2026-11-20T15:04:05.123456789Z","topic":"a","qos":0,"retain":false,"payload":"","payload_base64":""}`,
		`{"time":"2026-11-20T15:04:05.123456789Z","topic":"a/#","qos":0,"retain":false,"payload":""}`,
		`{"time":"2026-11-20T15:04:05.123456789Z","topic":"a","qos":0,"retain":false,"payload":"","properties":{"user_properties":[["k"]]}}`,
	} {
		if check([]byte(bad)) == nil {
			t.Errorf("the schema lets pass %s", bad)
		}
	}
}

func TestJSONTime(t *testing.T) {
	var j JSON
	for at, want := range map[time.Time]string{
		when:                               "2026-11-20T15:04:05.123456789Z",
		time.Unix(0, 0):                    "1970-01-01T00:00:00.000000000Z",
		time.Unix(1, 1):                    "1970-01-01T00:00:01.000000001Z",
		time.Unix(-1, 999_999_999):         "1969-12-31T23:59:59.999999999Z",
		when.In(time.FixedZone("", 20000)): "2026-11-20T15:04:05.123456789Z",
	} {
		m := message(proto.Publish{Topic: []byte("t")})
		m.Received = at
		for range 2 { // formatted, then kept
			if got := string(j.Append(nil, m)); !strings.HasPrefix(got, `{"time":"`+want+`",`) {
				t.Errorf("%v: %s", at, got)
			}
		}
	}
}

// Whatever stands in a message, the line is JSON, of one line, and holds no byte that
// drives a terminal.
func TestJSONIsSafeWhateverComes(t *testing.T) {
	var j JSON
	for c := range 256 {
		for at := range 18 { // at each place of a word of eight, and behind it
			s := []byte(strings.Repeat("x", 18))
			s[at] = byte(c)
			m := message(proto.Publish{Topic: s, Payload: s, Props: proto.Props(nil).AppendValue(proto.ContentType, s)})
			line := j.Append(nil, m)
			if !json.Valid(line) || bytes.IndexByte(line, '\n') != len(line)-1 {
				t.Fatalf("byte %02x at %d: %q", c, at, line)
			}
			if i := bytes.IndexFunc(line[:len(line)-1], func(r rune) bool { return r < ' ' || r == 0x7F || r >= 0x80 && drives(r) }); i >= 0 {
				t.Fatalf("byte %02x at %d: control at %d in %q", c, at, i, line)
			}
			var got struct{ Payload *string }
			if err := json.Unmarshal(line, &got); err != nil || (got.Payload == nil) != (c >= 0x80) || c < 0x80 && *got.Payload != string(s) {
				t.Fatalf("byte %02x at %d: payload is not itself in %q", c, at, line)
			}
		}
	}
}
