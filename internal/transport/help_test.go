package transport

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"mqtt/internal/transport/transporttest"
)

// serve opens e and calls f for each connection, until the test ends.
func serve(t *testing.T, e *Endpoint, f func(net.Conn)) URL {
	t.Helper()
	l, err := Listen(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	each(t, l, f)
	return l.URL()
}

// each calls f for each connection of l, until the test ends.
func each(t *testing.T, l net.Listener, f func(net.Conn)) {
	var (
		mu    sync.Mutex
		conns []net.Conn
		all   sync.WaitGroup
	)
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			all.Go(func() { defer c.Close(); f(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
}

// echo opens e and sends back what it receives.
func echo(t *testing.T, e *Endpoint) URL {
	return serve(t, e, func(c net.Conn) { io.Copy(c, c) })
}

// raw is a server on loopback that uses nothing of this package.
func raw(t *testing.T, f func(net.Conn)) *net.TCPAddr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	each(t, l, f)
	return l.Addr().(*net.TCPAddr)
}

func dial(t *testing.T, target *Target) net.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := Dial(ctx, target, nil)
	if err != nil {
		t.Fatalf("%v (%s)", err, Hint(err))
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func roundTrip(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	defer c.SetDeadline(time.Time{})
	const text = "there and back"
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Fatalf("%q came back: %v", got, err)
	}
}

// kinds has an endpoint of each scheme, and what a client needs to trust it.
func kinds(t *testing.T) (ends map[Scheme]*Endpoint, trust *TLS) {
	c := transporttest.New(t)
	tcp := func() *Endpoint { return &Endpoint{Host: "127.0.0.1", Port: "0"} }
	cert := &TLS{Cert: c.Server, Key: c.ServerKey}
	ends = map[Scheme]*Endpoint{MQTT: tcp(), MQTTS: tcp(), WS: tcp(), WSS: tcp(), Unix: {Socket: c.Dir + "/s"}}
	ends[MQTTS].TLS, ends[WSS].TLS = cert, cert
	ends[WS].WebSocket, ends[WSS].WebSocket = &WebSocket{}, &WebSocket{}
	return ends, &TLS{CAFile: c.CA}
}
