package broker

import (
	"encoding/hex"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/proto"
)

// peer is the client's end of a connection.
type peer struct {
	k    *bench
	t    *testing.T
	conn net.Conn
	v    proto.Version

	mu     sync.Mutex
	got    [][]byte // whole packets
	over   bool     // the broker has closed
	paused chan struct{}
}

func (p *peer) listen() {
	var raw []byte
	buf := make([]byte, 4096)
	for {
		p.mu.Lock()
		wait := p.paused
		p.mu.Unlock()
		if wait != nil {
			<-wait
		}
		n, err := p.conn.Read(buf)
		raw = append(raw, buf[:n]...)
		p.mu.Lock()
		for {
			_, size, _ := proto.Split(raw, 0)
			if size == 0 {
				break
			}
			p.got = append(p.got, append([]byte(nil), raw[:size]...))
			raw = raw[size:]
		}
		if err != nil {
			p.over = true
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
	}
}

// pause makes the peer stop reading until the returned function is called.
func (p *peer) pause() func() {
	ch := make(chan struct{})
	p.mu.Lock()
	p.paused = ch
	p.mu.Unlock()
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.paused == ch {
			p.paused = nil
			close(ch)
		}
	}
}

// bytes sends bytes unchanged.
func (p *peer) bytes(b []byte) {
	p.conn.SetWriteDeadline(time.Now().Add(time.Minute))
	p.conn.Write(b) // want and closed report a broker that has closed
}

// hex sends bytes written in hexadecimal, with spaces anywhere.
func (p *peer) hex(s string) {
	p.t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		p.t.Fatal(err)
	}
	p.bytes(b)
}

// send sends packets in one write, and waits until the broker has handled them.
func (p *peer) send(packets ...proto.Packet) {
	p.t.Helper()
	p.post(packets...)
	synctest.Wait()
}

// post sends packets in one write. It may be called while other goroutines send, too.
func (p *peer) post(packets ...proto.Packet) {
	p.t.Helper()
	p.bytes(p.encode(packets...))
}

// encode returns packets as bytes. It belongs to the test's own goroutine.
func (p *peer) encode(packets ...proto.Packet) (b []byte) {
	p.t.Helper()
	for _, x := range packets {
		var err error
		if b, err = x.Append(b, p.v); err != nil {
			p.t.Fatalf("send %s: %v", x.Type(), err)
		}
	}
	return b
}

// frame returns the next packet that the broker sent.
func (p *peer) frame() (proto.Frame, bool) {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.got) == 0 {
		return proto.Frame{}, false
	}
	f, _, err := proto.Split(p.got[0], 0)
	if err != nil {
		p.t.Fatal(err)
	}
	p.got = p.got[1:]
	return f, true
}

// next returns the next packet, nil if there is none.
func (p *peer) next() proto.Packet {
	p.t.Helper()
	f, ok := p.frame()
	if !ok {
		return nil
	}
	x, err := proto.Decode(f, p.v)
	if err != nil {
		p.t.Fatalf("the broker sent %x: %v", f.Body, err)
	}
	return x
}

// want expects packets by their dumps, in that order.
func (p *peer) want(dumps ...string) {
	p.t.Helper()
	for _, d := range dumps {
		x := p.next()
		if x == nil {
			p.t.Fatalf("want %s, got nothing (closed: %v)", d, p.over)
		}
		if got := dump(x); got != d {
			p.t.Fatalf("want %s\n got %s", d, got)
		}
	}
}

// silent expects an open connection and no more packets.
func (p *peer) silent() {
	p.t.Helper()
	if x := p.next(); x != nil {
		p.t.Fatalf("want nothing, got %s", dump(x))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		p.t.Fatal("want an open connection, got a closed one")
	}
}

// closed expects no more packets and a closed connection.
func (p *peer) closed() {
	p.t.Helper()
	if x := p.next(); x != nil {
		p.t.Fatalf("want a close, got %s", dump(x))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over {
		p.t.Fatal("want a closed connection, got an open one")
	}
}

// cut closes the connection without DISCONNECT.
func (p *peer) cut() {
	p.conn.Close()
	synctest.Wait()
}

// leave disconnects with DISCONNECT.
func (p *peer) leave() {
	p.t.Helper()
	p.send(&proto.Disconnect{})
	p.closed()
}
