package decode

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// unhex returns the bytes of hex digits, which may have spaces between them.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// mustNew returns the codec of a format.
func mustNew(t testing.TB, format string, files map[string]string) Codec {
	t.Helper()
	c, err := New(format, Options{ReadFile: func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, fmt.Errorf("no file %s", name)
	}})
	if err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	return c
}

// avroFiles are schemas for the tests.
var avroFiles = map[string]string{"a": `{"type": "record", "name": "n.R", "fields": [
	{"name": "i", "type": "long"}, {"name": "s", "type": ["null", "string"]}, {"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["A", "B"]}},
	{"name": "l", "type": {"type": "array", "items": "int"}}, {"name": "m", "type": {"type": "map", "values": "double"}},
	{"name": "f", "type": {"type": "fixed", "name": "F", "size": 2}}, {"name": "next", "type": ["null", "R"]}, {"name": "b", "type": "boolean"}]}`,
	"nulls": `{"type": "array", "items": "null"}`}

// TestDecode decodes samples, and where back is set encodes the result to the same bytes.
func TestDecode(t *testing.T) {
	for _, test := range []struct {
		format, in, want string
		back             bool
	}{
		// Appendix A of RFC 8949.
		{"cbor", "00", "0", true},
		{"cbor", "1bffffffffffffffff", "18446744073709551615", true},
		{"cbor", "c249010000000000000000", "18446744073709551616", true},
		{"cbor", "3bffffffffffffffff", "-18446744073709551616", true},
		{"cbor", "c349010000000000000000", "-18446744073709551617", true},
		{"cbor", "3863", "-100", true},
		{"cbor", "f90000", "0.0", true},
		{"cbor", "f98000", "-0.0", true},
		{"cbor", "f93c00", "1.0", true},
		{"cbor", "fb3ff199999999999a", "1.1", true},
		{"cbor", "f97bff", "65504.0", true},
		{"cbor", "fa47c35000", "100000.0", true},
		{"cbor", "fb7e37e43c8800759c", "1e+300", true},
		{"cbor", "f90001", "5.960464477539063e-08", true},
		{"cbor", "f90400", "0.00006103515625", true},
		{"cbor", "f903ff", "0.00006097555160522461", true},
		{"cbor", "f97c00", `"Infinity"`, false},
		{"cbor", "f97e00", `"NaN"`, false},
		{"cbor", "faff800000", `"-Infinity"`, false},
		{"cbor", "f4", "false", true},
		{"cbor", "f6", "null", true},
		{"cbor", "f7", "null", false},
		{"cbor", "c074323031332d30332d32315432303a30343a30305a", `"2013-03-21T20:04:00Z"`, false},
		{"cbor", "4401020304", `"AQIDBA=="`, false},
		{"cbor", "62225c", `"\"\\"`, true},
		{"cbor", "826161a161626163", `["a",{"b":"c"}]`, true},
		{"cbor", "a201020304", `{"1":2,"3":4}`, false},
		{"cbor", "a1820102f5", `{"[1,2]":true}`, false},
		{"cbor", "9f018202039f0405ffff", "[1,[2,3],[4,5]]", false},
		{"cbor", "bf61610161629f0203ffff", `{"a":1,"b":[2,3]}`, false},
		{"cbor", "7f657374726561646d696e67ff", `"streaming"`, false},
		{"cbor", "5f42010243030405ff", `"AQIDBAU="`, false},
		{"msgpack", "82 a7636f6d70616374 c3 a6736368656d61 00", `{"compact":true,"schema":0}`, true},
		{"msgpack", "94 cf ffffffffffffffff d3 8000000000000000 e0 ca 41ac0000", "[18446744073709551615,-9223372036854775808,-32,21.5]", true},
		{"msgpack", "93 cc ff cd ffff ce ffffffff", "[255,65535,4294967295]", true},
		{"msgpack", "94 d0 80 d1 8000 d2 80000000 ff", "[-128,-32768,-2147483648,-1]", true},
		{"msgpack", "c4 02 0102", `"AQI="`, false},
		{"msgpack", "d6ff 5f5e1000", `"2020-09-13T12:26:40Z"`, false},
		{"msgpack", "d7ff 0000000400000001", `"1970-01-01T00:00:01.000000001Z"`, false},
		{"msgpack", "d4 05 07", `{"ext":5,"data":"Bw=="}`, false},
		{"msgpack", "81 c3 c0", `{"true":null}`, false},
		{"msgpack", "dc 0001 cb 3ff199999999999a", "[1.1]", false},
		{"json", hex.EncodeToString([]byte(" {\"a\": [1, 1e400, \"\u0080\"]}\n")), `{"a":[1,1e400,"\u0080"]}`, false},
		{"proto", "089601", `{"1":[{"varint":150}]}`, true},
		{"proto", "1a0774657374696e67", `{"3":[{"bytes":"dGVzdGluZw==","text":"testing"}]}`, false},
		{"proto", "0801 0d01000000 09ffffffffffffffff 0802", `{"1":[{"varint":1},{"fixed32":1},{"fixed64":18446744073709551615},{"varint":2}]}`, true},
		{"proto", "0b 1005 0c", `{"1":[{"group":{"2":[{"varint":5}]}}]}`, true},
		{"proto", "0a01ff", `{"1":[{"bytes":"/w=="}]}`, true},
		{"proto", "", `{}`, true},
		{"avro:a", "02 02 04 686f 02 04 02 04 00 02 02 78 000000000000f03f 00 0102 00 01", `{"i":1,"s":"ho","e":"B","l":[1,2],"m":{"x":1.0},"f":"AQI=","next":null,"b":true}`, true},
		{"avro:a", "01 00 00 03 04 02 04 00 00 0102 02 02 00 00 00 00 0304 00 00 00", `{"i":-1,"s":null,"e":"A","l":[1,2],"m":{},"f":"AQI=","next":{"i":1,"s":null,"e":"A","l":[],"m":{},"f":"AwQ=","next":null,"b":false},"b":false}`, false},
	} {
		c := mustNew(t, test.format, avroFiles)
		in := unhex(t, test.in)
		got, err := c.Decode([]byte("before"), []byte("a/b"), in)
		if err != nil || string(got) != "before"+test.want {
			t.Errorf("%s %s:\n got %s, %v\nwant %s", test.format, test.in, got, err, test.want)
		}
		back, err := c.Encode([]byte("x"), []byte("a/b"), []byte(test.want))
		if test.back && (err != nil || string(back) != "x"+string(in)) {
			t.Errorf("%s %s back: %x, %v", test.format, test.want, back, err)
		}
		for _, outer := range []string{"gzip+", "zstd+", "gzip+zstd+"} {
			if !test.back || len(in) == 0 {
				continue
			}
			c := mustNew(t, outer+test.format, avroFiles)
			packed, err := c.Encode(nil, nil, []byte(test.want))
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time with the buffers of the first
				if got, err := c.Decode(nil, nil, packed); err != nil || string(got) != test.want {
					t.Errorf("%s%s: %s, %v", outer, test.format, got, err)
				}
			}
		}
	}
}

