package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"mqtt/internal/transport/transporttest"
)

// join copies bytes between a client and the server at addr.
func join(c net.Conn, from io.Reader, addr string) {
	s, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer s.Close()
	done := make(chan struct{})
	go func() { // ends when either side is closed
		io.Copy(c, s)
		c.Close()
		close(done)
	}()
	io.Copy(s, from)
	s.(*net.TCPConn).CloseWrite()
	<-done
}

// socks is a SOCKS5 proxy. It sends the requested address to asked, and copies bytes to the server
// at addr. If user is set, it requires user:secret.
func socks(asked chan<- string, addr string, user bool) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		next := func(n int) []byte {
			b := make([]byte, n)
			io.ReadFull(r, b)
			return b
		}
		methods := next(int(next(2)[1]))
		if !user {
			c.Write([]byte{5, 0})
		} else {
			if !strings.Contains(string(methods), "\x02") {
				c.Write([]byte{5, 0xFF})
				return
			}
			c.Write([]byte{5, 2})
			name := next(int(next(2)[1]))
			password := next(int(next(1)[0]))
			if string(name) != "user" || string(password) != "secret" {
				c.Write([]byte{1, 1})
				return
			}
			c.Write([]byte{1, 0})
		}
		var host string
		switch next(4)[3] {
		case 1:
			host = net.IP(next(4)).String()
		case 4:
			host = net.IP(next(16)).String()
		case 3:
			host = string(next(int(next(1)[0])))
		}
		asked <- fmt.Sprintf("%s:%d", host, binary.BigEndian.Uint16(next(2)))
		if host == "refuse.me" {
			c.Write([]byte{5, 2, 0, 1, 0, 0, 0, 0, 0, 0})
			return
		}
		c.Write([]byte{5, 0, 0, 1, 127, 0, 0, 1, 0, 9})
		join(c, r, addr)
	}
}

// connect is an HTTP proxy of the same kind.
func connect(asked chan<- string, addr string, user bool) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if user && req.Header.Get("Proxy-Authorization") != "Basic dXNlcjpzZWNyZXQ=" {
			io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 3\r\n\r\nno\n")
			return
		}
		asked <- req.RequestURI
		if req.Method != "CONNECT" || req.Host == "refuse.me:1883" {
			io.WriteString(c, "HTTP/1.1 403 Forbidden\r\n\r\n")
			return
		}
		io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Connection established\r\nX-Y: z\r\n\r\n")
		join(c, r, addr)
	}
}

// TestProxies connects through every kind of proxy.
func TestProxies(t *testing.T) {
	ends, trust := kinds(t)
	certs := transporttest.New(t)
	pair, err := (&TLS{Cert: certs.Server, Key: certs.ServerKey}).ServerConfig()
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan string, 1)
	for scheme, e := range ends {
		if scheme == Unix {
			continue
		}
		u := echo(t, e)
		proxies := map[string]*net.TCPAddr{}
		for _, user := range []bool{false, true} {
			at := ""
			if user {
				at = "user:secret@"
			}
			s, h := raw(t, socks(asked, u.Addr(), user)), raw(t, connect(asked, u.Addr(), user))
			hs := raw(t, func(c net.Conn) { connect(asked, u.Addr(), user)(tls.Server(c, pair)) })
			proxies["socks5://"+at], proxies["socks5h://"+at], proxies["http://"+at], proxies["https://"+at] = s, s, h, hs
		}
		for prefix, addr := range proxies {
			t.Run(string(scheme)+" "+prefix, func(t *testing.T) {
				p, err := ParseProxy(prefix + addr.String())
				if err != nil {
					t.Fatal(err)
				}
				target := u.Target()
				target.Host, target.Proxy, target.ProxyTLS, target.Resolver = "b.example.org", p, &TLS{CAFile: certs.CA}, nameServer(nil)
				if target.TLS != nil {
					target.TLS = &TLS{CAFile: trust.CAFile, ServerName: "localhost"}
				}
				var tr Trace
				c, err := Dial(context.Background(), target, &tr)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				roundTrip(t, c)
				want := "b.example.org:" + u.Port // the proxy resolves the name
				if p.Scheme == "socks5" {
					want = "127.0.0.1:" + u.Port // we resolve it
				}
				if got := <-asked; got != want {
					t.Errorf("the proxy was asked for %s", got)
				}
				if tr.Proxy <= 0 || (tr.Resolve > 0) != (p.Scheme == "socks5") || tr.Remote != addr.String() {
					t.Errorf("trace %+v", tr)
				}
				if _, ok := c.(interface{ CloseWrite() error }); !ok {
					t.Error("no CloseWrite")
				}
			})
		}
	}
}

