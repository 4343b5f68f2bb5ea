package main

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// A relay forwards bytes between clients and a server and disturbs them as the fault of each connection
// says. Its goroutines end with their connections and with the test.
type relay struct {
	l      net.Listener
	target atomic.Value      // the server's address
	fault  func(n int) fault // of connection n, from 0; asked by one goroutine

	cuts  atomic.Int32 // connections that were cut
	links atomic.Int32 // connections that were taken

	mu   sync.Mutex
	live map[*link]bool
	over bool
	wg   sync.WaitGroup
}

// fault is what happens to one connection. The zero value disturbs nothing.
type fault struct {
	up, down lane // towards the server, towards the client
	reset    bool // a cut is a reset, so that bytes under way are lost too
}

// lane is what happens to one direction.
type lane struct {
	cut   int           // the connection breaks when the byte of this number comes, from 1
	hold  int           // that byte and those behind it are taken and passed to nobody, and nothing breaks
	piece int           // bytes of a segment
	delay time.Duration // of each byte
	heard func([]byte)  // is told of all bytes that came
}

// relayTo starts a relay in front of a server on a port of this machine.
func relayTo(t *testing.T, port string, f func(n int) fault) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{l: l, fault: f, live: make(map[*link]bool)}
	r.aim(port)
	r.wg.Add(1)
	go r.accept() // close ends it
	t.Cleanup(r.close)
	return r
}

// aim sends later connections to another port.
func (r *relay) aim(port string) { r.target.Store(net.JoinHostPort("127.0.0.1", port)) }

// always returns the same fault for every connection.
func always(f fault) func(int) fault { return func(int) fault { return f } }

// first returns a fault for the first connection only.
func first(f fault) func(int) fault {
	return func(n int) fault {
		if n == 0 {
			return f
		}
		return fault{}
	}
}

// port returns the port of the relay.
func (r *relay) port() string {
	_, port, _ := net.SplitHostPort(r.l.Addr().String())
	return port
}

func (r *relay) accept() {
	defer r.wg.Done()
	for n := 0; ; n++ {
		c, err := r.l.Accept()
		if err != nil {
			return
		}
		s, err := net.Dial("tcp", r.target.Load().(string))
		if err != nil {
			c.Close()
			continue
		}
		k := &link{r: r, client: c.(*net.TCPConn), server: s.(*net.TCPConn), fault: r.fault(n), frozen: make(chan struct{}), broken: make(chan struct{})}
		r.links.Add(1)
		r.mu.Lock()
		if r.over {
			r.mu.Unlock()
			k.end()
			return
		}
		r.live[k] = true
		r.wg.Add(1)
		r.mu.Unlock()
		go k.run() // ends with its connections
	}
}

// freeze stops forwarding on all present connections without closing their sockets.
func (r *relay) freeze() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for k := range r.live {
		k.freeze()
	}
}

// breakAll cuts all present connections.
func (r *relay) breakAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for k := range r.live {
		k.end()
	}
}

func (r *relay) close() {
	r.l.Close()
	r.mu.Lock()
	r.over = true
	for k := range r.live {
		k.end()
	}
	r.mu.Unlock()
	r.wg.Wait()
}

// link is one connection through a relay.
type link struct {
	r              *relay
	client, server *net.TCPConn
	fault          fault
	frozen, broken chan struct{}
	ice, once      sync.Once
}

func (k *link) freeze() { k.ice.Do(func() { close(k.frozen) }) }

// end closes both sockets.
func (k *link) end() {
	k.once.Do(func() {
		close(k.broken)
		k.client.Close()
		k.server.Close()
	})
}

// cut ends the connection as its fault says.
func (k *link) cut() {
	if k.fault.reset {
		k.client.SetLinger(0)
		k.server.SetLinger(0)
	}
	k.r.cuts.Add(1)
	k.end()
}

func (k *link) run() {
	defer k.r.wg.Done()
	var wg sync.WaitGroup
	wg.Add(2)
	go func() { defer wg.Done(); k.pass(k.server, k.client, &k.fault.up) }()
	go func() { defer wg.Done(); k.pass(k.client, k.server, &k.fault.down) }()
	wg.Wait()
	k.end()
	k.r.mu.Lock()
	delete(k.r.live, k)
	k.r.mu.Unlock()
}

// parcel is bytes to be forwarded.
type parcel struct {
	b   []byte
	due time.Time
	cut bool // the connection ends here
}

// pass forwards one direction to its end.
func (k *link) pass(to, from *net.TCPConn, l *lane) {
	way := make(chan parcel, 4096)
	sent := make(chan struct{})
	go func() { // ends when way is closed
		defer close(sent)
		for p := range way {
			if !k.deliver(to, p, l) {
				k.end()
			}
		}
	}()
	held := k.collect(from, l, way)
	close(way)
	<-sent
	if held {
		k.end() // nobody would be told otherwise
		return
	}
	to.CloseWrite()
}

// collect reads until the stream ends. held reports whether some bytes were held back.
func (k *link) collect(from *net.TCPConn, l *lane, way chan<- parcel) (held bool) {
	seen := 0
	for {
		b := make([]byte, 16<<10)
		n, err := from.Read(b)
		select {
		case <-k.frozen:
			<-k.broken
			return true
		default:
		}
		b = b[:n]
		if l.heard != nil {
			l.heard(b)
		}
		cut := l.cut > 0 && seen+n >= l.cut
		if cut {
			b = b[:max(0, l.cut-1-seen)]
		}
		if l.hold > 0 && seen+n >= l.hold {
			b, held = b[:max(0, min(len(b), l.hold-1-seen))], true
		}
		seen += n
		if len(b) > 0 {
			select {
			case way <- parcel{b: b, due: time.Now().Add(l.delay)}:
			case <-k.broken:
				return held
			}
		}
		if cut {
			if k.fault.reset {
				k.cut() // may overtake what was passed on before
				return held
			}
			way <- parcel{cut: true}
			return held
		}
		if err != nil {
			return held
		}
	}
}

// deliver writes a parcel once it is due.
func (k *link) deliver(to *net.TCPConn, p parcel, l *lane) bool {
	if p.cut {
		k.cut()
		return false
	}
	if wait := time.Until(p.due); l.delay > 0 && wait > 0 {
		due := time.NewTimer(wait)
		defer due.Stop()
		select {
		case <-due.C:
		case <-k.broken:
			return false
		}
	}
	for b := p.b; len(b) > 0; {
		select {
		case <-k.frozen:
			<-k.broken
			return false
		default:
		}
		n := len(b)
		if l.piece > 0 {
			n = min(n, l.piece)
		}
		if _, err := to.Write(b[:n]); err != nil {
			return false
		}
		b = b[n:]
	}
	return true
}

// packets counts the packets of one direction, by type.
type packets struct {
	mu    sync.Mutex
	raw   []byte
	count map[proto.Type]int
	last  proto.Type
}

// hear is a lane.heard function for one connection.
func (p *packets) hear(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.raw = append(p.raw, b...)
	if p.count == nil {
		p.count = make(map[proto.Type]int)
	}
	for {
		f, n, err := proto.Split(p.raw, 0)
		if err != nil || n == 0 {
			return
		}
		p.last = f.Type()
		p.count[p.last]++
		p.raw = p.raw[n:]
	}
}

func (p *packets) of(t proto.Type) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count[t]
}

// final returns the type of the last packet.
func (p *packets) final() proto.Type {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}