// TestDecodeErrors checks what is said about payloads that are wrong, and where.
func TestDecodeErrors(t *testing.T) {
	deep := strings.Repeat("81", 200) + "00"
	for _, test := range []struct{ format, in, want string }{
		{"cbor", "", "unexpected end at byte 1"},
		{"cbor", "82 01", "unexpected end at byte 3"},
		{"cbor", "9b ffffffffffffffff", "unexpected end at byte 10"},
		{"cbor", "5b 7fffffffffffffff 00", "unexpected end at byte 11"},
		{"cbor", "0102", "bytes after the value at byte 2"},
		{"cbor", "81 61ff", "text that is not UTF-8 at byte 2"},
		{"cbor", "ff", "a break outside of an item at byte 1"},
		{"cbor", "1c", "malformed head at byte 1"},
		{"cbor", "f81f", "malformed simple value at byte 1"},
		{"cbor", "7f 4100 ff", "a string in a chunk that is not of its type at byte 2"},
		{"cbor", deep, "nested more than 100 levels deep at byte 101"},
		{"cbor", strings.Repeat("c1", 200) + "00", "nested more than 100 levels deep at byte 101"},
		{"cbor", "a1" + strings.Repeat("a1", 90) + "00" + strings.Repeat("00", 91), "a key that is not text and larger than 4096 bytes"},
		{"msgpack", "", "unexpected end at byte 1"},
		{"msgpack", "c1", "the byte c1, which MessagePack does not use at byte 1"},
		{"msgpack", "dd ffffffff", "unexpected end at byte 6"},
		{"msgpack", "c6 ffffffff 00", "unexpected end at byte 7"},
		{"msgpack", "a1ff", "text that is not UTF-8 at byte 1"},
		{"msgpack", strings.Repeat("91", 200) + "00", "nested more than 100 levels deep at byte 101"},
		{"json", "", "an empty payload is not JSON at byte 1"},
		{"json", hex.EncodeToString([]byte(`{"a":x}`)), "not JSON: invalid character 'x' looking for beginning of value at byte 6"},
		{"json", "22ff22", "not JSON: text that is not UTF-8 at byte 2"},
		{"proto", "08", "unexpected end at byte 2"},
		{"proto", "0a05 00", "unexpected end at byte 4"},
		{"proto", "00", "malformed field number at byte 1"},
		{"proto", "0c", "malformed wire type at byte 1"},
		{"proto", "08ffffffffffffffffffff01", "a varint of more than 64 bits at byte 2"},
		{"proto", "0b 14", "the end of a group that was not begun at byte 2"},
		{"proto", strings.Repeat("0b", 200), "nested more than 100 levels deep at byte 101"},
		{"sparkplug", "0a00", "a field of the wrong wire type at byte 1"},
		{"avro:a", "02 06", "6 is not a place"},
		{"avro:nulls", "80808080802000", "the result is larger than 64 MiB"},
		{"avro:nulls", "01 00", "unexpected end"},
		{"gzip+cbor", "00", "not gzip: unexpected end at byte 1"},
		{"gzip+cbor", "0102030405060708090a0b", "not gzip: gzip: invalid header at byte 1"},
		{"zstd+cbor", "", "not zstd: unexpected end at byte 1"},
		{"zstd+cbor", "0102030405", "zstd: "},
	} {
		c := mustNew(t, test.format, avroFiles)
		if test.format == "avro:a" {
			test.want = "3 is not a place in the union"
		}
		got, err := c.Decode([]byte("x"), nil, unhex(t, test.in))
		if err == nil || !strings.Contains(err.Error(), test.want) || string(got) != "x" {
			t.Errorf("%s %.60s: %.60q, %v; want %s", test.format, test.in, got, err, test.want)
		}
		if _, ok := err.(*Error); !ok && err != nil {
			t.Errorf("%s %.60s: %T", test.format, test.in, err)
		}
	}
}

