package proxy

import (
	"context"
	"flag"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"mqtt/internal/faults"
	"mqtt/internal/proto"
)

var long = flag.Bool("long", false, "relay large amounts")

// patience is how long a test waits for what must happen: a busy machine is slow.
const patience = 60 * time.Second

// start runs a proxy to the server at an address until the test ends, and returns it with its address.
func start(t *testing.T, to string, opt Options) (*Proxy, string) {
	t.Helper()
	opt.Dial = func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", to) }
	return serve(t, opt)
}

func serve(t *testing.T, opt Options) (*Proxy, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := New(opt)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		p.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return p, l.Addr().String()
}

// server accepts connections and gives each to handle, until the test ends.
func server(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(2 * patience))
				handle(conn)
			})
		}
	})
	return l.Addr().String()
}

// echo is a server that sends back what it gets.
func echo(c net.Conn) {
	io.Copy(c, c)
	c.(*net.TCPConn).CloseWrite()
}

func dial(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c.(*net.TCPConn)
}

// packets encodes packets of version 5.
func packets(t *testing.T, all ...proto.Packet) (b []byte) {
	t.Helper()
	var err error
	for _, p := range all {
		if b, err = p.Append(b, proto.V5); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func connect(id string) *proto.Connect {
	return &proto.Connect{Version: proto.V5, CleanStart: true, ClientID: id}
}

func publish(topic, payload string) *proto.Publish {
	return &proto.Publish{Topic: []byte(topic), Payload: []byte(payload)}
}

// want reads the bytes that must come next.
func want(t *testing.T, c net.Conn, b []byte) {
	t.Helper()
	got := make([]byte, len(b))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != string(b) {
		t.Fatalf("got % x (%v), want % x", got[:n], err, b)
	}
}

// wantEnd reads until the end of the stream, at which nothing more must come.
func wantEnd(t *testing.T, c net.Conn) {
	t.Helper()
	if b, err := io.ReadAll(c); len(b) > 0 || err != nil {
		t.Fatalf("got % x (%v), want the end", b, err)
	}
}

// plan parses fault words.
func plan(t *testing.T, words string) *faults.Plan {
	t.Helper()
	p, err := faults.Parse(words)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// seen is a Watcher that keeps what it is told.
type seen struct {
	mu      sync.Mutex
	lines   []string // type, direction and fault of each packet
	json    [][]byte
	foreign int // bytes of Rest
	ends    []string
}

func (s *seen) Packet(p *Packet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := p.Type().String() + " " + wayName(p.In)
	if w := p.Fault(); w != "" {
		line += " " + w
	}
	s.lines = append(s.lines, line)
	s.json = append(s.json, AppendJSON(nil, p))
}

func (s *seen) Rest(_ *Source, _ bool, b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.foreign += len(b)
}

func (s *seen) End(_ *Source, in bool, how string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends = append(s.ends, wayName(in)+" "+how)
}

// all returns what was seen so far.
func (s *seen) all() (lines, ends []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.lines...), append([]string(nil), s.ends...)
}

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not after %v", what, patience)
		}
	}
}
