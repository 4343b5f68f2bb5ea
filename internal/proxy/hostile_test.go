package proxy

import (
	"fmt"
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
	for _, look := range []bool{true, false} {
		t.Run(fmt.Sprintf("look %v", look), func(t *testing.T) {
			t.Parallel()
			var reports reports
			p, addr := start(t, server(t, echo), Options{Look: look, Connections: 4, ConnectTimeout: time.Second, Report: reports.add})
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
			const slow, many = "closed: no CONNECT came in time", "closed: there are too many connections"
			reports.want(t, slow, slow, many, many)
		})
	}
	t.Run("half a CONNECT", func(t *testing.T) {
		t.Parallel()
		var reports reports
		_, addr := start(t, server(t, echo), Options{Look: true, ConnectTimeout: 500 * time.Millisecond, Report: reports.add})
		c := dial(t, addr)
		c.Write([]byte{0x10, 100, 0, 4, 'M', 'Q', 'T', 'T'})
		wantEnd(t, c)
		reports.want(t, "closed: no CONNECT came in time")
	})
}

// reports are the texts of Options.Report.
type reports struct {
	mu  sync.Mutex
	all []string
}

func (r *reports) add(_ Source, text string, _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, text)
}

// want compares the reports with texts, in alphabetical order.
func (r *reports) want(t *testing.T, texts ...string) {
	t.Helper()
	// The last connection may be closed a moment before that is reported.
	eventually(t, "reports", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.all) >= len(texts)
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.Sort(r.all)
	if !slices.Equal(r.all, texts) {
		t.Errorf("reports: %q, want %q", r.all, texts)
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