// TestBombs checks that a small payload does not become a large result.
func TestBombs(t *testing.T) {
	zeros := make([]byte, maxResult+1000)
	for i := range zeros {
		zeros[i] = ' '
	}
	zeros[0] = '0'
	for _, outer := range []string{"gzip+", "zstd+"} {
		packed, err := bomb(outer, zeros)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := mustNew(t, outer+"json", nil).Decode(nil, nil, packed); err == nil || !strings.Contains(err.Error(), tooLarge) {
			t.Errorf("%s of %d bytes: %v", outer, len(packed), err)
		}
	}
}

// TestEncodeErrors checks what is said about text that does not fit a format.
func TestEncodeErrors(t *testing.T) {
	for _, test := range []struct{ format, in, want string }{
		{"cbor", `{"a":`, "not JSON: unexpected end of JSON input at byte 5"},
		{"cbor", `1 2`, "text after the JSON value at byte 2"},
		{"cbor", strings.Repeat("[", 200) + strings.Repeat("]", 200), "nested more than 100 levels deep at byte 101"},
		{"cbor", `[1e999]`, "/0: 1e999 is out of range"},
		{"msgpack", `{"a":[18446744073709551616]}`, "/a/0: 18446744073709551616 is not an integer of 64 bits"},
		{"proto", `{"a":[]}`, "/a: expected a field number"},
		{"proto", `{"1":[{"int":1}]}`, `/1/0: unknown wire type "int"`},
		{"sparkplug", `{"metrics":[{"name":"a","value":1}]}`, "/metrics/0/value: a value needs a datatype, such as Int32"},
		{"sparkplug", `{"metrics":[{"datatype":"Int8","value":300}]}`, "/metrics/0/value: 300 is not an integer of 8 bits"},
		{"sparkplug", `{"metric":[]}`, "/metric: unknown key"},
		{"avro:a", `{}`, "/i: expected a number, got null"},
	} {
		if _, err := mustNew(t, test.format, avroFiles).Encode(nil, nil, []byte(test.in)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %.40s: %v; want %s", test.format, test.in, err, test.want)
		}
	}
}

// bomb compresses plain as it is.
func bomb(outer string, plain []byte) ([]byte, error) {
	if outer == "gzip+" {
		return (&gzipCodec{inner: asIs{}}).Encode(nil, nil, plain)
	}
	return (&zstdCodec{inner: asIs{}}).Encode(nil, nil, plain)
}

// asIs is a codec that changes nothing.
type asIs struct{}

func (asIs) Decode(dst, _, payload []byte) ([]byte, error) { return append(dst, payload...), nil }
func (asIs) Encode(dst, _, text []byte) ([]byte, error)    { return append(dst, text...), nil }
