package format

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"mqtt/internal/jsonline"
	"mqtt/internal/proto"
)

func TestMosquittoJSONGolden(t *testing.T) {
	var out []byte
	for _, format := range []string{"%j", "%J"} {
		for _, pretty := range []bool{false, true} {
			f := compile(t, format, Options{Zone: time.FixedZone("", 3600), Pretty: pretty})
			for _, m := range samples() {
				n := len(out)
				out = f.Append(out, m)
				if !json.Valid(out[n:]) {
					t.Errorf("%s of %s is not JSON: %s", format, m.Publish.Topic, out[n:])
				}
			}
		}
	}
	golden(t, "mosquitto-json.golden", out)
}

func TestRawPayload(t *testing.T) {
	deep := strings.Repeat("[", jsonline.MaxDepth+1) + strings.Repeat("]", jsonline.MaxDepth+1)
	for _, c := range []struct {
		name, payload, want string
		warning             error
	}{
		{"trap 14: integers beyond a double", "1724442618569203714", "1724442618569203714", nil},
		{"trap 14: 127.0 stays", `{"f":127.0,"e":1E+2,"z":-0.0}`, `{"f":127.0,"e":1E+2,"z":-0.0}`, nil},
		{"trap 14: duplicate keys stay", `{"a":1,"a":2}`, `{"a":1,"a":2}`, nil},
		{"white space between tokens", " {\r\n\t\"a b\" : [ 1 , 2 ] }\n", `{"a b":[1,2]}`, nil},
		{"escapes as they are", `"\u0041\/\u001b é"`, `"\u0041\/\u001b é"`, nil},
		{"trap 14: no JSON is a string", "hello", `"hello"`, ErrNotJSON},
		{"two values", "1 2", `"1 2"`, ErrNotJSON},
		{"cut short", `{"a":`, `"{\"a\":"`, ErrNotJSON},
		{"trap 13: NUL", "a\x00b", `"a\u0000b"`, ErrNotJSON},
		{"trap 13: not UTF-8", "\xff\xfe", `"//4=","payload_encoding":"base64"`, ErrNotJSON},
		{"JSON with a string that is not UTF-8", "\"\xff\"", `"Iv8i","payload_encoding":"base64"`, ErrNotJSON},
		{"empty", "", "null", nil},
		{"too deep", deep, `"` + deep + `"`, ErrNotJSON},
	} {
		f := compile(t, "%J", Options{NoNewline: true, Zone: time.UTC})
		got := string(f.Append(nil, message(proto.Publish{Topic: []byte("t"), Payload: []byte(c.payload)})))
		_, got, _ = strings.Cut(got, `,"payload":`)
		if got != c.want+"}" || f.Warning() != c.warning {
			t.Errorf("%s: %q, %v; want %q, %v", c.name, got, f.Warning(), c.want, c.warning)
		}
	}
}

func TestRawPayloadVisible(t *testing.T) {
	f := compile(t, "%J", Options{NoNewline: true, Visible: true})
	got := string(f.Append(nil, message(proto.Publish{Topic: []byte("t"), Payload: []byte("{\"a\":\"\u009b\x7f\u202e\\u009b\"}")})))
	if want := `{"a":"\u009b\u007f\u202e\u009b"}}`; !strings.HasSuffix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}
