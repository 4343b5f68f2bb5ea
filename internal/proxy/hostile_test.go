package proxy

import (
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A client without CONNECT is closed after a while, and so is one that would take the place of others.
func TestHostile(t *testing.T) {
	var mu sync.Mutex
	var reports []string
	opt := Options{Look: true, Connections: 4, ConnectTimeout: 500 * time.Millisecond, Report: func(s Source, text string, err error) {
		mu.Lock()
		defer mu.Unlock()
		reports = append(reports, text)
	}}
	for _, look := range []bool{true, false} {
		opt.Look = look
		p, addr := start(t, server(t, echo), opt)
		silent := []*net.TCPConn{dial(t, addr), dial(t, addr)}
		wantEnd(t, dial(t, addr)) // half of the places are for clients that have sent something
		for _, c := range silent {
			wantEnd(t, c)
		}
		eventually(t, "places", func() bool { return len(p.Connections()) == 0 })
		for range 4 {
			c := dial(t, addr)
			b := packets(t, connect("c"))
			c.Write(b)
			want(t, c, b)
		}
		wantEnd(t, dial(t, addr))
	}
	half := []byte{0x10, 100, 0, 4, 'M', 'Q', 'T', 'T'}
	opt.Look = true
	_, addr := start(t, server(t, echo), opt)
	c := dial(t, addr)
	c.Write(half)
	wantEnd(t, c)
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(reports)
	wanted := append(slices.Repeat([]string{"closed: no CONNECT came in time"}, 5), slices.Repeat([]string{"closed: there are too many connections"}, 4)...)
	if !slices.Equal(reports, wanted) {
		t.Errorf("reports: %q", reports)
	}
}

// Bytes that are not MQTT are reported once for each connection.
func TestForeign(t *testing.T) {
	for _, row := range []struct{ client, server, who string }{
		{"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "client"},
		{"\x16\x03\x01\x02\x00\x01", "\x15\x03\x03\x00\x02\x02\x28", "client"},
		{"\x10\x0c\x00\x04HTTP\x05\x02\x00\x00\x00", "x", "client"},
		{string(packets(t, connect("c"))), "HTTP/1.1 400 Bad Request\r\n\r\n", "server"},
		{string(packets(t, connect("c"))) + "\x30\xff\xff\xff\xff\x01", "", "client"},
	} {
		var mu sync.Mutex
		var reports []string
		opt := Options{Look: true, Report: func(s Source, text string, err error) {
			mu.Lock()
			defer mu.Unlock()
			reports = append(reports, text)
		}}
		got := make(chan string, 1)
		_, addr := start(t, server(t, func(c net.Conn) {
			c.Write([]byte(row.server))
			b, _ := io.ReadAll(c)
			got <- string(b)
		}), opt)
		c := dial(t, addr)
		c.Write([]byte(row.client))
		want(t, c, []byte(row.server))
		c.CloseWrite()
		if b := <-got; b != row.client {
			t.Errorf("%q arrived, %q was sent", b, row.client)
		}
		wantEnd(t, c)
		mu.Lock()
		if len(reports) != 1 || !strings.HasPrefix(reports[0], "what the "+row.who+" sends is not MQTT") {
			t.Errorf("%q: reports %q", row.client, reports)
		}
		mu.Unlock()
	}
}

// A server that cannot be reached is reported for each connection, and the client is closed.
func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	for _, look := range []bool{true, false} {
		reports := make(chan error, 10)
		_, addr := start(t, nobody, Options{Look: look, Report: func(_ Source, text string, err error) { reports <- err }})
		for range 2 {
			c := dial(t, addr)
			c.Write(packets(t, connect("c")))
			if err := <-reports; err == nil {
				t.Error("no reason")
			}
			wantEnd(t, c)
		}
	}
}
