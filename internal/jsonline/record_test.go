package jsonline

import (
	"bytes"
	"testing"
	"time"
	"unicode/utf8"

	"mqtt/internal/proto"
	"mqtt/internal/proto/prototest"
)

// difference returns what differs between a message and the record of its line, "" if
// nothing. DUP and packet identifier belong to the delivery and are not read.
func difference(at time.Time, p *proto.Publish, r *Record) string {
	switch {
	case !r.Time.Equal(at):
		return "time"
	case !bytes.Equal(r.Publish.Topic, p.Topic):
		return "topic"
	case r.Publish.QoS != p.QoS || r.Publish.Retain != p.Retain:
		return "flags"
	case !bytes.Equal(r.Publish.Payload, p.Payload):
		return "payload"
	case !bytes.Equal(ordered(r.Publish.Props), ordered(p.Props)):
		return "properties"
	case !bytes.Equal(ordered(r.Forward), ordered(p.Props.Without(proto.TopicAlias).Without(proto.SubscriptionIdentifier))):
		return "properties to forward"
	}
	return ""
}

// ordered returns ps in the order of identifiers; properties with the same one keep their order.
func ordered(ps proto.Props) (out proto.Props) {
	for i := range proto.Properties {
		for p := range ps.All() {
			if p.ID == proto.Properties[i].ID {
				out = out.Append(p)
			}
		}
	}
	return out
}

func TestRoundTrip(t *testing.T) {
	compact, indented := lines()
	var r Record
	for i, p := range prototest.Publishes() {
		for _, line := range [][]byte{compact[i], indented[i]} {
			if err := Parse(line, &r); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if what := difference(when, p, &r); what != "" {
				t.Errorf("%s: %s changed: %+v", line, what, r.Publish)
			}
		}
	}
}

func TestRecordPayload(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`{"payload":"text"}`, "text"},
		{`{"payload":""}`, ""},
		{`{"payload":null}`, ""},
		{`{}`, ""},
		{`{"payload":1724442618569203714}`, "1724442618569203714"},
		{`{"payload":127.0}`, "127.0"},
		{`{"payload":true}`, "true"},
		{`{"payload" : {"a" : [1, 2.50]} , "qos":0}`, `{"a" : [1, 2.50]}`},
		{`{"payload":[]}`, "[]"},
		{`{"payload":"\u0041\ud83c\udf89\n\"\\\/\b\f\r\t\u0000"}`, "A🎉\n\"\\/\b\f\r\t\x00"},
		{`{"payload":"日本 🎉 and more than eight bytes"}`, "日本 🎉 and more than eight bytes"},
		{`{"payload_base64":"AP8="}`, "\x00\xff"},
		{`{"payload_base64":"AP\u0038="}`, "\x00\xff"},
		{`{"payload":"AP8=","payload_encoding":"base64"}`, "\x00\xff"},
		{`{"payload_encoding":"base64","payload":"AP8="}`, "\x00\xff"},
		{`{"payload_encoding":"text","payload":"AP8="}`, "AP8="},
		{`{"p\u0061yload":"escaped key"}`, "escaped key"},
		{`{"unknown":{"payload":"no","x":[1,{"y":null}]},"payload":"yes","dup":true,"mid":7,"z":-1.5e3}`, "yes"},
		{" {\t\"payload\"\r:\n\"x\" } ", "x"},
	} {
		var r Record
		if err := Parse([]byte(c.line), &r); err != nil || string(r.Publish.Payload) != c.want {
			t.Errorf("%s: %q, %v; want %q", c.line, r.Publish.Payload, err, c.want)
		}
	}
}

func TestRecordHas(t *testing.T) {
	var r Record
	for _, c := range []struct {
		line string
		want Fields
	}{
		{`{"time":"2026-11-20T15:04:05Z","topic":"a","qos":2,"retain":true,"payload":"x","properties":{"content_type":"t"}}`,
			HasTime | HasTopic | HasQoS | HasRetain | HasPayload | HasProperties},
		{`{}`, 0}, // nothing of the line before is left
		{`{"payload_base64":""}`, HasPayload},
	} {
		if err := Parse([]byte(c.line), &r); err != nil || r.Has != c.want {
			t.Errorf("%s: has %06b, %v", c.line, r.Has, err)
		}
	}
	if r.Publish.QoS != 0 || r.Publish.Retain || len(r.Publish.Topic) > 0 || r.Publish.Props != nil || r.Forward != nil || !r.Time.IsZero() {
		t.Errorf("left over: %+v", r.Publish)
	}
}

func TestRecordTime(t *testing.T) {
	var r Record
	for s, want := range map[string]time.Time{
		"2026-11-20T15:04:05.123456789Z":      when,
		"2026-11-20T15:04:05.000000001Z":      when.Truncate(time.Second).Add(1),
		"2026-11-20T16:04:05.123456789+01:00": when,
		"2026-11-20T15:04:05Z":                when.Truncate(time.Second),
		"2026-11-20T15:04:05.5Z":              when.Truncate(time.Second).Add(500 * time.Millisecond),
	} {
		for range 2 {
			if err := Parse([]byte(`{"time":"`+s+`"}`), &r); err != nil || !r.Time.Equal(want) {
				t.Errorf("%s: %v, %v", s, r.Time, err)
			}
		}
	}
}

