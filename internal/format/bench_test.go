package format

import (
	"bytes"
	"testing"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/proto/prototest"
)

// small returns a message as sensors send them.
func small() *Message {
	return message(proto.Publish{Topic: []byte("sensors/kitchen/temp"), Payload: bytes.Repeat([]byte("0123456789abcdef"), 4)})
}

// ticking measures o with messages that arrive 250 ns apart.
func ticking(b *testing.B, o Output, m *Message) {
	buf := make([]byte, 0, 64<<10)
	b.SetBytes(int64(len(m.Publish.Payload)))
	b.ReportAllocs()
	for b.Loop() {
		m.Received = m.Received.Add(250 * time.Nanosecond)
		buf = o.Append(buf[:0], m)
	}
}

func BenchmarkPlain(b *testing.B)   { ticking(b, &Plain{}, small()) }
func BenchmarkVerbose(b *testing.B) { ticking(b, &Verbose{}, small()) }
func BenchmarkJSON(b *testing.B)    { ticking(b, &JSON{}, small()) }

func BenchmarkFormat(b *testing.B) {
	for _, s := range []string{"%t %p", "%I %t %q %l %p", "%x", "%j", "%J"} {
		b.Run(s, func(b *testing.B) { ticking(b, compile(b, s, Options{}), small()) })
	}
	b.Run("%J of an object", func(b *testing.B) {
		m := small()
		m.Publish.Payload = []byte(`{"sensor": "kitchen", "value": 21.5, "ok": true, "at": 12345678}`)
		ticking(b, compile(b, "%J", Options{}), m)
	})
}

func BenchmarkVisible(b *testing.B) {
	payload := small().Publish.Payload
	buf := make([]byte, 0, 1024)
	for b.Loop() {
		buf = Visible(buf[:0], payload)
	}
}

func TestNothingAllocates(t *testing.T) {
	all := small()
	all.Publish.Props = prototest.Properties()
	all.Publish.Payload = []byte(`{"a": [1, "é\u0041\u009b"], "b": 127.0}`)
	binary := small()
	binary.Publish.Payload = []byte("\xff\xfe")
	outputs := map[string]Output{
		"plain": &Plain{}, "verbose": &Verbose{Options: Options{Visible: true}}, "hex": &Plain{Options{Payload: Hex}}, "base64": &Plain{Options{Payload: Base64}},
		"json": &JSON{}, "pretty": &JSON{Pretty: true},
		"format": compile(t, `%A%C%D%E%F%I%j%J%l%m%P%p%q%R%r%S%t%U%x%X%f%d%-10t|%010p%.2:x@c@D@r@Z@z@s@N\e`, Options{Visible: true, Zone: time.UTC}),
		"%j":     compile(t, "%j", Options{Pretty: true, Zone: time.UTC}),
	}
	buf := make([]byte, 0, 1<<16)
	for name, o := range outputs {
		for _, m := range []*Message{small(), all, binary} {
			o.Append(buf, m)
			if n := testing.AllocsPerRun(100, func() {
				m.Received = m.Received.Add(time.Second / 3)
				o.Append(buf, m)
			}); n != 0 {
				t.Errorf("%s of %q: %v allocations", name, m.Publish.Payload, n)
			}
		}
	}
}
