package broker

import (
	"crypto/tls"
	"fmt"
	"net"
	"testing"
	"testing/synctest"

	"mqtt/internal/proto"
)

// framed is a connection on top of another one, like a WebSocket.
type framed struct{ net.Conn }

func (f framed) NetConn() net.Conn { return f.Conn }

// The memory of TLS connections and handshakes is counted until they end.
func TestConnectionsAreCounted(t *testing.T) {
	for name, row := range map[string]struct {
		wrap func(net.Conn) net.Conn
		want int64
	}{
		"plain":     {func(c net.Conn) net.Conn { return c }, 0},
		"TLS":       {func(c net.Conn) net.Conn { return tls.Server(c, &tls.Config{}) }, tlsMemory},
		"WebSocket": {func(c net.Conn) net.Conn { return framed{c} }, handshakeMemory},
		"both":      {func(c net.Conn) net.Conn { return framed{tls.Server(c, &tls.Config{})} }, tlsMemory + handshakeMemory},
		"fault":     {func(c net.Conn) net.Conn { return newFaultConn(tls.Server(c, &tls.Config{}), nil) }, tlsMemory},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, Options{SysInterval: -1}, func(k *bench) {
				before := k.b.memory.Load()
				var all []net.Conn
				for range 10 {
					ours, theirs := net.Pipe()
					all = append(all, ours)
					k.l.c <- row.wrap(theirs)
				}
				synctest.Wait()
				if n := k.b.memory.Load() - before; n != 10*row.want {
					t.Errorf("%d bytes are counted, want %d", n, 10*row.want)
				}
				for _, c := range all {
					c.Close()
				}
				synctest.Wait()
				if n := k.b.memory.Load() - before; n != 0 {
					t.Errorf("%d bytes are left", n)
				}
			})
		})
	}
	in(t, Options{SysInterval: -1}, func(k *bench) { // a handshake is over with CONNECT
		ours, theirs := net.Pipe()
		p := &peer{k: k, t: t, conn: ours, v: proto.V5}
		k.peers = append(k.peers, p)
		k.l.c <- framed{theirs}
		go p.listen() // ends with the connection
		p.send(&proto.Connect{ClientID: "s", CleanStart: true})
		p.want("CONNACK 00")
		if n := k.b.memory.Load(); n != unit {
			t.Errorf("%d bytes are counted, want %d", n, unit)
		}
	})
}

// When memory runs out, the clients are disconnected whose packets have been unfinished longest,
// before and after CONNECT, and not one that sends a whole packet.
func TestUnfinishedPacketsMakeRoom(t *testing.T) {
	for name, start := range map[string]func(k *bench, i int) *peer{
		"before CONNECT": func(k *bench, i int) *peer {
			p := k.dial(proto.V5)
			p.hex("10 FFFF07 0004 4D515454 05 00 0000 00 FFFF")
			return p
		},
		"PUBLISH": func(k *bench, i int) *peer {
			p := k.connect(proto.V5, fmt.Sprint("half", i))
			p.hex("30 FFFF3F 0001 61")
			return p
		},
		"SUBSCRIBE": func(k *bench, i int) *peer {
			p := k.connect(proto.V5, fmt.Sprint("half", i))
			p.hex("82 FFFF3F 0001 00 FFFF")
			return p
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, Options{Memory: 4 << 20, SysInterval: -1}, func(k *bench) {
				var half []*peer
				for i := range 40 {
					p := start(k, i)
					p.bytes(make([]byte, 100_000))
					synctest.Wait()
					half = append(half, p)
				}
				for i := range 20 {
					p := k.connect(proto.V5, fmt.Sprint("whole", i))
					p.send(pub("a", big(100_000), 1, 1))
					p.want("PUBACK 1 10")
					p.leave()
				}
				closed := 0
				for i, p := range half {
					for p.next() != nil {
					}
					if p.over {
						closed++
					}
					if p.over != (i < closed) {
						t.Fatalf("client %d was cut: %v, and %d before it", i, p.over, closed)
					}
				}
				if closed == 0 || closed == len(half) {
					t.Errorf("%d of %d were cut", closed, len(half))
				}
				if m, n := k.b.memory.Load(), k.b.unfinished.endingBytes.Load(); m > 4<<20 || n != 0 {
					t.Errorf("%d bytes are counted, and %d end", m, n)
				}
			})
		})
	}
}
