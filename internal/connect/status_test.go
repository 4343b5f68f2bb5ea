package connect

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"mqtt/internal/cli/clitest"
	"mqtt/internal/conn"
)

// A person sees each loss and each attempt. In a pipe nothing is said about a connection that was
// there; --debug says it, and --quiet is silent everywhere.
func TestStatus(t *testing.T) {
	lost := &conn.Broken{Op: "read", Err: errors.New("the server closed the connection")}
	refused := &conn.OpenError{Err: errors.New("connection refused")}
	const terminal = `mqtt: s:1883: connection refused; retrying in 1s
mqtt: s:1883: connection refused; retrying in 2s
mqtt: connection lost: the server closed the connection; retrying in 250ms
mqtt: s:1883: connection refused; retrying in 12s
mqtt: connected again after 1ms, and so on
`
	for _, c := range []struct {
		name              string
		tty, debug, quiet bool
		tool              string
		want              string
	}{
		{name: "terminal", tty: true, want: terminal},
		{name: "pipe", want: "mqtt: s:1883: connection refused; retrying in 1s\n"},
		{name: "debug", debug: true, want: terminal},
		{name: "quiet", tty: true, debug: true, quiet: true},
		{name: "mosquitto_sub", tty: true, tool: "mosquitto_sub", want: "mqtt: s:1883: connection refused; retrying in 1s\n"},
	} {
		var out bytes.Buffer
		e := clitest.Env(io.Discard, &out, "NO_COLOR=1")
		e.TTYErr, e.Debug, e.Quiet, e.Tool = c.tty, c.debug, c.quiet, c.tool
		s := &Status{e: e, plan: &Plan{server: "s:1883"}}
		s.notice(refused, time.Second)
		s.notice(refused, 2*time.Second)
		s.Again("")
		s.notice(lost, 250*time.Millisecond)
		s.notice(refused, 12*time.Second)
		if got := strings.Count(out.String(), "connected again"); got != 0 {
			t.Errorf("%s: %q", c.name, out.String())
		}
		if !s.lost.IsZero() {
			s.lost = time.Now().Add(time.Hour) // the shortest time
		}
		s.Again(", and so on")
		s.Again(", and so on")
		if got := out.String(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
