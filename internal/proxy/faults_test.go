package proxy

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"mqtt/internal/faults"
	"mqtt/internal/proto"
)

// arrivals are the numbers of the messages that a server got, in their order.
type arrivals struct {
	mu      sync.Mutex
	numbers []uint64
	bad     int // packets that are no numbered message any more
	bytes   int
}

// collect is a server that keeps what it gets. Payloads are numbers of eight bytes.
func (a *arrivals) collect(c net.Conn) {
	b, err := io.ReadAll(c)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.bytes += len(b)
	if err != nil {
		return
	}
	for len(b) > 0 {
		size, err := proto.PacketSize(b)
		if err != nil || size == 0 || size > len(b) {
			a.bad++
			return
		}
		if f, _, _ := proto.Split(b, 0); f.Type() == proto.PUBLISH && size == numbered {
			a.numbers = append(a.numbers, binary.BigEndian.Uint64(b[size-8:]))
		} else if f.Type() != proto.CONNECT {
			a.bad++
		}
		b = b[size:]
	}
}

// numbered is the size of a numbered message to the topic a.
const numbered = 2 + 3 + 1 + 8

func message(t *testing.T, n int) []byte {
	return packets(t, publish("a", string(binary.BigEndian.AppendUint64(nil, uint64(n)))))
}