// TestProxyErrors checks phase, text and hint of the errors of proxies.
func TestProxyErrors(t *testing.T) {
	asked := make(chan string, 10)
	plain := raw(t, socks(asked, "", false))
	locked := raw(t, socks(asked, "", true))
	http, httpLocked := raw(t, connect(asked, "", false)), raw(t, connect(asked, "", true))
	odd := raw(t, func(c net.Conn) { io.WriteString(c, "SSH-2.0-x\r\n"); io.Copy(io.Discard, c) })
	hangs := raw(t, func(c net.Conn) { c.(*net.TCPConn).CloseWrite(); io.Copy(io.Discard, c) })
	long := raw(t, func(c net.Conn) {
		io.WriteString(c, "HTTP/1.1 200 "+strings.Repeat("x", maxHead))
		io.Copy(io.Discard, c)
	})
	failing := raw(t, func(c net.Conn) { // 05 00, then reply 5
		c.Write([]byte{5, 0, 5, 5, 0, 1, 0, 0, 0, 0, 0, 0})
		io.Copy(io.Discard, c)
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr()
	l.Close()
	for _, test := range []struct {
		proxy      string
		text, hint string
	}{
		{"socks5h://" + plain.String(), "not allowed by ruleset", "--proxy"},
		{"socks5h://user:wrong@" + locked.String(), "authentication failed", "--proxy"},
		{"socks5h://" + locked.String(), "no acceptable authentication methods", "--proxy"},
		{"http://" + http.String(), "it answered 403 Forbidden", "does not allow this host"},
		{"http://user:wrong@" + httpLocked.String(), "it answered 407", "user and password"},
		{"http://" + httpLocked.String(), "it answered 407", "user and password"},
		{"http://" + odd.String(), "speaks SSH, not HTTP", "--proxy"},
		{"http://" + hangs.String(), "closed the connection", "--proxy"},
		{"http://" + long.String(), "too long", "--proxy"},
		{"http://" + nobody.String(), "connection refused", "--proxy none"},
		{"socks5h://" + nobody.String(), "connection refused", "--proxy none"},
		{"socks5h://" + failing.String(), ": it answered: connection refused", "reach the server"},
	} {
		p, err := url.Parse(test.proxy)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Dial(context.Background(), &Target{Host: "refuse.me", Proxy: p}, nil)
		var e *Error
		if !errors.As(err, &e) || e.Phase != Proxy || !strings.HasPrefix(err.Error(), "proxy 127.0.0.1:") ||
			!strings.Contains(err.Error(), test.text) || !strings.Contains(e.Hint(), test.hint) || strings.Contains(err.Error(), "wrong") {
			t.Errorf("%s: %v (%s)", test.proxy, err, Hint(err))
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	waits := raw(t, func(c net.Conn) { c.Read(make([]byte, 1)); cancel(); io.Copy(io.Discard, c) })
	for _, scheme := range []string{"http://", "socks5h://"} {
		p, _ := url.Parse(scheme + waits.String())
		if _, err := Dial(ctx, &Target{Host: "h", Proxy: p}, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("%s cancelled: %v", scheme, err)
		}
	}
}
