package transport

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// TestWebSocketRefusals checks text and hint of failed WebSocket handshakes.
func TestWebSocketRefusals(t *testing.T) {
	answer := func(text string) *net.TCPAddr {
		return raw(t, func(c net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				io.WriteString(c, text)
			}
		})
	}
	tests := []struct {
		addr       *net.TCPAddr
		text, hint string
	}{
		{answer("HTTP/1.1 404 Not Found\r\n\r\n"), "the server answered 404 Not Found", "--ws-path"},
		{answer("HTTP/1.1 401 Unauthorized\r\n\r\n"), "401", "--ws-header"},
		{answer("HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n"), "302", "redirects"},
		{answer("HTTP/1.1 200 OK\r\n\r\n<html>"), "200 OK", "--ws-path"},
		{answer("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"), "Accept", ""},
		{answer(""), "closed the connection", "mqtt://"},
		{answer("\x20\x02\x00\x01"), "does not speak WebSocket", "mqtt://"},
		{answer("\x15\x03\x01\x00\x02\x02\x46"), "speaks TLS, not WebSocket", "wss://"},
		{answer("HTTP/1.1 101 " + strings.Repeat("x", maxHead)), "too long", ""},
		{raw(t, func(c net.Conn) { c.Read(make([]byte, 1)) }), "", ""}, // closed with bytes unread: reset or end
	}
	for _, test := range tests {
		target := at(test.addr)
		target.WebSocket = &WebSocket{}
		_, err := Dial(context.Background(), &target, nil)
		var e *Error
		if !errors.As(err, &e) || e.Phase != Upgrade || !strings.HasPrefix(err.Error(), "websocket with 127.0.0.1:") ||
			!strings.Contains(err.Error(), test.text) || !strings.Contains(e.Hint(), test.hint) {
			t.Errorf("%v (%s), want %q (%q)", err, Hint(err), test.text, test.hint)
		}
	}
}

// TestUpgradeRequest checks the request that Dial sends.
func TestUpgradeRequest(t *testing.T) {
	requests := make(chan *http.Request, 1)
	a := raw(t, func(c net.Conn) {
		r, _ := http.ReadRequest(bufio.NewReader(c))
		requests <- r
	})
	target := at(a)
	for _, test := range []struct {
		ws                  *WebSocket
		uri, protocol, host string
	}{
		{&WebSocket{}, "/mqtt", "mqtt", a.String()}, // the subprotocol is offered [MQTT-6.0.0-3]
		{&WebSocket{Path: "x/%2F?a=%20&b", Subprotocol: "mqttv3.1"}, "/x/%2F?a=%20&b", "mqttv3.1", a.String()},
		{&WebSocket{Header: http.Header{"Host": {"front.example"}, "X-A": {"1", "2"}}}, "/mqtt", "mqtt", "front.example"},
	} {
		target.WebSocket = test.ws
		if c, err := Dial(context.Background(), &target, nil); err == nil {
			c.Close()
			t.Fatal("no error")
		}
		r := <-requests
		if r.RequestURI != test.uri || r.Header.Get("Sec-WebSocket-Protocol") != test.protocol || r.Host != test.host ||
			strings.Join(r.Header["X-A"], "") != strings.Join(test.ws.Header["X-A"], "") {
			t.Errorf("%s %s %v", r.Host, r.RequestURI, r.Header)
		}
	}
	for in, want := range map[string]string{"ws://h/": "h", "wss://h": "h", "ws://h:443": "h:443", "wss://[::1]:80": "[::1]:80", "ws://[fe80::1%25x]": "[fe80::1]"} {
		u, err := ParseURL(in)
		if got := hostHeader(u.Target()); err != nil || got != want {
			t.Errorf("%s: Host %s", in, got)
		}
	}
}
