package transport

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
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

// TestUpgradeRequest checks the request that Dial sends. TestConnectionTokens checks that the
// Connection field of the answer may have further tokens, in any case, order and number of lines:
// RFC 6455, section 4.1.
func TestConnectionTokens(t *testing.T) {
	for _, test := range []struct {
		fields string
		ok     bool
	}{
		{"Connection: Upgrade", true},
		{"connection: keep-alive, Upgrade", true},
		{"Connection: UPGRADE , close", true},
		{"CONNECTION: x,upgrade,y", true},
		{"Connection: keep-alive\r\nConnection: Upgrade", true},
		{"Connection: Upgrade\r\nX-Connection: no\r\nConnection: keep-alive", true},
		{"Connection: keep-alive", false},
		{"Connection: Upgraded", false},
		{"X-Connection: Upgrade", false},
		{"Connection:", false},
	} {
		a := raw(t, func(c net.Conn) {
			r, err := http.ReadRequest(bufio.NewReader(c))
			if err != nil {
				return
			}
			sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
			io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\n"+test.fields+"\r\nUpgrade: WebSocket\r\nSec-WebSocket-Accept: "+
				base64.StdEncoding.EncodeToString(sum[:])+"\r\n\r\n\x82\x01x")
			c.Read(make([]byte, 100))
		})
		target := at(a)
		target.WebSocket = &WebSocket{}
		c, err := Dial(context.Background(), &target, nil)
		if (err == nil) != test.ok {
			t.Errorf("%q: error %v", test.fields, err)
		}
		if err != nil {
			continue
		}
		b := make([]byte, 10)
		if n, err := c.Read(b); err != nil || string(b[:n]) != "x" {
			t.Errorf("%q: read %q, %v", test.fields, b[:n], err)
		}
		c.Close()
	}
}

// TestOtherSubprotocol checks that a subprotocol that was not offered is named, with the flag for
// it.
func TestOtherSubprotocol(t *testing.T) {
	a := raw(t, func(c net.Conn) {
		if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
			io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Accept: "+
				base64.StdEncoding.EncodeToString(sum[:])+"\r\nSec-WebSocket-Protocol: mqttv5\r\n\r\n")
		}
	})
	target := at(a)
	target.WebSocket = &WebSocket{}
	_, err := Dial(context.Background(), &target, nil)
	if err == nil || !strings.Contains(err.Error(), `the server chose the subprotocol "mqttv5", and "mqtt" was offered`) || Hint(err) != "--ws-protocol mqttv5 offers it" {
		t.Errorf("%v (%s)", err, Hint(err))
	}
}

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
		{&WebSocket{Path: "//mqtt"}, "//mqtt", "mqtt", a.String()}, // the path as given
		{&WebSocket{Path: "//host/mqtt?ws://x"}, "//host/mqtt?ws://x", "mqtt", a.String()},
		{&WebSocket{Path: "///"}, "///", "mqtt", a.String()},
		{&WebSocket{Path: "?token=abc"}, "/mqtt?token=abc", "mqtt", a.String()},
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
