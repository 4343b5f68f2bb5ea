package decode

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/tinylib/msgp/msgp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// randomValue returns a value that JSON, CBOR and MessagePack all have.
func randomValue(r *rand.Rand, depth int) any {
	switch n := r.IntN(9); {
	case n == 0:
		return nil
	case n == 1:
		return r.IntN(2) == 0
	case n == 2:
		return r.Int64() >> r.IntN(63)
	case n == 3:
		return -(r.Int64() >> r.IntN(63))
	case n == 4:
		return r.NormFloat64()
	case n == 5:
		return float64(float32(r.NormFloat64()))
	case n == 6 || depth > 4:
		return strings.Repeat(string(rune(' '+r.IntN(3000))), r.IntN(80))
	case n == 7:
		list := make([]any, r.IntN(20))
		for i := range list {
			list[i] = randomValue(r, depth+1)
		}
		return list
	}
	object := make(map[string]any)
	for range r.IntN(20) {
		object[string(rune('a'+r.IntN(26)))] = randomValue(r, depth+1)
	}
	return object
}

// sameJSON reports whether two texts are the same value.
func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	return reflect.DeepEqual(x, y)
}

// TestReferences decodes what well-known libraries encode, and encodes it to the same bytes.
func TestReferences(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	canonical, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	for range 2000 {
		v := randomValue(r, 0)
		want, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		wire, err := canonical.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		got, err := cborCodec{}.Decode(nil, nil, wire)
		if err != nil || !sameJSON(t, got, want) {
			t.Fatalf("cbor %x: %s, %v; want %s", wire, got, err, want)
		}
		if back, err := (cborCodec{}).Encode(nil, nil, got); err != nil || !bytes.Equal(back, wire) {
			t.Fatalf("cbor %s back: %x, %v; want %x", got, back, err, wire)
		}
		if wire, err = msgp.AppendIntf(nil, v); err != nil {
			t.Fatal(err)
		}
		if got, err = (msgpackCodec{}).Decode(nil, nil, wire); err != nil || !sameJSON(t, got, want) {
			t.Fatalf("msgpack %x: %s, %v; want %s", wire, got, err, want)
		}
		back, err := msgpackCodec{}.Encode(nil, nil, got)
		if err != nil {
			t.Fatal(err)
		}
		if v, rest, err := msgp.ReadIntfBytes(back); err != nil || len(rest) > 0 {
			t.Fatalf("msgpack %s back: %v, %v", got, v, err)
		}
	}
}

// sampleFile declares every type of field.
func sampleFile() *descriptorpb.FileDescriptorProto {
	file := &descriptorpb.FileDescriptorProto{Name: proto.String("s.proto"), Package: proto.String("plant"), Syntax: proto.String("proto3"),
		Dependency: []string{"google/protobuf/timestamp.proto", "google/protobuf/duration.proto"}}
	m := &descriptorpb.DescriptorProto{Name: proto.String("Reading")}
	add := func(name string, kind descriptorpb.FieldDescriptorProto_Type, repeated bool, typeName string) {
		label := descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL
		if repeated {
			label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED
		}
		f := &descriptorpb.FieldDescriptorProto{Name: proto.String(name), Number: proto.Int32(int32(len(m.Field) + 1)), Type: kind.Enum(), Label: label.Enum(),
			JsonName: proto.String(strings.ReplaceAll(name, "_x", "X"))}
		if typeName != "" {
			f.TypeName = proto.String(typeName)
		}
		m.Field = append(m.Field, f)
	}
	for kind := range len(descriptorpb.FieldDescriptorProto_Type_name) {
		if k := descriptorpb.FieldDescriptorProto_Type(kind + 1); k != descriptorpb.FieldDescriptorProto_TYPE_GROUP {
			name := strings.ToLower(strings.TrimPrefix(k.String(), "TYPE_"))
			typeName := map[descriptorpb.FieldDescriptorProto_Type]string{descriptorpb.FieldDescriptorProto_TYPE_ENUM: ".plant.Color", descriptorpb.FieldDescriptorProto_TYPE_MESSAGE: ".plant.Reading"}[k]
			add(name, k, false, typeName)
			add(name+"_xs", k, true, typeName)
		}
	}
	add("at", descriptorpb.FieldDescriptorProto_TYPE_MESSAGE, false, ".google.protobuf.Timestamp")
	add("took", descriptorpb.FieldDescriptorProto_TYPE_MESSAGE, false, ".google.protobuf.Duration")
	add("labels", descriptorpb.FieldDescriptorProto_TYPE_MESSAGE, true, ".plant.Reading.LabelsEntry")
	entry := &descriptorpb.DescriptorProto{Name: proto.String("LabelsEntry"), Options: &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)}, Field: []*descriptorpb.FieldDescriptorProto{
		{Name: proto.String("key"), JsonName: proto.String("key"), Number: proto.Int32(1), Type: descriptorpb.FieldDescriptorProto_TYPE_INT32.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()},
		{Name: proto.String("value"), JsonName: proto.String("value"), Number: proto.Int32(2), Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()},
	}}
	m.NestedType = append(m.NestedType, entry)
	file.MessageType = append(file.MessageType, m)
	file.EnumType = append(file.EnumType, &descriptorpb.EnumDescriptorProto{Name: proto.String("Color"), Value: []*descriptorpb.EnumValueDescriptorProto{
		{Name: proto.String("NONE"), Number: proto.Int32(0)}, {Name: proto.String("RED"), Number: proto.Int32(1)}}})
	return file
}

