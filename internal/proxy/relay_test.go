package proxy

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// modes are the ways in which the proxy relays: not looking, looking, and with all that can look.
func modes(t *testing.T) map[string]Options {
	return map[string]Options{
		"raw":     {},
		"look":    {Look: true},
		"watched": {Watchers: []Watcher{new(seen)}},
		"faults":  {Faults: plan(t, "delay=0s drop=0%")},
	}
}

// Bytes pass as they are, in both directions at the same time and in order, whether they are MQTT or
// not, and the end of each direction passes, too.
func TestBytes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	size := 3 << 20
	if *long {
		size = 20 << 20
	}
	garbage := make([]byte, size)
	for i := range garbage {
		garbage[i] = byte(random.Uint32())
	}
	garbage[0] = 0xC5 // no packet begins so
	mqtt := packets(t, connect("c"))
	for n := 0; len(mqtt) < size; n++ {
		length := random.IntN(300)
		if n%1000 == 500 {
			length = random.IntN(3 << 20)
		}
		mqtt = append(mqtt, packets(t, publish("a/b", strings.Repeat("x", length)))...)
	}
	torn := packets(t, connect("c"), publish("t", strings.Repeat("x", 100)))
	torn = torn[:len(torn)-10]
	streams := map[string][]byte{"garbage": garbage, "mqtt": mqtt, "torn": torn}
	for mode, opt := range modes(t) {
		for name, stream := range streams {
			t.Run(mode+"/"+name, func(t *testing.T) {
				_, addr := start(t, server(t, echo), opt)
				c := dial(t, addr)
				go func() {
					for b := stream; len(b) > 0; {
						n, err := c.Write(b[:min(len(b), 1+rand.IntN(200_000))])
						if err != nil {
							return
						}
						b = b[n:]
					}
					c.CloseWrite()
				}()
				got, err := io.ReadAll(c)
				if err != nil || !bytes.Equal(got, stream) {
					t.Errorf("%d bytes came back (%v), %d were sent", len(got), err, len(stream))
				}
			})
		}
	}
}

// Packets that come byte by byte are the same to watchers, and pass.
func TestSegmentsOfOneByte(t *testing.T) {
	for mode, opt := range modes(t) {
		watcher := new(seen)
		if mode == "watched" {
			opt.Watchers = []Watcher{watcher}
		}
		_, addr := start(t, server(t, echo), opt)
		c := dial(t, addr)
		stream := packets(t, connect("c"), publish("a", strings.Repeat("x", 200)), &proto.Ping{Kind: proto.PINGREQ})
		for i := range stream {
			c.Write(stream[i : i+1])
		}
		want(t, c, stream)
		lines, _ := watcher.all()
		// What the server answers may be seen in between.
		lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasSuffix(line, " out") })
		if mode == "watched" && !slices.Equal(lines, []string{"CONNECT in", "PUBLISH in", "PINGREQ in"}) {
			t.Errorf("%q", lines)
		}
	}
}

// Many small packets pass unchanged.
func TestSmallPackets(t *testing.T) {
	n := 50_000
	if *long {
		n = 1_000_000
	}
	for mode, opt := range modes(t) {
		if mode == "watched" {
			opt.Watchers = nil // it keeps everything
			opt.Look = true
		}
		t.Run(mode, func(t *testing.T) {
			_, addr := start(t, server(t, echo), opt)
			c := dial(t, addr)
			stream := packets(t, connect("c"))
			for i := range n {
				stream = append(stream, packets(t, publish("a", fmt.Sprint(i)))...)
			}
			go c.Write(stream)
			want(t, c, stream)
		})
	}
}

