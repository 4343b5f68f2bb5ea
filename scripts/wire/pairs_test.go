package main

import (
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// relay is as much of a broker as pairs and hold need: exact filters, QoS 0 and 1. It drops
// each message for whose number lose returns true.
type relay struct {
	lose func(n int) bool

	mu   sync.Mutex
	subs map[string][]net.Conn
	n    int
}

func (r *relay) serve(conn net.Conn) {
	in := newFrames(conn)
	for {
		head, body, err := in.wait()
		if err != nil {
			return
		}
		var out []byte
		switch {
		case head == typeConnect:
			out = []byte{typeConnack, 2, 0, 0}
		case head == typeSubscribe:
			filter, rest, _ := cutString(body[2:])
			r.mu.Lock()
			r.subs[string(filter)] = append(r.subs[string(filter)], conn)
			r.mu.Unlock()
			out = []byte{typeSuback, 3, body[0], body[1], rest[0]}
		case head == typePingreq:
			out = []byte{typePingresp, 0}
		case head&0xf0 == typePublish:
			topic, rest, _ := cutString(body)
			if head&6 != 0 {
				out = []byte{typePuback, 2, rest[0], rest[1]}
			}
			b := append(appendVarint([]byte{head}, len(body)), body...)
			r.mu.Lock()
			r.n++
			for _, c := range r.subs[string(topic)] {
				if r.lose == nil || !r.lose(r.n) {
					c.Write(b)
				}
			}
			r.mu.Unlock()
		}
		if _, err := conn.Write(out); err != nil {
			return
		}
	}
}

func startRelay(t *testing.T, lose func(int) bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	r := &relay{lose: lose, subs: map[string][]net.Conn{}}
	go func() { // ends with the listener
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go r.serve(conn) // ends with the connection
		}
	}()
	return l.Addr().String()
}

func testPairs(t *testing.T, addr string) *pairs {
	t.Helper()
	p := &pairs{addr: addr, level: level311, topics: 3, subs: 2, count: 500, window: 50, silence: time.Second}
	var err error
	if p.payload, err = newPayload(20, false); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPairsCount(t *testing.T) {
	for qos := range byte(2) {
		p := testPairs(t, startRelay(t, nil))
		p.qos = qos
		r, err := p.run()
		if err != nil {
			t.Fatal(err)
		}
		if r.Sent != 1500 || r.Received != 3000 || r.Lost != 0 || r.Rate <= 0 {
			t.Errorf("QoS %d: %+v", qos, r)
		}
	}
}

func TestPairsLoss(t *testing.T) {
	p := testPairs(t, startRelay(t, func(n int) bool { return n == 700 }))
	r, err := p.run()
	if err != nil {
		t.Fatal(err)
	}
	if r.Lost != 2 {
		t.Errorf("%+v", r)
	}
}

func TestPairsAtARate(t *testing.T) {
	p := testPairs(t, startRelay(t, nil))
	p.rate = 2000
	r, err := p.run()
	if err != nil {
		t.Fatal(err)
	}
	// 500 messages at 2,000 per second. Their latency depends on the machine.
	if r.Received != 3000 || r.Seconds < 0.24 || r.P50 <= 0 || r.P999 < r.P50 {
		t.Errorf("%+v", r)
	}
}

func TestHold(t *testing.T) {
	ready := filepath.Join(t.TempDir(), "ready")
	in, feed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdin := os.Stdin
	os.Stdin = in
	defer func() { os.Stdin = stdin }()
	feed.Close()
	if err := holdCommand([]string{"--connect", startRelay(t, nil), "--count", "30", "--ready", ready}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(ready); err != nil {
		t.Error(err)
	}
}
