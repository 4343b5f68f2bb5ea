package jsonline

import (
	"bytes"
	"testing"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/proto/prototest"
)

func BenchmarkEncoder(b *testing.B) {
	with := small()
	with.Props = prototest.Properties()
	unicode := small()
	unicode.Payload = []byte("Größe naïve 日本語 Straße éàü — 64 bytes and a bit more")
	binary := small()
	binary.Payload = bytes.Repeat([]byte{0xff, 0, 1, 2}, 16)
	for _, c := range []struct {
		name string
		p    *proto.Publish
	}{{"simple", small()}, {"properties", with}, {"unicode", unicode}, {"binary", binary}} {
		b.Run(c.name, func(b *testing.B) {
			var e Encoder
			buf := make([]byte, 0, 64<<10)
			b.SetBytes(int64(len(c.p.Payload)))
			b.ReportAllocs()
			at := when
			for b.Loop() {
				at = at.Add(250 * time.Nanosecond) // as time passes while messages arrive
				buf = e.Append(buf[:0], at, c.p)
			}
		})
	}
}

func BenchmarkCompact(b *testing.B) {
	for name, text := range map[string]string{
		"strings": `{"n":"0000000000000000","x":" The quick brown fox jumps over t"}`,
		"values":  `{"id":17,"temp":21.53,"ok":true,"tags":["a","b"],"at":"2026-11-20T15:04:05Z"}`,
		"blanks":  `{"id": 17, "temp": 21.53, "ok": true, "tags": ["a", "b"]}`,
	} {
		b.Run(name, func(b *testing.B) {
			var c Checker
			payload := []byte(text)
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := c.Compact(payload); !ok {
					b.Fatal(text)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	with := small()
	with.Props = prototest.Properties()
	quoted := small()
	quoted.Payload = []byte(`{"sensor": "kitchen", "value": 21.5, "ok": true, "at": 12345678}`)
	for _, c := range []struct {
		name string
		p    *proto.Publish
	}{{"simple", small()}, {"object", quoted}, {"properties", with}} {
		b.Run(c.name, func(b *testing.B) {
			var e Encoder
			line := e.Append(nil, when, c.p)
			var r Record
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for b.Loop() {
				if err := Parse(line, &r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestNothingAllocates(t *testing.T) {
	all := small()
	all.Props = prototest.Properties()
	all.Payload = []byte(`{"a": [1, "é\u0041\u009b"], "b": 127.0}`)
	binary := small()
	binary.Payload = []byte("\xff\xfe")
	var e Encoder
	var r Record
	buf := make([]byte, 0, 1<<16)
	for _, p := range []*proto.Publish{small(), all, binary} {
		line := e.Append(nil, when, p)
		at := when
		if n := testing.AllocsPerRun(100, func() {
			at = at.Add(time.Second / 3)
			e.Append(buf, at, p)
		}); n != 0 {
			t.Errorf("Append of %s: %v allocations", line, n)
		}
		if n := testing.AllocsPerRun(100, func() {
			if err := Parse(line, &r); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("Parse of %s: %v allocations", line, n)
		}
	}
}
