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

// peer is the other end of a client's connection.
type peer struct {
	k    *bench
	t    *testing.T
	conn net.Conn
	v    proto.Version

	mu     sync.Mutex
	got    [][]byte // whole packets
	over   bool     // the broker closed
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

// pause makes the peer stop reading; the returned function makes it go on.
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

// bytes sends bytes as they are.
func (p *peer) bytes(b []byte) {
	p.conn.SetWriteDeadline(time.Now().Add(time.Minute))
	p.conn.Write(b) // a broker that closed meanwhile is what want and closed tell
}

// hex sends bytes written in hexadecimal, blanks between them as one likes.
func (p *peer) hex(s string) {
	p.t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		p.t.Fatal(err)
	}
	p.bytes(b)
}

// send sends packets, all in one piece, and waits until they have had their effect.
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

// silent expects that nothing more has come and the connection is open.
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

// closed expects that nothing more came and the broker has closed.
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

// cut breaks the connection.
func (p *peer) cut() {
	p.conn.Close()
	synctest.Wait()
}

// leave disconnects as one should.
func (p *peer) leave() {
	p.t.Helper()
	p.send(&proto.Disconnect{})
	p.closed()
}
