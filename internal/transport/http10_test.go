package transport

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
)

// A server that speaks HTTP/1.0 has no WebSocket, and the hint says so.
func TestHintHTTP10(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // ends when l is closed
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		bufio.NewReader(c).ReadString('\n')
		io.WriteString(c, "HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n")
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	c, err := Dial(t.Context(), &Target{Host: "127.0.0.1", Port: port, WebSocket: &WebSocket{Path: "/mqtt"}}, nil)
	if err == nil {
		c.Close()
		t.Fatal("connected")
	}
	if hint := Hint(err); !strings.Contains(hint, "HTTP/1.0, which has no WebSocket") {
		t.Errorf("%v: hint %q", err, hint)
	}
}
