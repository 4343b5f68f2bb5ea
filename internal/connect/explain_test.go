package connect

import (
	"fmt"
	"strings"
	"testing"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/proto"
	"mqtt/internal/transport"
)

// The server is named once, and behind TLS it is not TLS that is proposed.
func TestExplain(t *testing.T) {
	hungUp := &conn.OpenError{Err: conn.ErrHungUp}
	v5, v31 := &conn.Config{Connect: proto.Connect{Version: proto.V5}}, &conn.Config{Connect: proto.Connect{Version: proto.V31}}
	ws := &transport.Target{WebSocket: &transport.WebSocket{}}
	gone := "broker:1883: the server closed the connection before it answered"
	port := "is this an MQTT port? it may require TLS (--tls) or WebSocket (--ws)"
	for _, c := range []struct {
		plan       Plan
		err        error
		text, hint string
		code       int
	}{
		{Plan{}, hungUp, "broker:1883: the server closed the connection before it answered", "is this an MQTT port? it may require TLS (--tls) or WebSocket (--ws)", cli.ExitOpening},
		{Plan{secure: true}, hungUp, "broker:1883: the server closed the connection before it answered", "is this an MQTT port? the server may also want a client certificate (--cert, --key)", cli.ExitOpening},
		{Plan{Cfg: v5}, hungUp, gone, port + "; if it does not know MQTT 5: -V 3.1.1", cli.ExitOpening},
		{Plan{Cfg: v31}, hungUp, gone, port + "; if it does not know MQTT 3.1: -V 3.1.1", cli.ExitOpening},
		{Plan{Cfg: v5, Target: ws}, hungUp, gone, "the server speaks WebSocket: its log may say more; if it does not know MQTT 5: -V 3.1.1", cli.ExitOpening},
		{Plan{auto: true, secure: true, needs5: "-x"}, hungUp, "broker:1883: the server closed the connection before it answered, and -x needs MQTT 5, so 3.1.1 was not tried",
			"leave it out to speak 3.1.1; is this an MQTT port? the server may also want", cli.ExitOpening},
		{Plan{}, &conn.OpenError{Err: &transport.Error{Phase: transport.Connect, Addr: "broker:1883", Err: fmt.Errorf("no")}}, "connect to broker:1883: no", "", cli.ExitOpening},
		{Plan{}, &conn.Broken{Op: "read", Err: fmt.Errorf("no")}, "broker:1883: connection lost: read: no", "--reconnect always tries again", cli.ExitLost},
		{Plan{}, cli.Fail(cli.ExitOpening, "", "no answer, the last try: %w", hungUp), "broker:1883: no answer, the last try: the server closed", "", cli.ExitOpening},
		{Plan{}, cli.ErrQuiet, cli.ErrQuiet.Error(), "", cli.ExitOther},
	} {
		c.plan.server = "broker:1883"
		err := c.plan.Explain(c.err)
		code, hint := cli.Judge(err)
		if !strings.HasPrefix(err.Error(), c.text) || !strings.HasPrefix(hint, c.hint) || code != c.code {
			t.Errorf("%v - %s (%d)\nwant %s - %s (%d)", err, hint, code, c.text, c.hint, c.code)
		}
	}
	if err := new(Plan).Explain(nil); err != nil {
		t.Error(err)
	}
}
