package proto

import (
	"bytes"
	"testing"
)

var sample = Publish{QoS: 1, Topic: []byte("bench/topic/1"), PacketID: 77, Payload: bytes.Repeat([]byte("x"), 64)}

func BenchmarkEncodePublish(b *testing.B) {
	dst := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = sample.Append(dst[:0], V5); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodePublish(b *testing.B) {
	wire, _ := sample.Append(nil, V5)
	f, _, err := Split(wire, 0)
	if err != nil {
		b.Fatal(err)
	}
	var p Publish
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Decode(f, V5); err != nil {
			b.Fatal(err)
		}
	}
}
