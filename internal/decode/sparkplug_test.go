package decode

import (
	"fmt"
	"strings"
	"testing"
)

// allTypes has each datatype, and each part that a metric can have.
const allTypes = `{"timestamp":1700000000000,"seq":0,"metrics":[` +
	`{"name":"i8","alias":1,"timestamp":1700000000001,"datatype":"Int8","value":-1},` +
	`{"name":"i16","datatype":"Int16","value":-32768},{"name":"i32","datatype":"Int32","value":-5},` +
	`{"name":"i64","datatype":"Int64","value":-9223372036854775808},{"name":"u8","datatype":"UInt8","value":255},` +
	`{"name":"u16","datatype":"UInt16","value":65535},{"name":"u32","datatype":"UInt32","value":4294967295},` +
	`{"name":"u64","datatype":"UInt64","value":18446744073709551615},{"name":"f","datatype":"Float","value":21.4},` +
	`{"name":"d","datatype":"Double","value":1e+300},{"name":"nan","datatype":"Double","value":"NaN"},{"name":"inf","datatype":"Float","value":"-Infinity"},` +
	`{"name":"b","datatype":"Boolean","value":true},{"name":"s","datatype":"String","value":"grün"},` +
	`{"name":"t","datatype":"DateTime","value":1700000000000},{"name":"x","datatype":"Text","value":""},{"name":"u","datatype":"UUID","value":"u-1"},` +
	`{"name":"ds","datatype":"DataSet","value":{"columns":["a","b"],"types":["Int8","String"],"rows":[[-1,"x"],[null,"y"]]}},` +
	`{"name":"by","datatype":"Bytes","value":"AQI="},{"name":"fi","datatype":"File","value":"AQI=","metadata":{"is_multi_part":false,"content_type":"a/b","size":2,"seq":1,"file_name":"n","file_type":"t","md5":"m","description":"d"}},` +
	`{"name":"te","datatype":"Template","value":{"version":"1","template_ref":"motor","is_definition":false,"metrics":[{"name":"rpm","datatype":"Int32","value":-3},{"name":"in","datatype":"Template","value":{"metrics":[]}}],"parameters":[{"name":"p","type":"Float","value":0.5}]}},` +
	`{"name":"i8s","datatype":"Int8Array","value":[-1,1]},{"name":"i16s","datatype":"Int16Array","value":[-1]},{"name":"i32s","datatype":"Int32Array","value":[-1]},` +
	`{"name":"i64s","datatype":"Int64Array","value":[-1]},{"name":"u8s","datatype":"UInt8Array","value":[255]},{"name":"u16s","datatype":"UInt16Array","value":[65535]},` +
	`{"name":"u32s","datatype":"UInt32Array","value":[4294967295]},{"name":"u64s","datatype":"UInt64Array","value":[18446744073709551615]},` +
	`{"name":"fs","datatype":"FloatArray","value":[0.1,"NaN"]},{"name":"ds2","datatype":"DoubleArray","value":[0.1]},` +
	`{"name":"bs","datatype":"BooleanArray","value":[true,false,true,false,true,false,true,false,true]},{"name":"ss","datatype":"StringArray","value":["","a","b"]},` +
	`{"name":"ts","datatype":"DateTimeArray","value":[1700000000000]},` +
	`{"name":"null","datatype":"Int32","value":null,"historical":true,"transient":true,"null":true,` +
	`"properties":{"unit":{"type":"String","value":"°C"},"n":{"type":"Int16","value":null,"null":true},"set":{"type":"PropertySet","value":{"k":{"type":"Boolean","value":false}}},` +
	`"sets":{"type":"PropertySetList","value":[{},{"l":{"type":"Int64","value":-1}}]}}}]}`

func TestSparkplugTypes(t *testing.T) {
	c := mustNew(t, "sparkplug", nil)
	wire, err := c.Encode(nil, []byte("spBv1.0/g/NBIRTH/n"), []byte(allTypes))
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Decode(nil, []byte("spBv1.0/g/NBIRTH/n"), wire)
	if err != nil || string(got) != allTypes {
		for i := range min(len(got), len(allTypes)) {
			if got[i] != allTypes[i] {
				t.Fatalf("%v: differs at %d:\n%.200s\nwant\n%.200s", err, i, got[max(0, i-60):], allTypes[max(0, i-60):])
			}
		}
		t.Fatalf("%v\n%s", err, got)
	}
	again, err := c.Encode(nil, nil, got)
	if err != nil || string(again) != string(wire) {
		t.Errorf("the way back differs: %v\n%x\n%x", err, again, wire)
	}
	for n := range wire { // cut short, nothing panics
		c.Decode(nil, []byte("spBv1.0/g/NBIRTH/n"), wire[:n])
	}
}

