package decode

import (
	"encoding/json"
	"strings"
	"testing"

	"mqtt/internal/proto"
)

// FuzzDecode decodes any bytes in all formats: nothing panics, a result is JSON, and what it is encoded
// to decodes to the same, but for formats that cannot tell bytes from text.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"", "\x82\x61a\x01", "\xd6\xff\x00\x00\x00\x00", "\x08\x96\x01", "\x12\x06\x10\x05\x20\x0b\x70\x01", `{"a":[1]}`} {
		f.Add([]byte(seed))
	}
	files := map[string]string{"set": sampleSet(f), "a": avroFiles["a"]}
	var codecs []Codec
	names := []string{"json", "cbor", "msgpack", "proto", "sparkplug", "proto:set:plant.Reading", "avro:a", "gzip+cbor", "zstd+cbor"}
	for _, name := range names {
		codecs = append(codecs, mustNew(f, name, files))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		for i, c := range codecs {
			for _, topic := range []string{"spBv1.0/g/NBIRTH/n", "spBv1.0/g/DDATA/n/d"} {
				got, err := c.Decode(nil, []byte(topic), in)
				if err != nil {
					continue
				}
				if !json.Valid(got) {
					t.Fatalf("%s of %x is not JSON: %q", names[i], in, got)
				}
				back, err := c.Encode(nil, []byte(topic), got)
				if err != nil {
					continue // NaN in cbor, keys twice, a datatype that does not fit the field
				}
				again, err := c.Decode(nil, []byte(topic), back)
				if err != nil || string(again) != string(got) && (names[i] == "proto" || names[i] == "json") {
					t.Fatalf("%s of %x: %s, then %s, %v", names[i], in, got, again, err)
				}
			}
		}
	})
}

