package sub

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"mqtt/internal/cli"
	"mqtt/internal/cmd/cmdtest"
)

// A server that does not answer SUBSCRIBE is told of, once.
func TestNoSuback(t *testing.T) {
	t.Parallel()
	f := cmdtest.StartFake(t, "expect CONNECT\nconnack\nexpect SUBSCRIBE\nsilence")
	r := sub.Run(t, f.Args("-V", "5", "-t", "a", "-C", "1", "--connect-timeout", "1", "-W", "3")...)
	const words = "warning: the server has not answered SUBSCRIBE for 1"
	if r.Status != cli.ExitTimeout || strings.Count(r.Err, words) != 1 || !strings.Contains(r.Err, "0 of 1 messages arrived before the timeout (-W 3)") {
		t.Errorf("%+v", r)
	}
}

// -W that runs out before there is a connection says what was awaited, and does not speak of messages.
func TestTimeoutWithoutConnection(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
	for url, awaited := range map[string]string{"mqtt": "CONNACK from", "ws": "WebSocket with", "mqtts": "TLS with"} {
		for _, ends := range [][]string{nil, {"-C", "1"}, {"--expect", "1"}, {"--match", "."}} {
			t.Run(url+" "+strings.Join(ends, " "), func(t *testing.T) {
				t.Parallel()
				args := append([]string{"-L", url + "://127.0.0.1:" + port, "-V", "5", "-t", "a", "-W", "1"}, ends...)
				r := sub.Run(t, args...)
				if r.Status != cli.ExitTimeout || !strings.Contains(r.Err, "no connection before the timeout (-W 1): waited for "+awaited) {
					t.Errorf("%+v", r)
				}
			})
		}
	}
}

// -W that runs out while nobody listens names the last error.
func TestTimeoutWithoutServer(t *testing.T) {
	t.Parallel()
	args := []string{"-h", "127.0.0.1", "-p", "1", "-t", "a", "-W", "0.5", "--reconnect", "always"}
	if r := sub.Run(t, args...); r.Status != cli.ExitTimeout && r.Status != cli.ExitOpening || !strings.Contains(r.Err, "refused") {
		t.Errorf("%q: %+v", args, r)
	}
}