// What arrives through the proxy, and what it tells watchers, is exactly what the same plan decides for
// the same packets.
func TestFaultCounts(t *testing.T) {
	const n = 5000
	for _, words := range []string{
		"drop=3%", "duplicate=3%", "reorder=3%", "drop=2% duplicate=2% reorder=2% seed=9", "delay=0s..1ms packets=PUBLISH drop=1%",
		"drop=50% topic=b/#", "drop=5% client=c? way=in", "drop=5% client=other", "drop=100% way=out", "throttle=100MB/s duplicate=1%",
	} {
		t.Run(words, func(t *testing.T) {
			t.Parallel()
			var a arrivals
			watcher := new(seen)
			p, addr := start(t, server(t, a.collect), Options{Faults: plan(t, words), Watchers: []Watcher{watcher}})
			c := dial(t, addr)
			b := packets(t, connect("c1"))
			expected := plan(t, words).Connection()
			decide := func(kind proto.Type, size int) faults.Action {
				q := faults.Packet{In: true, Type: kind, Size: size, Client: "c1"}
				if kind == proto.PUBLISH {
					q.Topic = []byte("a")
				}
				return expected.Packet(q)
			}
			want := map[string]int{}
			decide(proto.CONNECT, len(b))
			var order []uint64
			held := -1
			for i := range n {
				m := message(t, i)
				b = append(b, m...)
				act := decide(proto.PUBLISH, len(m))
				want[act.Word()]++
				switch {
				case act.Drop:
					continue
				case act.Reorder:
					held = i
					continue
				case act.Duplicate:
					order = append(order, uint64(i))
				}
				order = append(order, uint64(i))
				if held >= 0 {
					order, held = append(order, uint64(held)), -1
				}
			}
			if held >= 0 {
				order = append(order, uint64(held))
			}
			go func() { c.Write(b); c.CloseWrite() }()
			wantEnd(t, c)
			eventually(t, "end", func() bool { return len(p.Connections()) == 0 })
			a.mu.Lock()
			defer a.mu.Unlock()
			if a.bad > 0 || !slices.Equal(a.numbers, order) {
				t.Errorf("%d messages arrived, %d bad ones, want %d: %v", len(a.numbers), a.bad, len(order), want)
			}
			got := map[string]int{}
			lines, _ := watcher.all()
			for _, line := range lines {
				var kind, way, word string
				fmt.Sscan(line, &kind, &way, &word)
				if kind == "PUBLISH" {
					got[word]++
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("told %v, want %v", got, want)
			}
		})
	}
}

// Each corrupted packet has exactly the bit flipped that its line names.
func TestFaultCorrupt(t *testing.T) {
	var mu sync.Mutex
	var got []byte
	done := make(chan bool)
	to := server(t, func(c net.Conn) {
		b, _ := io.ReadAll(c)
		mu.Lock()
		got = b
		mu.Unlock()
		close(done)
	})
	_, addr := start(t, to, Options{Faults: plan(t, "corrupt=10%")})
	c := dial(t, addr)
	sent := packets(t, connect("c"))
	f := plan(t, "corrupt=10%").Connection()
	want := slices.Clone(sent)
	f.Packet(faults.Packet{In: true, Type: proto.CONNECT, Size: len(sent), Client: "c"})
	flipped := 0
	for i := range 2000 {
		m := message(t, i)
		sent = append(sent, m...)
		if a := f.Packet(faults.Packet{In: true, Type: proto.PUBLISH, Size: len(m), Client: "c"}); a.Corrupt {
			m[a.Bit/8] ^= 0x80 >> (a.Bit % 8)
			flipped++
		}
		want = append(want, m...)
	}
	c.Write(sent)
	c.CloseWrite()
	<-done
	mu.Lock()
	defer mu.Unlock()
	if flipped < 100 || !slices.Equal(got, want) {
		t.Errorf("%d packets were to be corrupted, and other bytes came", flipped)
	}
}

// The faults of a connection: cut, stall, refuse.
func TestFaultsOfConnections(t *testing.T) {
	t.Parallel()
	hello, ping := packets(t, connect("c")), packets(t, &proto.Ping{Kind: proto.PINGREQ})
	t.Run("cut-after", func(t *testing.T) {
		t.Parallel()
		var a arrivals
		_, addr := start(t, server(t, a.collect), Options{Faults: plan(t, "cut-after=11")})
		c := dial(t, addr)
		b := slices.Clone(hello)
		for i := range 50 {
			b = append(b, message(t, i)...)
		}
		c.Write(b)
		io.ReadAll(c)
		eventually(t, "arrivals", func() bool { a.mu.Lock(); defer a.mu.Unlock(); return a.bytes > 0 })
		if want := len(hello) + 10*numbered; a.bytes != want {
			t.Errorf("%d bytes arrived, want %d", a.bytes, want)
		}
	})
	t.Run("cut-bytes", func(t *testing.T) {
		t.Parallel()
		var a arrivals
		_, addr := start(t, server(t, a.collect), Options{Faults: plan(t, fmt.Sprintf("cut-bytes=%d", len(hello)+3*numbered))})
		c := dial(t, addr)
		c.Write(slices.Concat(hello, message(t, 0), message(t, 1), message(t, 2), message(t, 3)))
		io.ReadAll(c)
		eventually(t, "arrivals", func() bool { a.mu.Lock(); defer a.mu.Unlock(); return a.bytes > 0 })
		if want := len(hello) + 3*numbered; a.bytes != want {
			t.Errorf("%d bytes arrived, want %d", a.bytes, want)
		}
	})
	t.Run("stall", func(t *testing.T) {
		t.Parallel()
		p, addr := start(t, server(t, echo), Options{Faults: plan(t, "stall=after:4")})
		c := dial(t, addr)
		c.Write(hello) // comes back: two packets
		want(t, c, hello)
		c.Write(ping)
		want(t, c, ping)
		c.Write(ping)
		c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if n, err := c.Read(make([]byte, 1)); n > 0 || err == nil {
			t.Error("something passes although the connection is stalled")
		}
		c.Close() // the proxy notices although nothing passes
		eventually(t, "end", func() bool { return len(p.Connections()) == 0 })
	})
	t.Run("refuse", func(t *testing.T) {
		t.Parallel()
		reached := make(chan bool, 10)
		watcher := new(seen)
		_, addr := start(t, server(t, func(c net.Conn) { reached <- true; io.Copy(io.Discard, c) }), Options{Faults: plan(t, "refuse=0x97 client=c*"), Watchers: []Watcher{watcher}})
		c := dial(t, addr)
		c.Write(hello)
		want(t, c, packets(t, &proto.Connack{Reason: proto.QuotaExceeded}))
		wantEnd(t, c)
		old, err := (&proto.Connect{ClientID: "c3", CleanStart: true}).Append(nil, proto.V311)
		if err != nil {
			t.Fatal(err)
		}
		c = dial(t, addr)
		c.Write(old)
		want(t, c, []byte{0x20, 2, 0, 3})
		c = dial(t, addr)
		c.Write(packets(t, connect("another")))
		<-reached
		if lines, _ := watcher.all(); !slices.Equal(lines[:2], []string{"CONNECT in refuse", "CONNECT in refuse"}) || len(reached) > 0 {
			t.Errorf("%q, reached %d times more", lines, len(reached))
		}
	})
	t.Run("throttle", func(t *testing.T) {
		t.Parallel()
		_, addr := start(t, server(t, echo), Options{Faults: plan(t, "throttle=1MB/s way=in")})
		c := dial(t, addr)
		b := slices.Clone(hello)
		for range 25 {
			b = append(b, packets(t, publish("a", string(make([]byte, 10_000))))...)
		}
		began := time.Now()
		go c.Write(b)
		want(t, c, b)
		if took := time.Since(began); took < 240*time.Millisecond {
			t.Errorf("250 kB at 1 MB/s took %v", took)
		}
	})
	t.Run("delay", func(t *testing.T) {
		t.Parallel()
		_, addr := start(t, server(t, echo), Options{Faults: plan(t, "delay=60ms")})
		c := dial(t, addr)
		b := slices.Concat(hello, ping, ping, ping)
		began := time.Now()
		c.Write(b)
		want(t, c, b)
		if took := time.Since(began); took < 120*time.Millisecond {
			t.Errorf("two ways with 60 ms took %v", took)
		}
	})
	t.Run("reorder alone", func(t *testing.T) {
		t.Parallel()
		_, addr := start(t, server(t, echo), Options{Faults: plan(t, "reorder=100% way=in")})
		c := dial(t, addr)
		c.Write(hello)
		want(t, c, hello)
		began := time.Now()
		c.Write(ping)
		want(t, c, ping)
		if took := time.Since(began); took < faults.ReorderWait {
			t.Errorf("a packet without a next one came after %v", took)
		}
	})
}

// Faults that are set while the proxy runs meet connections that exist.
func TestSetFaults(t *testing.T) {
	p, addr := start(t, server(t, echo), Options{Look: true})
	hello, ping := packets(t, connect("c")), packets(t, &proto.Ping{Kind: proto.PINGREQ})
	c := dial(t, addr)
	c.Write(hello)
	want(t, c, hello)
	p.SetFaults(plan(t, "duplicate=100% way=in client=c"))
	c.Write(ping)
	want(t, c, slices.Concat(ping, ping))
	p.SetFaults(nil)
	c.Write(ping)
	want(t, c, ping)
	p.SetFaults(plan(t, "cut-after=2"))
	c.Write(ping)
	want(t, c, ping)
	c.Write(ping)
	wantEnd(t, c)
}
