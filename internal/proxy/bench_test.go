package proxy

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"mqtt/internal/faults"
	"mqtt/internal/proto"
)

// BenchmarkRelay measures packets of 10 bytes of payload through the proxy, in one direction.
func BenchmarkRelay(b *testing.B) {
	for _, mode := range []string{"raw", "look", "record", "trace", "faults", "rules"} {
		b.Run(mode, func(b *testing.B) {
			log := NewLog(io.Discard, func(error) {})
			defer log.Close(time.Minute)
			opt := map[string]Options{
				"raw": {}, "look": {Look: true}, "record": {Watchers: []Watcher{Records{log}}}, "trace": {Watchers: []Watcher{Trace{Log: log}}},
				"faults": {Faults: benchPlan(b)}, "rules": {Rules: true},
			}[mode]
			near, client := pipe(b)
			far, server := pipe(b)
			opt.Dial = dialer(far)
			p := New(opt)
			p.admit(near)
			one := benchPacket(b, publish("a/b/c", "0123456789"))
			go func() {
				client.Write(benchConnect(b))
				batch := make([]byte, 0, len(one)*1000)
				for range 1000 {
					batch = append(batch, one...)
				}
				for n := 0; n < b.N; n += 1000 {
					client.Write(batch[:len(one)*min(1000, b.N-n)])
				}
			}()
			b.ReportAllocs()
			b.ResetTimer()
			io.ReadFull(server, make([]byte, len(benchConnect(b))))
			io.CopyN(io.Discard, server, int64(len(one)*b.N))
			b.StopTimer()
			client.Close()
			server.Close()
			p.Close()
		})
	}
}

// pipe returns the two ends of a TCP connection.
func pipe(b *testing.B) (x, y net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	if x, err = net.Dial("tcp", l.Addr().String()); err != nil {
		b.Fatal(err)
	}
	if y, err = l.Accept(); err != nil {
		b.Fatal(err)
	}
	return x, y
}

func dialer(c net.Conn) func(context.Context) (net.Conn, error) {
	return func(context.Context) (net.Conn, error) { return c, nil }
}

func benchPlan(b *testing.B) *faults.Plan {
	p, err := faults.Parse("drop=0%")
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func benchConnect(b *testing.B) []byte { return benchPacket(b, connect("bench")) }

func benchPacket(b *testing.B, p proto.Packet) []byte {
	out, err := p.Append(nil, proto.V5)
	if err != nil {
		b.Fatal(err)
	}
	return out
}
