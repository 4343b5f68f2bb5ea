package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/transport/transporttest"
)

// request returns an upgrade as a browser sends it, with additional lines.
func request(path string, lines ...string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + strings.Join(append(lines, "", ""), "\r\n")
}

// TestUpgradeIsJudged checks which upgrade requests a listener accepts.
func TestUpgradeIsJudged(t *testing.T) {
	every := echo(t, &Endpoint{Host: "127.0.0.1", Port: "0", WebSocket: &WebSocket{}})
	one := echo(t, &Endpoint{Host: "127.0.0.1", Port: "0", WebSocket: &WebSocket{Path: "one"}, Origins: []string{"https://good.example"}})
	open := echo(t, &Endpoint{Host: "127.0.0.1", Port: "0", WebSocket: &WebSocket{}, Origins: []string{"*"}})
	for _, test := range []struct {
		url      URL
		request  string
		status   int
		protocol string
	}{
		{every, request("/mqtt", "Sec-WebSocket-Protocol: mqtt"), 101, "mqtt"}, // [MQTT-6.0.0-4]
		{every, request("/", "Sec-WebSocket-Protocol: mqttv3.1"), 101, "mqttv3.1"},
		{every, request("/x?y", "Sec-WebSocket-Protocol: chat, mqttv3.1, mqtt"), 101, "mqttv3.1"},
		{every, request("/"), 101, ""},
		{every, request("/", "Sec-WebSocket-Protocol: chat"), 400, ""},
		{one, request("/one?token=1", "Sec-WebSocket-Protocol: mqtt"), 101, "mqtt"},
		{one, request("/two", "Sec-WebSocket-Protocol: mqtt"), 404, ""},
		{every, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
		{every, "POST / HTTP/1.1\r\nHost: h\r\n\r\n", 405, ""},
		{every, request("/", "Origin: http://localhost:3000"), 101, ""},
		{every, request("/", "Origin: http://[::1]"), 101, ""},
		{every, request("/", "Origin: https://evil.example"), 403, ""},
		{every, request("/", "Origin: null"), 403, ""},
		{one, request("/one", "Origin: https://good.example"), 101, ""},
		{one, request("/one", "Origin: https://good.example.evil"), 403, ""},
		{open, request("/", "Origin: https://evil.example"), 101, ""},
	} {
		c, err := net.Dial("tcp", test.url.Addr())
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(10 * time.Second))
		io.WriteString(c, test.request)
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Errorf("%q: %v", test.request, err)
		} else if r.StatusCode != test.status || r.Header.Get("Sec-WebSocket-Protocol") != test.protocol {
			t.Errorf("%q: %d %v", test.request, r.StatusCode, r.Header)
		}
		c.Close()
	}
}

// TestOriginsBeyondLoopback checks the origins that a listener on other addresses allows.
func TestOriginsBeyondLoopback(t *testing.T) {
	wide, lan := &Endpoint{}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}
	if !wide.allowsOrigin("https://a.example", lan) {
		t.Error("none named, and yet refused")
	}
	some := &Endpoint{Origins: []string{"https://a.example"}}
	if some.allowsOrigin("https://b.example", lan) || !some.allowsOrigin("https://A.example", lan) {
		t.Error("the list is not kept")
	}
}

// TestHandshakeOfListener checks that bytes after the request are not lost, and that another
// protocol is detected by its first byte.
func TestHandshakeOfListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &Listener{end: Endpoint{WebSocket: &WebSocket{}}}
		a, b := net.Pipe()
		c := l.wrap(b)
		// The handshake continues after a timeout.
		text := request("/mqtt", "Sec-WebSocket-Protocol: mqtt")
		raw := append([]byte(text), 0x82, 0x82, 0, 0, 0, 0, 'h', 'i')
		go func() { // ends when everything is written
			a.Write(raw[:50])
			time.Sleep(3 * time.Second)
			a.Write(raw[50:])
			r := bufio.NewReader(a)
			http.ReadResponse(r, nil)
			io.Copy(io.Discard, r)
		}()
		c.SetReadDeadline(time.Now().Add(time.Second))
		p := make([]byte, 10)
		if _, err := c.Read(p); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		c.SetReadDeadline(time.Time{})
		if n, err := c.Read(p); err != nil || string(p[:n]) != "hi" {
			t.Fatalf("%q %v", p[:n], err)
		}
		if _, ok := state(c); ok {
			t.Error("TLS without TLS")
		}
		c.Close()
		a.Close()

		for first, want := range map[string]string{"\x10\x0c\x00\x04MQTT": "does not speak WebSocket", "\x16\x03\x01": "speaks TLS, not WebSocket", "": "closed"} {
			a, b := net.Pipe()
			c := l.wrap(b)
			go func() { // ends with the close below
				io.WriteString(a, first)
				a.Close()
			}()
			_, err := c.Read(p)
			var e *Error
			if !errors.As(err, &e) || e.Phase != Upgrade || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v", first, err)
			}
			if _, err := c.Write(p); err == nil {
				t.Errorf("%q: written without a handshake", first)
			}
			c.Close()
		}

		// A request that is too long is an error.
		a, b = net.Pipe()
		c = l.wrap(b)
		go func() { // ends with the close below
			for {
				if _, err := io.WriteString(a, "GET "+strings.Repeat("x", 100)); err != nil {
					return
				}
			}
		}()
		if _, err := c.Read(p); err == nil || !strings.Contains(err.Error(), "too long") {
			t.Error(err)
		}
		c.Close()
	})
}

