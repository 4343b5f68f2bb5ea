package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"mqtt/internal/transport/transporttest"
)

// TestRoundTripOfEveryScheme sends bytes both ways over every kind of connection.
func TestRoundTripOfEveryScheme(t *testing.T) {
	ends, trust := kinds(t)
	for s, e := range ends {
		t.Run(string(s), func(t *testing.T) {
			u := echo(t, e)
			if u.Scheme != s || s != Unix && (u.Port == "0" || u.Host != "127.0.0.1") {
				t.Errorf("url %s", u)
			}
			target := u.Target()
			if target.TLS != nil {
				target.TLS = trust
			}
			var tr Trace
			c, err := Dial(context.Background(), target, &tr)
			if err != nil {
				t.Fatal(err)
			}
			roundTrip(t, c)
			if tr.Connect <= 0 || tr.Remote == "" || s.TLS() != (tr.TLS > 0) || s.WebSocket() != (tr.WebSocket > 0) ||
				s.WebSocket() && tr.Subprotocol != "mqtt" || tr.Resolve != 0 || tr.Proxy != 0 {
				t.Errorf("trace %+v", tr)
			}
			half, ok := c.(interface{ CloseWrite() error })
			if !ok {
				t.Fatal("no CloseWrite")
			}
			if err := half.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(c); len(b) > 0 || err != nil {
				t.Errorf("after CloseWrite: %q %v", b, err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestErrorsOfDial checks phase, text and hint of errors before TLS.
func TestErrorsOfDial(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := l.Addr().(*net.TCPAddr)
	l.Close()
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	silent := raw(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	bg := context.Background()
	soon := func() context.Context {
		ctx, cancel := context.WithTimeout(bg, 200*time.Millisecond)
		t.Cleanup(cancel)
		return ctx
	}
	tests := []struct {
		ctx    func() context.Context
		target Target
		phase  Phase
		text   string
		is     error
		hint   string
	}{
		{context.Background, at(free), Connect, fmt.Sprintf("connect to %s: connection refused", free), syscall.ECONNREFUSED, "host and port"},
		{context.Background, Target{Socket: "/nowhere/s"}, Connect, "connect to /nowhere/s: no such file or directory", os.ErrNotExist, "path"},
		{context.Background, Target{Host: "no.such.name", Resolver: nameServer(nil)}, Resolve, "resolve no.such.name: no such host", nil, "host name"},
		{context.Background, Target{Host: "no.such.name", SRV: true, Resolver: nameServer(nil)}, Resolve, "resolve _mqtt._tcp.no.such.name: no such host", nil, "host name"},
		{func() context.Context { return gone }, at(free), Connect, "interrupted", context.Canceled, ""},
		{soon, Target{Host: "127.0.0.1", Port: fmt.Sprint(silent.Port), TLS: &TLS{}}, Secure, "timed out", context.DeadlineExceeded, ""},
		{soon, Target{Host: "127.0.0.1", Port: fmt.Sprint(silent.Port), WebSocket: &WebSocket{}}, Upgrade, "timed out", context.DeadlineExceeded, ""},
	}
	for _, test := range tests {
		_, err := Dial(test.ctx(), &test.target, nil)
		var e *Error
		if !errors.As(err, &e) || e.Phase != test.phase || !strings.Contains(err.Error(), test.text) || !strings.Contains(Hint(err), test.hint) {
			t.Errorf("%v (%s)\nwant %v, %q (%q)", err, Hint(err), test.phase, test.text, test.hint)
		}
		if test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%v is not %v", err, test.is)
		}
	}
}

func at(a *net.TCPAddr) Target { return Target{Host: "127.0.0.1", Port: fmt.Sprint(a.Port)} }

// TestLocalhost checks that localhost is this machine in both address families, and that no
// resolver is asked (RFC 6761, section 6.3).
func TestLocalhost(t *testing.T) {
	for _, at := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", at)
		if err != nil {
			t.Logf("not tried: %v", err)
			continue
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		target := Target{Host: "localhost", Port: port}
		var tr Trace
		c, err := Dial(context.Background(), &target, &tr)
		if err != nil || tr.Resolve != 0 || tr.Remote != l.Addr().String() {
			t.Fatalf("%v, trace %+v", err, tr)
		}
		c.Close()
		l.Close()
		if _, err := Dial(context.Background(), &target, nil); !errors.Is(err, syscall.ECONNREFUSED) ||
			!strings.Contains(err.Error(), "connect to localhost:"+port) {
			t.Error(err)
		}
	}
}

// TestBindAddress checks the local address of a connection.
func TestBindAddress(t *testing.T) {
	from := make(chan string, 1)
	a := raw(t, func(c net.Conn) { from <- c.RemoteAddr().String() })
	target := at(a)
	target.Bind = "127.0.0.2"
	dial(t, &target)
	if got := <-from; !strings.HasPrefix(got, "127.0.0.2:") {
		t.Errorf("the server saw %s", got)
	}
	target.Bind = "192.0.2.1"
	if _, err := Dial(context.Background(), &target, nil); !errors.Is(err, syscall.EADDRNOTAVAIL) || !strings.Contains(Hint(err), "--bind") {
		t.Errorf("%v (%s)", err, Hint(err))
	}
}

// TestSRV checks that the servers of an SRV record are tried in order, and the certificate for the
// name that was asked for.
func TestSRV(t *testing.T) {
	c := transporttest.New(t)
	u := echo(t, &Endpoint{Host: "127.0.0.1", Port: "0"})
	secure := echo(t, &Endpoint{Host: "127.0.0.1", Port: "0", TLS: &TLS{Cert: c.Server, Key: c.ServerKey}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, closed, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	resolver := nameServer(map[string][]string{
		"_mqtt._tcp.example.org.":        {"a.example.org.:" + closed, "b.example.org.:" + u.Port}, // the first does not answer
		"_secure-mqtt._tcp.localhost.":   {"b.example.org.:" + secure.Port},
		"_secure-mqtt._tcp.example.org.": {"b.example.org.:" + secure.Port},
		"_mqtt._tcp.none.org.":           {".:0"},
	})
	var tr Trace
	conn, err := Dial(context.Background(), &Target{Host: "example.org", SRV: true, Resolver: resolver}, &tr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	roundTrip(t, conn)
	if tr.Resolve <= 0 || tr.Connect <= 0 {
		t.Errorf("trace %+v", tr)
	}
	// The certificate must be valid for the name of the Target, not for that of the SRV record.
	roundTrip(t, dial(t, &Target{Host: "localhost", SRV: true, Resolver: resolver, TLS: &TLS{CAFile: c.CA}}))
	_, err = Dial(context.Background(), &Target{Host: "example.org", SRV: true, Resolver: resolver, TLS: &TLS{CAFile: c.CA}}, nil)
	if err == nil || !strings.Contains(err.Error(), "not valid for example.org") {
		t.Error(err)
	}
	_, err = Dial(context.Background(), &Target{Host: "none.org", SRV: true, Resolver: resolver}, nil)
	if err == nil || !strings.Contains(err.Error(), "not offered") {
		t.Error(err)
	}
}

// nameServer returns a resolver whose name server has the given SRV records, and the address
// 127.0.0.1 for every name under example.org.
func nameServer(srv map[string][]string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go answerNames(server, srv) // ends when the resolver closes its side
		return client, nil
	}}
}

func answerNames(c net.Conn, srv map[string][]string) {
	defer c.Close()
	for {
		size := make([]byte, 2)
		if _, err := io.ReadFull(c, size); err != nil {
			return
		}
		query := make([]byte, int(size[0])<<8|int(size[1]))
		if _, err := io.ReadFull(c, query); err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(query) != nil {
			return
		}
		q := m.Questions[0]
		m.Response, m.Additionals, m.RCode = true, nil, dnsmessage.RCodeNameError
		head := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}
		for i, r := range srv[q.Name.String()] {
			host, port, _ := strings.Cut(r, ":")
			var n uint16
			fmt.Sscan(port, &n)
			m.RCode = dnsmessage.RCodeSuccess
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.SRVResource{
				Priority: uint16(i), Port: n, Target: dnsmessage.MustNewName(host)}})
		}
		if strings.HasSuffix(q.Name.String(), "example.org.") && q.Type != dnsmessage.TypeSRV {
			m.RCode = dnsmessage.RCodeSuccess
			if q.Type == dnsmessage.TypeA {
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}})
			}
		}
		out, err := m.Pack()
		if err != nil {
			return
		}
		if _, err := c.Write(append([]byte{byte(len(out) >> 8), byte(len(out))}, out...)); err != nil {
			return
		}
	}
}
