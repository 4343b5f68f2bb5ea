package ping

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"mqtt/internal/broker"
	"mqtt/internal/cli"
	"mqtt/internal/cmd/cmdtest"
)

// No test leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ping = cmdtest.Command{New: New}

// Round trips by PINGREQ and by echoes at each QoS end with a summary.
func TestRoundTrips(t *testing.T) {
	b := cmdtest.StartBroker(t, broker.Options{})
	for _, args := range [][]string{nil, {"-q", "0"}, {"-q", "1"}, {"-q", "2"}, {"-V", "3.1.1"}, {"-V", "3.1", "-q", "1"}} {
		r := ping.Run(t, b.Args(append([]string{"-C", "3", "--interval", "1ms"}, args...)...)...)
		if r.Status != 0 || !strings.Contains(r.Out, "\npong 3: ") || !strings.Contains(r.Out, "\n3 sent, 0 lost (0.0%); min ") || r.Err != "" {
			t.Errorf("%q: %+v", args, r)
		}
	}
}

// -J prints lines of JSON: the connection, each round trip, a summary.
func TestJSON(t *testing.T) {
	b := cmdtest.StartBroker(t, broker.Options{})
	r := ping.Run(t, b.Args("-C", "2", "--interval", "1ms", "-J")...)
	lines := strings.Split(strings.TrimSpace(r.Out), "\n")
	if r.Status != 0 || len(lines) != 4 {
		t.Fatalf("%+v", r)
	}
	for i, event := range []string{"connected", "pong", "pong", "summary"} {
		var v struct {
			Event  string
			Phases map[string]float64 `json:"phases_us"`
			Server map[string]any
			Took   float64 `json:"us"`
			Sent   int
			P99    float64 `json:"p99_us"`
		}
		if err := json.Unmarshal([]byte(lines[i]), &v); err != nil || v.Event != event {
			t.Errorf("%s: %v", lines[i], err)
		}
		switch event {
		case "connected":
			if v.Phases["tcp"] <= 0 || v.Phases["connack"] <= 0 || len(v.Server) != 9 || v.Server["maximum_qos"] != 2.0 {
				t.Errorf("%s", lines[i])
			}
		case "pong":
			if v.Took <= 0 {
				t.Errorf("%s", lines[i])
			}
		case "summary":
			if v.Sent != 2 || v.P99 <= 0 {
				t.Errorf("%s", lines[i])
			}
		}
	}
}

// Text from the server is escaped in JSON and made visible for people.
func TestHostileText(t *testing.T) {
	const connack = "expect CONNECT\nsend 20 0b 00 00 08 12 00 05 1b \"[2J\" 07\nexpect c0 00\nsend d0 00\nexpect DISCONNECT\nexpect eof"
	for _, json := range []bool{false, true} {
		args := []string{"-V", "5", "-C", "1"}
		if json {
			args = append(args, "-J")
		}
		f := cmdtest.StartFake(t, connack)
		if r := ping.Run(t, f.Args(args...)...); r.Status != 0 || strings.ContainsAny(r.Out+r.Err, "\x1b\a") {
			t.Errorf("%+v", r)
		}
	}
}

// --wait tries until the server answers, and gives up with status 3.
func TestWait(t *testing.T) {
	b := cmdtest.StartBroker(t, broker.Options{})
	if r := ping.Run(t, b.Args("--wait", "30s")...); r.Status != 0 || !strings.Contains(r.Out, "pong 1: ") || strings.Contains(r.Out, "pong 2: ") {
		t.Errorf("%+v", r)
	}
	began := time.Now()
	r := ping.Run(t, "-h", "127.0.0.1", "-p", "1", "--wait", "300ms")
	if r.Status != cli.ExitOpening || !strings.Contains(r.Err, "no answer within 300ms, the last try: ") || time.Since(began) < 300*time.Millisecond {
		t.Errorf("%+v", r)
	}
}

// An interrupt ends ping with its summary, and with 0 unless -C asked for more.
func TestInterrupt(t *testing.T) {
	b := cmdtest.StartBroker(t, broker.Options{})
	for _, row := range []struct {
		args   []string
		status int
	}{{nil, 0}, {[]string{"-C", "100"}, 130}} {
		r := ping.Start(t, b.Args(append([]string{"--interval", "20ms"}, row.args...)...)...)
		r.Out.Await(t, "pong 1: ")
		r.Signal(syscall.SIGINT)
		if end := r.Wait(t); end.Status != row.status || !strings.Contains(end.Out, " sent, 0 lost") {
			t.Errorf("%q: %+v", row.args, end)
		}
	}
}

// What is wrong on the command line is refused before a connection is opened.
func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-C", "0"}, {"-q", "3"}, {"-q", "x"}, {"--interval", "soon"}, {"--wait", "soon"}, {"-D", "publish", "x"}, {"extra"}} {
		if r := ping.Run(t, append([]string{"-h", "127.0.0.1", "-p", "1"}, args...)...); r.Status != cli.ExitUsage || r.Out != "" {
			t.Errorf("%q: %+v", args, r)
		}
	}
}

// A server that takes nothing at that QoS, or no subscription, is told apart from one that is gone.
func TestRefusedEcho(t *testing.T) {
	b := cmdtest.StartBroker(t, broker.Options{Without: broker.Without{QoS2: true}})
	if r := ping.Run(t, b.Args("-q", "2", "-C", "1")...); r.Status != cli.ExitPublish || !strings.Contains(r.Err, "server's maximum-qos is 1 - use -q 1") {
		t.Errorf("%+v", r)
	}
	f := cmdtest.StartFake(t, "expect CONNECT\nconnack\nexpect SUBSCRIBE\nsend 90 04 00 01 00 87\nexpect DISCONNECT\nexpect eof")
	if r := ping.Run(t, f.Args("-V", "5", "-q", "1", "-C", "1")...); r.Status != cli.ExitSubscribe || !strings.Contains(r.Err, "Not authorized") {
		t.Errorf("%+v", r)
	}
}
