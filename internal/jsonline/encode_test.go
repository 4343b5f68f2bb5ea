package jsonline

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"mqtt/internal/proto"
)

// TestSchema checks lines against message.schema.json.
func TestSchema(t *testing.T) {
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
	compact, indented := lines()
	for _, line := range append(compact, indented...) {
		if err := check(line); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	var e Encoder
	decoded := AppendDecoded(e.Append(nil, when, &proto.Publish{Topic: []byte("t"), Payload: []byte{0xFF}}), []byte(`{"a":[1]}`))
	if err := check(decoded); err != nil {
		t.Errorf("%s: %v", decoded, err)
	}
	var r Record
	if err := Parse(decoded, &r); err != nil || len(r.Unknown) > 0 || string(r.Publish.Payload) != "\xff" {
		t.Errorf("%s: %v, unknown %q, payload %q", decoded, err, r.Unknown, r.Publish.Payload)
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
			t.Errorf("the schema accepts %s", bad)
		}
	}
}

func TestEncoderTime(t *testing.T) {
	var e Encoder
	for at, want := range map[time.Time]string{
		when:                               "2026-11-20T15:04:05.123456789Z",
		time.Unix(0, 0):                    "1970-01-01T00:00:00.000000000Z",
		time.Unix(1, 1):                    "1970-01-01T00:00:01.000000001Z",
		time.Unix(-1, 999_999_999):         "1969-12-31T23:59:59.999999999Z",
		when.In(time.FixedZone("", 20000)): "2026-11-20T15:04:05.123456789Z",
	} {
		for range 2 { // formatted, then from the stamp
			line := string(e.Append(nil, at, &proto.Publish{Topic: []byte("t")}))
			if !strings.HasPrefix(line, `{"time":"`+want+`",`) {
				t.Errorf("%v: %s", at, line)
			}
		}
	}
}

// TestLineIsSafe puts each byte at each place of a word of eight, and after it: the line
// is JSON on one line and holds no character that controls a terminal.
func TestLineIsSafe(t *testing.T) {
	var e Encoder
	for c := range 256 {
		for at := range 18 {
			s := []byte(strings.Repeat("x", 18))
			s[at] = byte(c)
			line := e.Append(nil, when, &proto.Publish{Topic: s, Payload: s, Props: proto.Props(nil).AppendValue(proto.ContentType, s)})
			if !json.Valid(line) {
				t.Fatalf("byte %02x at %d: %q", c, at, line)
			}
			if i := bytes.IndexFunc(line, func(r rune) bool { return r < ' ' || r == 0x7F || r >= 0x80 && Unsafe(r) }); i >= 0 {
				t.Fatalf("byte %02x at %d: control character at %d in %q", c, at, i, line)
			}
			var got struct{ Payload *string }
			if err := json.Unmarshal(line, &got); err != nil || (got.Payload == nil) != (c >= 0x80) || c < 0x80 && *got.Payload != string(s) {
				t.Fatalf("byte %02x at %d: the payload changed in %q", c, at, line)
			}
		}
	}
}