// FuzzEncode encodes any text in all formats: nothing panics, and the result can be decoded.
func FuzzEncode(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5,"x",null,true]}`, allTypes, `{"1":[{"varint":1},{"group":{}}]}`, `{"int32":5,"labels":{"1":"a"}}`, `1e400`} {
		f.Add([]byte(seed))
	}
	files := map[string]string{"set": sampleSet(f), "a": avroFiles["a"]}
	var codecs []Codec
	names := []string{"json", "cbor", "msgpack", "proto", "sparkplug", "proto:set:plant.Reading", "avro:a"}
	for _, name := range names {
		codecs = append(codecs, mustNew(f, name, files))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for i, c := range codecs {
			wire, err := c.Encode(nil, nil, text)
			if err != nil {
				continue
			}
			if _, err := c.Decode(nil, nil, wire); err != nil {
				t.Fatalf("%s of %q: %x: %v", names[i], text, wire, err)
			}
		}
	})
}

// TestRules checks which format is taken for which message.
func TestRules(t *testing.T) {
	var contentType = func(s string) proto.Props { return proto.Props{}.AppendText(proto.ContentType, s) }
	for _, test := range []struct {
		specs []string
		topic string
		props proto.Props
		in    string
		want  string // "": no rule
	}{
		{[]string{"cbor"}, "a", nil, "\x01", "1"},
		{[]string{"a/+=cbor", "#=json"}, "a/b", nil, "\x01", "1"},
		{[]string{"a/+=cbor", "#=json"}, "x", nil, "2", "2"},
		{[]string{"a=b/#=cbor"}, "a=b/c", nil, "\x01", "1"},
		{[]string{"a=cbor"}, "b", nil, "\x01", ""},
		{[]string{"auto"}, "a", nil, "\x01", ""},
		{[]string{"auto"}, "a", contentType("application/cbor; x=y"), "\x01", "1"},
		{[]string{"auto"}, "a", contentType("Application/Senml+CBOR"), "\x01", "1"},
		{[]string{"auto"}, "a", contentType("application/x-msgpack"), "\x01", "1"},
		{[]string{"auto"}, "a", contentType("application/problem+json"), " 1 ", "1"},
		{[]string{"auto"}, "a", contentType("application/x-protobuf"), "\x08\x01", `{"1":[{"varint":1}]}`},
		{[]string{"auto"}, "a", contentType("text/plain"), "1", ""},
		{[]string{"auto"}, "spBv1.0/g/NDATA/n", nil, "\x18\x01", `{"seq":1,"metrics":[]}`},
		{[]string{"b=json", "auto"}, "spBv1.0/g/NDATA/n", nil, "\x18\x01", `{"seq":1,"metrics":[]}`},
		{nil, "a", nil, "1", ""},
	} {
		r, err := NewRules(test.specs, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, ok, err := r.Decode(nil, &proto.Publish{Topic: []byte(test.topic), Props: test.props, Payload: []byte(test.in)})
		if err != nil || string(got) != test.want || ok != (test.want != "") {
			t.Errorf("%q %s %v: %s, %v, %v; want %s", test.specs, test.topic, test.props, got, ok, err, test.want)
		}
	}
	for spec, want := range map[string]string{"a/#/b=cbor": `topic filter "a/#/b"`, "a=cborr": `unknown format "cborr"`, "": `unknown format ""`, "x": `unknown format "x"`} {
		if _, err := NewRules([]string{spec}, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", spec, err, want)
		}
	}
}

// TestAgain checks that a message that is decoded again changes nothing: an old BIRTH does not bring
// back its names.
func TestAgain(t *testing.T) {
	notes := 0
	r, err := NewRules([]string{"gzip+sparkplug"}, Options{Note: func(string) { notes++ }})
	if err != nil {
		t.Fatal(err)
	}
	codec := mustNew(t, "gzip+sparkplug", nil)
	message := func(topic, text string) *proto.Publish {
		wire, err := codec.Encode(nil, nil, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return &proto.Publish{Topic: []byte(topic), Payload: wire}
	}
	old := message("spBv1.0/g/NBIRTH/n", `{"metrics":[{"name":"old","alias":1}]}`)
	current := message("spBv1.0/g/NBIRTH/n", `{"metrics":[{"name":"new","alias":1}]}`)
	data := message("spBv1.0/g/NDATA/n", `{"metrics":[{"alias":1}]}`)
	other := message("spBv1.0/g/NDATA/other", `{"metrics":[{"alias":1}]}`)
	for _, p := range []*proto.Publish{old, current} {
		if _, _, err := r.Decode(nil, p); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []*proto.Publish{old, other} {
		if _, _, err := r.Again(nil, p); err != nil {
			t.Fatal(err)
		}
	}
	if got, _, err := r.Decode(nil, data); err != nil || string(got) != `{"metrics":[{"name":"new","alias":1}]}` || notes != 0 {
		t.Errorf("%s, %v, %d notes", got, err, notes)
	}
}

// samples are payloads of about 100 bytes.
func samples(tb testing.TB) map[string][]byte {
	tb.Helper()
	out := make(map[string][]byte)
	for format, text := range map[string]string{
		"cbor":      `{"device":"pump-17","temperature":21.4375,"pressure":101325,"humidity":40,"status":"running","alarms":[],"uptime":1234567890}`,
		"msgpack":   `{"device":"pump-17","temperature":21.4375,"pressure":101325,"humidity":40,"status":"running","alarms":[],"uptime":1234567890}`,
		"sparkplug": `{"timestamp":1700000000000,"seq":7,"metrics":[{"alias":1,"timestamp":1700000000000,"datatype":"Double","value":21.4375},{"alias":2,"timestamp":1700000000000,"datatype":"Int32","value":-5},{"alias":3,"timestamp":1700000000000,"datatype":"Boolean","value":true},{"alias":4,"timestamp":1700000000000,"datatype":"String","value":"running"}]}`,
	} {
		b, err := mustNew(tb, format, nil).Encode(nil, nil, []byte(text))
		if err != nil {
			tb.Fatal(err)
		}
		out[format] = b
	}
	return out
}

func BenchmarkDecode(b *testing.B) {
	for format, payload := range samples(b) {
		b.Run(format, func(b *testing.B) {
			c := mustNew(b, format, nil)
			topic := []byte("spBv1.0/plant/DDATA/line-1/pump-17")
			birth, err := c.Encode(nil, nil, []byte(`{"metrics":[{"name":"a","alias":1},{"name":"b","alias":2},{"name":"c","alias":3},{"name":"d","alias":4}]}`))
			if err != nil {
				b.Fatal(err)
			}
			c.Decode(nil, []byte("spBv1.0/plant/DBIRTH/line-1/pump-17"), birth)
			var dst []byte
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			for b.Loop() {
				if dst, err = c.Decode(dst[:0], topic, payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
