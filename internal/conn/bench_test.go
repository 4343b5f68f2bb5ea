package conn

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// memory is a stream without a kernel. Read returns in over and over, or the answer to the last
// write.
type memory struct {
	net.Conn
	first  []byte // CONNACK
	in     []byte
	at     int
	answer func(in, written []byte) []byte
}

func (m *memory) Read(b []byte) (int, error) {
	if len(m.first) > 0 {
		n := copy(b, m.first)
		m.first = m.first[n:]
		return n, nil
	}
	if m.at == len(m.in) {
		if m.answer != nil || len(m.in) == 0 {
			return 0, os.ErrDeadlineExceeded
		}
		m.at = 0
	}
	n := copy(b, m.in[m.at:])
	m.at += n
	return n, nil
}

func (m *memory) Write(b []byte) (int, error) {
	if m.answer != nil {
		if m.at == len(m.in) {
			m.in, m.at = m.in[:0], 0
		}
		m.in = m.answer(m.in, b)
	}
	return len(b), nil
}

func (m *memory) Close() error                     { return nil }
func (m *memory) SetDeadline(time.Time) error      { return nil }
func (m *memory) SetReadDeadline(time.Time) error  { return nil }
func (m *memory) SetWriteDeadline(time.Time) error { return nil }

// inMemory returns a connection over m.
func inMemory(t testing.TB, m *memory, window int) *Conn {
	t.Helper()
	m.first = wire(t, proto.V5, &proto.Connack{})
	c, err := Dial(context.Background(), &Config{
		Connect: proto.Connect{Version: proto.V5, CleanStart: true, ClientID: "me"},
		Window:  window,
		Dial:    func(context.Context, proto.Version) (net.Conn, error) { return m, nil },
	}, new(session.Session))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// acknowledges appends a PUBACK for each QoS 1 message in written.
func acknowledges(in, written []byte) []byte {
	for len(written) > 0 {
		f, n, err := proto.Split(written, 0)
		if err != nil || n == 0 {
			panic("a write that does not end with a packet")
		}
		written = written[n:]
		if f.First == 0x32 {
			id := f.Body[2+int(f.Body[1]):]
			in = append(in, 0x40, 2, id[0], id[1])
		}
	}
	return in
}

var (
	background = context.Background()
	topic      = []byte("bench/topic/1")
	payload    = []byte(strings.Repeat("x", 65))
)

func publishQoS0(t testing.TB) func() {
	c := inMemory(t, &memory{}, 0)
	p := proto.Publish{Topic: topic, Payload: payload}
	return func() {
		if err := c.Publish(background, &p, 0); err != nil {
			t.Fatal(err)
		}
	}
}

func publishAliased(t testing.TB) func() {
	c := inMemory(t, &memory{}, 0)
	c.server.TopicAliasMaximum = 1
	p := proto.Publish{Topic: topic, Payload: payload, Props: props(proto.TopicAlias, 1)}
	return func() {
		if err := c.Publish(background, &p, 0); err != nil {
			t.Fatal(err)
		}
	}
}

func publishQoS1(t testing.TB) func() {
	c := inMemory(t, &memory{answer: acknowledges}, 20)
	p := proto.Publish{QoS: 1, Topic: topic, Payload: payload}
	return func() {
		for c.Free() == 0 {
			for {
				if ev, err := c.Next(background); err != nil || ev.Kind != Delivered {
					t.Fatalf("event %d, error %v", ev.Kind, err)
				}
				if !c.Ready() {
					break
				}
			}
		}
		if err := c.Publish(background, &p, 7); err != nil {
			t.Fatal(err)
		}
	}
}

// nextQoS reads messages of 64 bytes from an endless stream, and writes PUBACKs.
func nextQoS(t testing.TB, qos byte) func() {
	p := proto.Publish{QoS: qos, Topic: topic, PacketID: 77, Payload: payload[:64]}
	if qos == 0 {
		p.PacketID = 0
	}
	var in []byte
	for range 10_000 {
		in = append(in, wire(t, proto.V5, &p)...)
	}
	c := inMemory(t, &memory{in: in}, 0)
	return func() {
		if ev, err := c.Next(background); err != nil || ev.Kind != Message {
			t.Fatalf("event %d, error %v", ev.Kind, err)
		}
	}
}

// TestNoAllocation checks that the hot paths do not allocate.
func TestNoAllocation(t *testing.T) {
	for name, step := range map[string]func(){
		"publish at QoS 0":         publishQoS0(t),
		"publish with Topic Alias": publishAliased(t),
		"publish at QoS 1":         publishQoS1(t),
		"next at QoS 0":            nextQoS(t, 0),
		"next at QoS 1":            nextQoS(t, 1),
	} {
		for range 20_000 {
			step()
		}
		if n := testing.AllocsPerRun(20_000, step); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func run(b *testing.B, step func()) {
	b.ReportAllocs()
	for b.Loop() {
		step()
	}
}

func BenchmarkPublishQoS0(b *testing.B)    { run(b, publishQoS0(b)) }
func BenchmarkPublishAliased(b *testing.B) { run(b, publishAliased(b)) }
func BenchmarkPublishQoS1(b *testing.B)    { run(b, publishQoS1(b)) }
func BenchmarkNextQoS0(b *testing.B)       { run(b, nextQoS(b, 0)) }
func BenchmarkNextQoS1(b *testing.B)       { run(b, nextQoS(b, 1)) }
