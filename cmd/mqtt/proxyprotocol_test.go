package main

import (
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A connection that begins with the PROXY protocol, version 1 or 2, is closed at once on each
// listener, and the log says what it was, at the default level.
func TestProxyProtocolIsNamed(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"mqtt", "mqtts", "ws", "wss"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			args := []string{"broker", "--listen", scheme + "://127.0.0.1:0", "--print-url"}
			if scheme == "mqtts" || scheme == "wss" {
				args = append(args, "--tls-self-signed", t.TempDir())
			}
			broker := begin(t, tool(t, args...))
			broker.says(t, &broker.out, `:\d+`)
			_, address, _ := strings.Cut(strings.TrimSuffix(strings.TrimSpace(broker.out.String()), "/mqtt"), "://")
			for i, header := range []string{"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n\x10\x0c", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + strings.Repeat("\x01", 12)} {
				c, err := net.Dial("tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				c.SetDeadline(time.Now().Add(patience))
				io.WriteString(c, header)
				if n, err := io.Copy(io.Discard, c); err != nil && !strings.Contains(err.Error(), "reset") {
					t.Errorf("version %d: %d bytes, %v", i+1, n, err)
				}
				c.Close()
				broker.says(t, &broker.err, "(?s)("+`level=WARN msg="connection refused" [^\n]*it looks like the PROXY protocol, which is not supported"\n.*){`+strconv.Itoa(i+1)+"}")
			}
		})
	}
}