// starved is a listener that is out of file descriptors for a while.
type starved struct {
	net.Listener
	errs []error
	conn net.Conn
}

func (s *starved) Accept() (net.Conn, error) {
	if len(s.errs) == 0 {
		return s.conn, nil
	}
	err := s.errs[0]
	s.errs = s.errs[1:]
	return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept", err)}
}

func (s *starved) Close() error { return nil }

// TestAcceptRetries checks that Accept tries again while the system is out of file descriptors.
func TestAcceptRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		defer a.Close()
		defer b.Close()
		var waits []time.Duration
		l := &Listener{closed: make(chan struct{})}
		l.end.AcceptFailed = func(err error, wait time.Duration) { waits = append(waits, wait) }
		l.l = &starved{errs: slices.Repeat([]error{syscall.EMFILE, syscall.ECONNABORTED}, 5), conn: a}
		start := time.Now()
		if c, err := l.Accept(); c != a || err != nil {
			t.Fatal(c, err)
		}
		if len(waits) != 10 || waits[0] != 5*time.Millisecond || waits[9] != time.Second || time.Since(start) < time.Second {
			t.Errorf("waits %v", waits)
		}

		l.l = &starved{errs: slices.Repeat([]error{syscall.ENFILE}, 1000)}
		result := make(chan error)
		go func() {
			_, err := l.Accept()
			result <- err
		}()
		synctest.Wait()
		l.Close()
		if err := <-result; !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}

		l.l = &starved{errs: []error{syscall.EINVAL}}
		if _, err := l.Accept(); !errors.Is(err, syscall.EINVAL) {
			t.Error(err)
		}
	})
}

// TestListenErrors checks phase, text and hint of errors of Listen.
func TestListenErrors(t *testing.T) {
	ctx := context.Background()
	l, err := Listen(ctx, &Endpoint{Host: "127.0.0.1", Port: "0"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, test := range []struct {
		end        Endpoint
		phase      Phase
		text, hint string
	}{
		{Endpoint{Host: "127.0.0.1", Port: l.URL().Port}, Listening, "listen on " + l.URL().Addr() + ": address already in use", "another program"},
		{Endpoint{Host: "192.0.2.1", Port: "0"}, Listening, "listen on 192.0.2.1:0: cannot assign requested address", "does not belong to this machine"},
		{Endpoint{TLS: &TLS{}}, Prepare, "needs a certificate", ""},
		{Endpoint{WebSocket: &WebSocket{Path: "/ "}}, Prepare, "%20", ""},
	} {
		_, err := Listen(ctx, &test.end)
		var e *Error
		if !errors.As(err, &e) || e.Phase != test.phase || !strings.Contains(err.Error(), test.text) || !strings.Contains(Hint(err), test.hint) {
			t.Errorf("%v (%s)", err, Hint(err))
		}
	}
}

// TestListenerURL checks the URL for clients on this machine.
func TestListenerURL(t *testing.T) {
	certs := transporttest.New(t)
	for in, want := range map[string]string{
		"mqtt://localhost:0":    "mqtt://localhost:%s",
		"mqtt://0.0.0.0:0":      "mqtt://127.0.0.1:%s",
		"mqtt://:0":             "mqtt://127.0.0.1:%s",
		"mqtts://127.0.0.1:0":   "mqtts://127.0.0.1:%s",
		"ws://127.0.0.1:0":      "ws://127.0.0.1:%s/mqtt",
		"wss://127.0.0.1:0/x/y": "wss://127.0.0.1:%s/x/y",
	} {
		u, err := ParseURL(in)
		if err != nil {
			t.Fatal(err)
		}
		e := u.Endpoint()
		if e.TLS != nil {
			e.TLS.Cert, e.TLS.Key = certs.Server, certs.ServerKey
		}
		l, err := Listen(context.Background(), e)
		if err != nil {
			t.Fatal(err)
		}
		port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
		if got := l.URL().String(); got != fmt.Sprintf(want, port) {
			t.Errorf("%s: %s", in, got)
		}
		l.Close()
	}
}

// TestClientCertificateIsKnown checks that a listener's connection has the state of its TLS, also
// below a WebSocket.
func TestClientCertificateIsKnown(t *testing.T) {
	c := transporttest.New(t)
	for _, websocket := range []*WebSocket{nil, {}} {
		name := make(chan string, 1)
		u := serve(t, &Endpoint{Host: "127.0.0.1", Port: "0", WebSocket: websocket, TLS: &TLS{Cert: c.Server, Key: c.ServerKey, CAFile: c.CA}},
			func(conn net.Conn) {
				if _, ok := state(conn); ok {
					t.Error("a state before the handshake")
				}
				io.ReadFull(conn, make([]byte, 1))
				s, _ := state(conn)
				if len(s.PeerCertificates) == 0 {
					name <- "none"
					return
				}
				name <- s.PeerCertificates[0].Subject.CommonName
			})
		target := u.Target()
		target.TLS = &TLS{CAFile: c.CA, Cert: c.Client, Key: c.ClientKey}
		dial(t, target).Write([]byte{0})
		if got := <-name; got != "client" {
			t.Errorf("the server saw %s", got)
		}
	}
}

// state returns the TLS state of a connection. ok is false if there is none, or no handshake yet.
func state(c net.Conn) (s tls.ConnectionState, ok bool) {
	t, ok := c.(interface{ ConnectionState() tls.ConnectionState })
	if !ok {
		return s, false
	}
	s = t.ConnectionState()
	return s, s.HandshakeComplete
}