// A reader that has stopped stops its peer, and the proxy holds little meanwhile.
func TestBackPressure(t *testing.T) {
	t.Parallel()
	for mode, opt := range modes(t) {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			hold := make(chan struct{})
			to := server(t, func(c net.Conn) {
				<-hold
				io.Copy(io.Discard, c)
			})
			p, addr := start(t, to, opt)
			c := dial(t, addr)
			c.Write(packets(t, connect("c")))
			stream := packets(t, publish("a", strings.Repeat("x", 1000)))
			sent := 0
			for {
				c.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
				n, err := c.Write(stream)
				sent += n
				if err != nil {
					break
				}
				if sent > 64<<20 {
					t.Fatal("64 MiB were accepted although nobody reads")
				}
			}
			if in := p.Connections()[0].In; in > uint64(sent) {
				t.Errorf("%d bytes relayed of %d", in, sent)
			}
			close(hold)
		})
	}
}

// A reader that is slow for longer than a large buffer is kept gets everything.
func TestSlowReader(t *testing.T) {
	const size = 24 << 20
	for mode, opt := range modes(t) {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			got := make(chan int, 1)
			_, addr := start(t, server(t, func(c net.Conn) {
				b, n := make([]byte, 1<<20), 0
				for {
					m, err := io.ReadFull(c, b)
					if n += m; err != nil {
						break
					}
					if n>>20%8 == 0 {
						time.Sleep(2 * keepLarge)
					}
				}
				got <- n
			}), opt)
			c := dial(t, addr)
			first := packets(t, connect("c"))
			one := packets(t, publish("a", strings.Repeat("x", 1<<20-9)))
			c.Write(first)
			for range size / (1 << 20) {
				if _, err := c.Write(one); err != nil {
					t.Fatal(err)
				}
			}
			c.CloseWrite()
			if n, want := <-got, len(first)+size/(1<<20)*len(one); n != want {
				t.Errorf("%d bytes arrived, %d were sent", n, want)
			}
		})
	}
}

// A packet of the largest size passes without being buffered.
func TestLargestPacket(t *testing.T) {
	if !*long {
		t.Skip("268 MB: only with -long")
	}
	const size = proto.MaxRemaining
	to := server(t, func(c net.Conn) {
		n, _ := io.Copy(io.Discard, c)
		fmt.Fprint(c, n)
	})
	_, addr := start(t, to, Options{Watchers: []Watcher{Records{discard(t)}}, Faults: plan(t, "duplicate=100%")})
	c := dial(t, addr)
	first := packets(t, connect("c"))
	c.Write(first)
	head := append([]byte{0x30}, proto.AppendUvarint(nil, size)...)
	head = append(head, 0, 1, 'a', 0)
	c.Write(head)
	block := make([]byte, 1<<20)
	var most uint64
	for left := size - 4; left > 0; left -= len(block) {
		c.SetDeadline(time.Now().Add(patience))
		if _, err := c.Write(block[:min(left, len(block))]); err != nil {
			t.Fatal(err)
		}
		if left%(32<<20) < len(block) {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
		}
	}
	c.CloseWrite()
	b, err := io.ReadAll(c)
	if want := fmt.Sprint(len(first) + 5 + size); err != nil || string(b) != want {
		t.Errorf("%s bytes arrived (%v), want %s", b, err, want)
	}
	if most > 100<<20 {
		t.Errorf("%d MiB of memory in use", most>>20)
	}
}

func discard(t *testing.T) *Log {
	l := NewLog(io.Discard, func(err error) { t.Error(err) })
	t.Cleanup(func() { l.Close(patience) })
	return l
}

