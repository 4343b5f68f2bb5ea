package pub

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mqtt/internal/conn"
	"mqtt/internal/connect"
	"mqtt/internal/message"
	"mqtt/internal/proto"
)

// drain is a server without a kernel: it accepts, and takes whatever comes.
type drain struct {
	net.Conn
	hello *bytes.Reader
}

func newDrain(v proto.Version) drain {
	b, _ := (&proto.Connack{}).Append(nil, v)
	return drain{hello: bytes.NewReader(b)}
}

func (d drain) Read(b []byte) (int, error) {
	if n, err := d.hello.Read(b); err == nil {
		return n, nil
	}
	return 0, os.ErrDeadlineExceeded
}
func (drain) Write(b []byte) (int, error)      { return len(b), nil }
func (drain) Close() error                     { return nil }
func (drain) CloseWrite() error                { return io.ErrClosedPipe }
func (drain) SetDeadline(time.Time) error      { return nil }
func (drain) SetReadDeadline(time.Time) error  { return nil }
func (drain) SetWriteDeadline(time.Time) error { return nil }

// BenchmarkLines publishes lines of 64 bytes at QoS 0, all of pub -l but the kernel's part
// of the network.
func BenchmarkLines(b *testing.B) {
	const many = 100_000
	for name, row := range map[string]struct{ before, key string }{"plain": {}, "keyed": {"bench/t=", "="}} {
		b.Run(name, func(b *testing.B) {
			file := filepath.Join(b.TempDir(), "lines")
			line := append([]byte(row.before), append(bytes.Repeat([]byte("x"), 64), '\n')...)
			if err := os.WriteFile(file, bytes.Repeat(line, many), 0o600); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.SetBytes(many * int64(len(line)))
			for b.Loop() {
				publishLines(b, file, row.key)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/many, "ns/line")
		})
	}
}

func publishLines(b *testing.B, file, key string) {
	in, err := os.Open(file)
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	p := publisher{f: &flags{}, plan: &connect.Plan{}}
	cfg := &conn.Config{
		Connect: proto.Connect{Version: proto.V5, CleanStart: true, ClientID: "me"},
		Dial:    func(_ context.Context, v proto.Version) (net.Conn, error) { return newDrain(v), nil },
	}
	p.src = message.NewLines(in, message.LineOptions{
		Base: proto.Publish{Topic: []byte("bench/t")}, Delimiter: []byte("\n"), Key: []byte(key), Wake: p.wake,
	})
	defer p.src.Close()
	err = conn.Hold(context.Background(), cfg, &p.session, conn.Backoff{}, p.serve)
	if err != nil {
		b.Fatal(err)
	}
}