func TestRecordErrors(t *testing.T) {
	long := `"` + string(bytes.Repeat([]byte("x"), 65536)) + `"`
	for line, want := range map[string]string{
		"":                                       "json: empty line at byte 1",
		"  ":                                     "json: empty line at byte 3",
		`[]`:                                     "json: want an object at byte 1",
		`{"a":1`:                                 "json: cut short at byte 7",
		`{"a" 1}`:                                "json: want a colon at byte 6",
		`{a:1}`:                                  "json: want a key at byte 2",
		`{"a":1,}`:                               "json: want a key at byte 8",
		`{"a":1 "b":2}`:                          "json: want a comma or the end at byte 8",
		`{"a":01}`:                               "json: malformed number at byte 6",
		`{"a":nil}`:                              "json: not a value at byte 6",
		`{"a":"\x"}`:                             "json: malformed string at byte 7",
		`{} {}`:                                  "json: text after the object at byte 4",
		"{\"a\":\"\xff\"}":                       "json: text that is not UTF-8 at byte 7",
		`{"topic":7}`:                            "json: topic: want a string at byte 10",
		`{"topic":"a","topic":"b"}`:              "json: topic: given twice at byte 22",
		`{"topic":"\ud800"}`:                     "json: topic: malformed string at byte 11",
		`{"topic":"\udc00\ud800"}`:               "json: topic: malformed string at byte 11",
		`{"topic\ud800":"a"}`:                    "json: malformed string at byte 8",
		`{"topic":"a` + "\n" + `"}`:              "json: topic: malformed string at byte 12",
		`{"topic":"abc`:                          "json: topic: cut short at byte 14",
		`{"qos":"1"}`:                            "json: qos: want an integer from 0 to 2 at byte 8",
		`{"qos":3}`:                              "json: qos: want an integer from 0 to 2 at byte 8",
		`{"qos":-1}`:                             "json: qos: want an integer from 0 to 2 at byte 8",
		`{"qos":1.0}`:                            "json: qos: want an integer from 0 to 2 at byte 8",
		`{"qos":1e0}`:                            "json: qos: want an integer from 0 to 2 at byte 8",
		`{"qos":99999999999999999999}`:           "json: qos: want an integer from 0 to 2 at byte 8",
		`{"qos":00}`:                             "json: malformed number at byte 8",
		`{"retain":2}`:                           "json: retain: want true or false at byte 11",
		`{"retain":tru}`:                         "json: not a value at byte 11",
		`{"time":5}`:                             "json: time: want a string at byte 9",
		`{"time":"yesterday"}`:                   "json: time: want a time such as 2026-11-20T15:04:05.123Z at byte 9",
		`{"payload":"a","payload":"b"}`:          "json: payload: a second payload at byte 26",
		`{"payload":"","payload_base64":"AA=="}`: "json: payload_base64: a second payload at byte 32",
		`{"payload_base64":"A"}`:                 "json: payload_base64: malformed base64 at byte 19",
		`{"payload_base64":5}`:                   "json: payload_base64: want a string at byte 19",
		`{"payload_encoding":"hex"}`:             `json: payload_encoding: want "base64" or "text" at byte 21`,
		`{"payload":[1],"payload_encoding":"base64"}`:            "json: payload_encoding: payload is not a string at byte 35",
		`{"payload":"*","payload_encoding":"base64"}`:            "json: payload: malformed base64 at byte 35",
		`{"properties":[]}`:                                      "json: properties: want an object at byte 15",
		`{"properties":{"content_type":1}}`:                      "json: properties.content_type: want a string at byte 31",
		`{"properties":{"content_type":"a","content_type":"b"}}`: "json: properties.content_type: given twice at byte 50",
		`{"properties":{"content_type":"\u0000"}}`:               "json: properties: content-type: U+0000 in a text field at byte 1",
		`{"properties":{"response_topic":"a/#"}}`:                "json: properties: response-topic: wildcard in a topic name at byte 1",
		`{"properties":{"content_type":` + long + `}}`:           "json: properties.content_type: more than 65535 bytes at byte 31",
		`{"properties":{"correlation_data_base64":"?"}}`:         "json: properties.correlation_data_base64: malformed base64 at byte 42",
		`{"properties":{"message_expiry_interval":4294967296}}`:  "json: properties.message_expiry_interval: want an integer from 0 to 4294967295 at byte 42",
		`{"properties":{"payload_format_indicator":2}}`:          "json: properties.payload_format_indicator: want an integer from 0 to 1 at byte 43",
		`{"properties":{"topic_alias":0}}`:                       "json: properties.topic_alias: want an integer from 1 to 65535 at byte 30",
		`{"properties":{"subscription_identifiers":7}}`:          "json: properties.subscription_identifiers: want a list of integers at byte 43",
		`{"properties":{"subscription_identifiers":[1,0]}}`:      "json: properties.subscription_identifiers: want an integer from 1 to 268435455 at byte 46",
		`{"properties":{"subscription_identifiers":[1}}`:         "json: want a comma or the end at byte 45",
		`{"properties":{"user_properties":{"a":"b"}}}`:           "json: properties.user_properties: want a list of [key, value] at byte 34",
		`{"properties":{"user_properties":[["a"]]}}`:             "json: properties.user_properties: want a list of [key, value] at byte 35",
		`{"properties":{"user_properties":[["a","b","c"]]}}`:     "json: properties.user_properties: want a list of [key, value] at byte 44",
		`{"properties":{"user_properties":[[1,"b"]]}}`:           "json: properties.user_properties: want a string at byte 36",
		`{"properties":{"content_type":"x" "y"}}`:                "json: want a comma or the end at byte 35",
	} {
		var r Record
		err := Parse([]byte(line), &r)
		if len(line) > 200 {
			line = line[:200]
		}
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}

// FuzzRoundTrip checks that Parse reads the same message as Append wrote, and that
// Append then writes the same line, for every message that a packet can carry.
func FuzzRoundTrip(f *testing.F) {
	for _, p := range prototest.Publishes() {
		f.Add(string(p.Topic), p.Payload, []byte(p.Props), p.QoS, p.Retain, when.UnixNano())
	}
	f.Fuzz(func(t *testing.T, topic string, payload, props []byte, qos byte, retain bool, nanos int64) {
		ps := proto.Props(props)
		if !utf8.ValidString(topic) || ps.Check(proto.PUBLISH) != nil || qos > 2 {
			return
		}
		p := &proto.Publish{Topic: []byte(topic), Payload: payload, Props: ps, QoS: qos, Retain: retain}
		at := time.Unix(0, nanos)
		var e Encoder
		var r Record
		line := e.Append(nil, at, p)
		if err := Parse(line, &r); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if what := difference(at, p, &r); what != "" {
			t.Fatalf("%s: %s changed: %+v", line, what, r.Publish)
		}
		if again := e.Append(nil, r.Time, &r.Publish); !bytes.Equal(again, line) {
			t.Fatalf("first %s then %s", line, again)
		}
	})
}

// FuzzParse checks that Parse fails only with an error whose offset is in the line, and
// that a message that it accepts can be written and read again.
func FuzzParse(f *testing.F) {
	compact, _ := lines()
	for _, line := range compact {
		f.Add(line)
	}
	f.Add([]byte(`{"payload":{"a":[1,2]},"payload_encoding":"text","x":null}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var r, again Record
		if err := Parse(line, &r); err != nil {
			if e := err.(*Error); e.Offset < 0 || e.Offset > len(line) {
				t.Fatalf("%q: %v is outside the line", line, err)
			}
			return
		}
		if y := r.Time.Year(); y < 0 || y > 9999 { // a zone can move the time of a line out of RFC 3339
			return
		}
		var e Encoder
		out := e.Append(nil, r.Time, &r.Publish)
		if err := Parse(out, &again); err != nil {
			t.Fatalf("%q is written as %q: %v", line, out, err)
		}
		if what := difference(r.Time, &r.Publish, &again); what != "" {
			t.Fatalf("%q: %s changes in %q", line, what, out)
		}
	})
}

// TestRecordOfMosquitto reads lines of mosquitto_sub -F %j, which writes retain as a number.
func TestRecordOfMosquitto(t *testing.T) {
	var r Record
	for line, want := range map[string]bool{
		`{"tst":"2026-01-01T00:00:00.000000Z+0000","topic":"a","qos":1,"retain":1,"payloadlen":1,"mid":3,"payload":"x"}`: true,
		`{"topic":"a","retain":0,"payload":"x"}`: false,
	} {
		if err := Parse([]byte(line), &r); err != nil || r.Publish.Retain != want || r.Has&HasRetain == 0 || len(r.Unknown) > 0 {
			t.Errorf("%s: retain %v (%v)", line, r.Publish.Retain, err)
		}
	}
	if err := Parse([]byte(`{"retain":10}`), &r); err == nil {
		t.Error("10 is accepted as a boolean")
	}
}

// TestRecordUnknown checks that only keys that are neither read nor of a delivery are unknown.
func TestRecordUnknown(t *testing.T) {
	var r Record
	for line, want := range map[string]string{
		`{"topic":"a","nope":{"x":1},"more":2}`:                           "nope",
		`{"properties":{"content_type":"c","content-type":"d"},"more":1}`: "properties.content-type",
		`{"n\u006fpe":null}`: "nope",
		`{"time":"2026-01-01T00:00:00Z","topic":"a","qos":0,"retain":false,"payload":"","dup":true,"mid":1}`: "",
		`{"tst":"x","payloadlen":1,"payload":"YQ==","payload_encoding":"base64"}`:                            "",
		`{"properties":{"user_properties":[["nope","1"]]}}`:                                                  "",
	} {
		if err := Parse([]byte(line), &r); err != nil || string(r.Unknown) != want {
			t.Errorf("%s: %q, want %q (%v)", line, r.Unknown, want, err)
		}
	}
}