// Each side may close, half-close or reset, and the other one sees it, after all that was sent before.
func TestEnds(t *testing.T) {
	t.Parallel()
	hello := packets(t, connect("c"))
	bye := packets(t, &proto.Disconnect{Reason: proto.ServerShuttingDown})
	reset := func(c net.Conn) { c.(*net.TCPConn).SetLinger(0); c.Close() }
	for mode, opt := range modes(t) {
		t.Run(mode+"/client closes", func(t *testing.T) {
			t.Parallel()
			got := make(chan []byte, 1)
			_, addr := start(t, server(t, func(c net.Conn) { b, _ := io.ReadAll(c); got <- b }), opt)
			c := dial(t, addr)
			c.Write(hello)
			c.Close()
			if b := <-got; !bytes.Equal(b, hello) {
				t.Errorf("% x", b)
			}
		})
		t.Run(mode+"/client resets", func(t *testing.T) {
			t.Parallel()
			got := make(chan error, 1)
			p, addr := start(t, server(t, func(c net.Conn) {
				io.ReadFull(c, make([]byte, len(hello)))
				_, err := c.Read(make([]byte, 1))
				got <- err
			}), opt)
			c := dial(t, addr)
			c.Write(hello)
			eventually(t, "relay", func() bool { l := p.Connections(); return len(l) > 0 && l[0].In > 0 })
			reset(c)
			if err := <-got; err == nil {
				t.Error("no end")
			}
			eventually(t, "end", func() bool { return len(p.Connections()) == 0 })
		})
		t.Run(mode+"/server says why and closes", func(t *testing.T) {
			t.Parallel()
			p, addr := start(t, server(t, func(c net.Conn) {
				io.ReadFull(c, make([]byte, len(hello)))
				c.Write(bye)
			}), opt)
			c := dial(t, addr)
			c.Write(hello)
			want(t, c, bye)
			wantEnd(t, c)
			c.Close()
			eventually(t, "end", func() bool { return len(p.Connections()) == 0 })
		})
		t.Run(mode+"/server closes and the client goes on sending", func(t *testing.T) {
			t.Parallel()
			p, addr := start(t, server(t, func(c net.Conn) {
				io.ReadFull(c, make([]byte, len(hello)))
				c.Write(bye)
			}), opt)
			c := dial(t, addr)
			c.Write(hello)
			for {
				if _, err := c.Write(packets(t, publish("a", "x"))); err != nil {
					break
				}
				time.Sleep(time.Millisecond)
			}
			want(t, c, bye)
			eventually(t, "end", func() bool { return len(p.Connections()) == 0 })
		})
		t.Run(mode+"/server resets", func(t *testing.T) {
			t.Parallel()
			p, addr := start(t, server(t, func(c net.Conn) {
				io.ReadFull(c, make([]byte, len(hello)))
				reset(c)
			}), opt)
			c := dial(t, addr)
			c.Write(hello)
			if b, err := io.ReadAll(c); len(b) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
				t.Errorf("% x, %v", b, err)
			}
			eventually(t, "end", func() bool { return len(p.Connections()) == 0 })
		})
	}
}

// A peer that does not follow when the other one has closed its side is cut when nothing has moved for a
// while, and not before.
func TestHalfClosed(t *testing.T) {
	hello := packets(t, connect("c"))
	for mode, opt := range modes(t) {
		for _, who := range []string{"client", "server"} {
			t.Run(mode+"/"+who, func(t *testing.T) {
				t.Parallel()
				over := make(chan int, 1)
				p, addr := start(t, server(t, func(c net.Conn) {
					io.ReadFull(c, make([]byte, len(hello)))
					if who == "server" {
						c.(*net.TCPConn).CloseWrite()
						n, _ := io.Copy(io.Discard, c)
						over <- int(n)
						return
					}
					for range 5 { // the client has closed its side, and still gets what comes
						time.Sleep(150 * time.Millisecond)
						c.Write(hello)
					}
					n, _ := c.Read(make([]byte, 1)) // the client's end
					time.Sleep(time.Minute / 100)
					over <- n
					<-t.Context().Done()
				}), opt)
				p.half = 600 * time.Millisecond
				c := dial(t, addr)
				c.Write(hello)
				if who == "client" {
					c.CloseWrite()
					for range 5 {
						want(t, c, hello)
					}
				} else {
					wantEnd(t, c)
				}
				<-over
				eventually(t, "end", func() bool { return len(p.Connections()) == 0 })
			})
		}
	}
}