// TestSparkplugWire decodes bytes that were written by hand from sparkplug_b.proto.
func TestSparkplugWire(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"08e807 120b 0a0162 2001 50ffffffff0f 1802", `{"timestamp":1000,"seq":2,"metrics":[{"name":"b","datatype":"Int8","value":-1}]}`},
		{"1207 0a0162 2005 5007", `{"metrics":[{"name":"b","datatype":"UInt8","value":7}]}`},
		{"120a 0a0173 200c 7a03616263", `{"metrics":[{"name":"s","datatype":"String","value":"abc"}]}`},
		{"1206 1005 200b 7001", `{"metrics":[{"alias":5,"datatype":"Boolean","value":true}]}`},
		{"1208 0a0162 2002 508003", `{"metrics":[{"name":"b","datatype":"Int16","value":384}]}`},
		{"120b 0a0162 2007 58ffffffff0f", `{"metrics":[{"name":"b","datatype":"UInt32","value":4294967295}]}`}, // in long_value, as some do
		{"1205 0a0162 3801", `{"metrics":[{"name":"b","value":null,"null":true}]}`},
		{"1203 0a0162 2204 75757964 2a0101", `{"uuid":"uuyd","metrics":[{"name":"b"}],"body":"AQ=="}`},
		{"1217 0a0164 2010 8a010f 0801 120161 1801 2206 0a020805 0a00", `{"metrics":[{"name":"d","datatype":"DataSet","value":{"columns":["a"],"types":["Int8"],"rows":[[5,null]]}}]}`},
	} {
		got, err := mustNew(t, "sparkplug", nil).Decode(nil, nil, unhex(t, test.in))
		if err != nil || string(got) != test.want {
			t.Errorf("%s:\n got %s, %v\nwant %s", test.in, got, err, test.want)
		}
	}
}

// TestSparkplugNames checks where names and datatypes of metrics with an alias come from.
func TestSparkplugNames(t *testing.T) {
	var notes []string
	c, err := New("sparkplug", Options{Note: func(text string) { notes = append(notes, text) }})
	if err != nil {
		t.Fatal(err)
	}
	say := func(topic, text, want string) {
		t.Helper()
		wire, err := c.Encode(nil, nil, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Decode(nil, []byte(topic), wire)
		if err != nil || string(got) != want {
			t.Errorf("%s %s:\n got %s, %v\nwant %s", topic, text, got, err, want)
		}
	}
	data := `{"metrics":[{"alias":7}]}`
	say("spBv1.0/g/NDATA/n", data, data)
	say("spBv1.0/g/NDATA/n", data, data)
	if len(notes) != 1 || notes[0] != `no BIRTH of "g/n" seen: metrics that have an alias only stay without a name` {
		t.Errorf("notes %q", notes)
	}
	birth := `{"metrics":[{"name":"temp","alias":7,"datatype":"Int16","value":3},{"name":"plain","datatype":"Int8","value":-1}]}`
	say("spBv1.0/g/NBIRTH/n", birth, birth)
	say("spBv1.0/g/NDATA/n", data, `{"metrics":[{"name":"temp","alias":7,"datatype":"Int16"}]}`)
	say("spBv1.0/g/NCMD/n", data, `{"metrics":[{"name":"temp","alias":7,"datatype":"Int16"}]}`)
	say("spBv1.0/g/NDATA/n", `{"metrics":[{"name":"plain"}]}`, `{"metrics":[{"name":"plain","datatype":"Int8"}]}`)
	say("spBv1.0/g/DDATA/n/d", data, `{"metrics":[{"name":"temp","alias":7,"datatype":"Int16"}]}`) // of the node
	say("spBv1.0/g/DBIRTH/n/d", `{"metrics":[{"name":"dev","alias":7,"datatype":"Int32"}]}`, `{"metrics":[{"name":"dev","alias":7,"datatype":"Int32"}]}`)
	say("spBv1.0/g/DDATA/n/d", data, `{"metrics":[{"name":"dev","alias":7,"datatype":"Int32"}]}`)
	say("spBv1.0/g/NDEATH/n", `{"metrics":[{"name":"bdSeq","datatype":"Int64","value":0}]}`, `{"metrics":[{"name":"bdSeq","datatype":"Int64","value":0}]}`)
	say("spBv1.0/g/NBIRTH/n", `{"metrics":[]}`, `{"metrics":[]}`)
	say("spBv1.0/g/NDATA/n", data, data) // the last BIRTH does not have it
	say("spBv1.0/other/DDATA/n/d", data, data)
	if len(notes) != 2 || !strings.Contains(notes[1], `"other/n/d"`) {
		t.Errorf("notes %q", notes)
	}
	for topic, payload := range map[string]string{"spBv1.0/STATE/h": `{"online":true}`, "STATE/h": "ONLINE"} {
		got, err := c.Decode(nil, []byte(topic), []byte(payload))
		if err != nil || strings.Trim(string(got), `"`) != payload {
			t.Errorf("%s: %s, %v", topic, got, err)
		}
	}
}

// TestSparkplugBounds checks that neither names nor results grow without limit.
func TestSparkplugBounds(t *testing.T) {
	var notes []string
	c := newSparkplug(Options{Note: func(text string) { notes = append(notes, text) }})
	birth, err := c.Encode(nil, nil, []byte(`{"metrics":[{"name":"`+strings.Repeat("x", 1<<20)+`","alias":1}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Decode(nil, []byte("spBv1.0/g/NBIRTH/n"), birth); err != nil {
		t.Fatal(err)
	}
	many := strings.Repeat("\x12\x02\x10\x01", 100) // 400 bytes that stand for 100 MiB of names
	if _, err := c.Decode(nil, []byte("spBv1.0/g/NDATA/n"), []byte(many)); err == nil || !strings.Contains(err.Error(), tooLarge) {
		t.Errorf("names: %v", err)
	}
	for i := range 80 {
		if _, err := c.Decode(nil, fmt.Appendf(nil, "spBv1.0/g/NBIRTH/n%d", i), birth); err != nil {
			t.Fatal(err)
		}
	}
	if c.births.bytes > mostNameBytes || len(notes) != 1 {
		t.Errorf("%d bytes of names, notes %.100q", c.births.bytes, notes)
	}
	if _, err := c.Decode(nil, []byte("spBv1.0/g/NBIRTH/n"), nil); err != nil || c.births.bytes > mostNameBytes {
		t.Error(err)
	}
}