// sampleSet returns sampleFile and its imports as a FileDescriptorSet.
func sampleSet(t testing.TB) string {
	t.Helper()
	b, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{
		protodesc.ToFileDescriptorProto(timestamppb.File_google_protobuf_timestamp_proto),
		protodesc.ToFileDescriptorProto(durationpb.File_google_protobuf_duration_proto), sampleFile()}})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestProto compares with the library: its bytes are decoded to its JSON, and encoded to its bytes.
func TestProto(t *testing.T) {
	fd, err := protodesc.NewFile(sampleFile(), protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	md := fd.Messages().ByName("Reading")
	c := mustNew(t, "proto:set:plant.Reading", map[string]string{"set": sampleSet(t)})
	if _, err := New("proto:set:Reading", Options{ReadFile: func(string) ([]byte, error) { return []byte(sampleSet(t)), nil }}); err != nil {
		t.Errorf("a name without its package: %v", err)
	}
	for _, text := range []string{
		`{}`,
		`{"double":1.5,"float":21.4,"int64":"-9223372036854775808","uint64":"18446744073709551615","int32":-2147483648,"fixed64":"1","fixed32":4294967295,"bool":true,
		"string":"grün","bytes":"AQI=","uint32":7,"enum":"RED","sfixed32":-1,"sfixed64":"-1","sint32":-2147483648,"sint64":"-9223372036854775808","message":{"int32":5}}`,
		`{"doubleXs":[1,2],"floatXs":["NaN","Infinity"],"int64Xs":["1","-1"],"int32Xs":[1,-1],"boolXs":[true,false],"stringXs":["a",""],"bytesXs":["","AQ=="],"enumXs":["RED","NONE",7],
		"sint32Xs":[-1,1],"fixed32Xs":[1,2],"fixed64Xs":["1"],"sfixed32Xs":[-1],"sfixed64Xs":["-1"],"uint32Xs":[1],"uint64Xs":["1"],"sint64Xs":["-5"],"messageXs":[{},{"int32":1}]}`,
		`{"at":"2026-11-20T15:04:05.123456789Z","took":"-1.500s","labels":{"-7":"x"}}`,
		`{"at":"1970-01-01T00:00:00Z","took":"3s","enum":9}`,
	} {
		m := dynamicpb.NewMessage(md)
		if err := (protojson.UnmarshalOptions{}).Unmarshal([]byte(text), m); err != nil {
			t.Fatal(err)
		}
		wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Decode(nil, nil, wire)
		if err != nil {
			t.Fatal(err)
		}
		again := dynamicpb.NewMessage(md)
		if err := protojson.Unmarshal(got, again); err != nil || !proto.Equal(m, again) && !strings.Contains(text, "NaN") {
			t.Errorf("%s, %v\nwant %s", got, err, text)
		}
		back, err := c.Encode(nil, nil, got)
		if err != nil || !bytes.Equal(back, wire) {
			t.Errorf("%s back: %x, %v\nwant %x", got, back, err, wire)
		}
		if ours, err := c.Encode(nil, nil, []byte(strings.ReplaceAll(strings.ReplaceAll(text, `"-9223372036854775808"`, `-9223372036854775808`), "\n", ""))); err == nil && len(ours) == 0 && len(wire) > 0 {
			t.Errorf("%s is lost", text)
		}
	}
	testUnknown(t, c, md)
}

// testUnknown checks fields that the schema does not have, and fields that come twice.
func testUnknown(t *testing.T, c Codec, md protoreflect.MessageDescriptor) {
	t.Helper()
	number := byte(md.Fields().ByName("message").Number())
	inner := byte(md.Fields().ByName("uint32").Number())
	wire := appendVarint(appendVarint(nil, 1000, 5), 1000, 6)
	wire = appendBytes(wire, int(number), appendVarint(nil, int(inner), 1))
	wire = appendBytes(wire, int(number), appendVarint(nil, int(inner), 2))
	got, err := c.Decode(nil, nil, wire)
	if want := `{"1000":[{"varint":5},{"varint":6}],"message":{"uint32":2}}`; err != nil || string(got) != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
	if _, err := c.Decode(nil, nil, appendBytes(nil, int(inner), "x")); err == nil || !strings.Contains(err.Error(), "the field uint32 of the wrong wire type") {
		t.Error(err)
	}
	for text, want := range map[string]string{
		`{"nope":1}`:                  "/nope: plant.Reading has no such field",
		`{"message":{"enum":"BLUE"}}`: `/message/enum: "BLUE" is not a value of the enum`,
		`{"int32Xs":[1,"a"]}`:         "/int32Xs/1: expected a number, got a string",
		`{"at":"noon"}`:               `/at: "noon" is not a time`,
		`{"took":"1"}`:                `/took: "1" is not a duration`,
	} {
		if _, err := c.Encode(nil, nil, []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// TestFormats checks the names of formats.
func TestFormats(t *testing.T) {
	files := func(name string) ([]byte, error) {
		switch name {
		case `C:\set.binpb`:
			return []byte(sampleSet(t)), nil
		case "a.avsc":
			return []byte(`"int"`), nil
		}
		return []byte("{"), nil
	}
	for format, want := range map[string]string{
		`proto:C:\set.binpb:Reading`: "", "avro:a.avsc": "", "gzip+zstd+json": "",
		"protobuf": `unknown format "protobuf"`, "gzip+": `unknown format ""`, "cbor:x": `unknown format "cbor:x"`, "avro": `unknown format "avro"`,
		"proto:x": "proto:x lacks a descriptor set or a message", "proto:x:Y": "descriptor set: ", "avro:x": "schema of Avro: not JSON",
		`proto:C:\set.binpb:Nope`: "descriptor set: no message Nope: it has google.protobuf.Duration, google.protobuf.Timestamp, plant.Reading",
	} {
		_, err := New(format, Options{ReadFile: files})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", format, err, want)
		}
	}
}
