package sub

import (
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"mqtt/internal/broker"
	"mqtt/internal/cli"
	"mqtt/internal/cmd/cmdtest"
	"mqtt/internal/paralleltest"
	"mqtt/internal/proto"
)

// No test leaves a goroutine behind.
func TestMain(m *testing.M) {
	paralleltest.Allow(32)
	goleak.VerifyTestMain(m)
}

var sub = cmdtest.Command{New: New}

// retain stores a retained message.
func retain(c *cmdtest.Client, topic, payload string) {
	c.Publish(&proto.Publish{QoS: 1, Retain: true, Topic: []byte(topic), Payload: []byte(payload)})
}

// Each output form prints the retained messages of a filter, at each version.
func TestForms(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	retain(b.Connect(t), "a/b", `{"n":1}`)
	for _, row := range []struct {
		args []string
		want string
	}{
		{nil, "{\"n\":1}\n"},
		{[]string{"-N"}, `{"n":1}`},
		{[]string{"-v"}, "a/b {\"n\":1}\n"},
		{[]string{"-F", "%t %q %r %l"}, "a/b 1 1 7\n"},
		{[]string{"--payload", "hex"}, "7b226e223a317d\n"},
		{[]string{"--jq", ".n + 1"}, "2\n"},
	} {
		for _, version := range []string{"5", "3.1.1", "3.1"} {
			args := append([]string{"-V", version, "-t", "a/+", "-q", "1", "-C", "1"}, row.args...)
			if r := sub.Run(t, b.Args(args...)...); r.Status != 0 || r.Out != row.want || r.Err != "" {
				t.Errorf("%q: %+v, want %q", args, r, row.want)
			}
		}
	}
}

// The ways in which a run ends, and their exit statuses.
func TestEnds(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	c := b.Connect(t)
	retain(c, "r/1", "1")
	retain(c, "r/2", "2")
	for _, row := range []struct {
		args   []string
		status int
		out    string // number of lines
		err    string
	}{
		{[]string{"-t", "r/#", "-C", "2"}, 0, "\n\n", ""},
		{[]string{"-t", "r/#", "--retained-only"}, 0, "\n\n", ""},
		{[]string{"-t", "r/#", "-E"}, 0, "", ""},
		{[]string{"-t", "r/#", "-T", "r/1", "-C", "1"}, 0, "\n", ""},
		{[]string{"-t", "r/#", "-R", "-W", "2"}, cli.ExitTimeout, "", "timed out (-W 2)"},
		{[]string{"-t", "r/#", "-C", "3", "-W", "2"}, cli.ExitTimeout, "\n\n", "2 of 3 messages arrived"},
		{[]string{"-t", "r/#", "--expect", "3", "-W", "2"}, cli.ExitExpected, "\n\n", "2 of 3 expected messages arrived"},
		{[]string{"-t", "r/#", "--expect", "2"}, 0, "\n\n", ""},
		{[]string{"-t", "r/#", "--expect-none", "-W", "2"}, cli.ExitExpected, "\n", "a message arrived"},
		{[]string{"-t", "none", "--expect-none", "-W", "2"}, 0, "", ""},
		{[]string{"-t", "r/#", "--match", ". == 2", "-W", "10"}, 0, "\n", ""},
		{[]string{"-t", "r/#", "--match", ". == 3", "-W", "2"}, cli.ExitExpected, "", "no payload matched"},
		{[]string{"-t", "r/#", "--idle-timeout", "0.3"}, 0, "\n\n", ""},
	} {
		t.Run(strings.Join(row.args, " "), func(t *testing.T) {
			t.Parallel()
			r := sub.Run(t, b.Args(row.args...)...)
			lines := strings.Repeat("\n", strings.Count(r.Out, "\n"))
			if r.Status != row.status || lines != row.out || !strings.Contains(r.Err, row.err) || row.err == "" && r.Err != "" {
				t.Errorf("%+v", r)
			}
		})
	}
}

// What can be known to be wrong is a usage error, before a connection is opened.
func TestUsage(t *testing.T) {
	t.Parallel()
	for _, row := range [][]string{
		{},
		{"-t", "a/#/b"},
		{"-t", "a", "-q", "3"},
		{"-t", "a", "-C", "0"},
		{"-t", "a", "-R", "--retained-only"},
		{"-t", "a", "--expect-none"},
		{"-t", "a", "-C", "1", "--expect", "1"},
		{"-t", "a", "-F", "%y"},
		{"-t", "a", "--jq", ".["},
		{"-t", "a", "--match", ".["},
		{"-t", "a", "-w"},
		{"-t", "a", "--random-filter", "0"},
		{"-t", "$share/g/a", "--no-local"},
		{"-t", "a", "--retain-handling", "perhaps"},
		{"-t", "a", "--subscription-identifier", "0"},
		{"-t", "a", "-U", "+a"},
		{"-t", "a", "extra"},
	} {
		args := append([]string{"-h", "127.0.0.1", "-p", "1"}, row...)
		if r := sub.Run(t, args...); r.Status != cli.ExitUsage || r.Out != "" || !strings.HasPrefix(r.Err, "mqtt sub: ") {
			t.Errorf("%q: %+v", row, r)
		}
	}
}

// A live message is printed before the next wait, and an interrupt ends the run: with 0 if nothing
// was awaited.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	for _, row := range []struct {
		args   []string
		signal syscall.Signal
		status int
	}{
		{nil, syscall.SIGINT, 0},
		{nil, syscall.SIGTERM, 0},
		{[]string{"-C", "5"}, syscall.SIGINT, 130},
		{[]string{"--expect", "5"}, syscall.SIGTERM, 143},
	} {
		c := b.Connect(t)
		retain(c, "first", "subscribed")
		r := sub.Start(t, b.Args(append([]string{"-t", "#", "-q", "2"}, row.args...)...)...)
		r.Out.Await(t, "subscribed\n")
		c.Publish(&proto.Publish{QoS: 2, Topic: []byte("live"), Payload: []byte("hello")})
		r.Out.Await(t, "hello\n")
		r.Signal(row.signal)
		if end := r.Wait(t); end.Status != row.status {
			t.Errorf("%q, %v: %+v", row.args, row.signal, end)
		}
	}
}

// --remove-retained removes what it prints.
func TestRemoveRetained(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	c := b.Connect(t)
	for _, topic := range []string{"x/1", "x/2", "x/3"} {
		retain(c, topic, "old")
	}
	if r := sub.Run(t, b.Args("-t", "x/#", "--retained-only", "--remove-retained")...); r.Status != 0 || r.Out != "old\nold\nold\n" {
		t.Errorf("%+v", r)
	}
	if r := sub.Run(t, b.Args("-t", "x/#", "--retained-only")...); r.Status != 0 || r.Out != "" {
		t.Errorf("still there: %+v", r)
	}
}

// A refused filter ends the run with status 5 and names the filter; --partial-ok goes on while one
// is granted.
func TestRefused(t *testing.T) {
	t.Parallel()
	refusing := func(more string) string {
		return "expect CONNECT\nconnack\nexpect SUBSCRIBE\nsend 90 05 00 01 00 87 01\n" + more
	}
	f := cmdtest.StartFake(t, refusing("expect DISCONNECT\nexpect eof"))
	r := sub.Run(t, f.Args("-V", "5", "-t", "no", "-t", "yes", "-q", "1")...)
	if r.Status != cli.ExitSubscribe || !strings.Contains(r.Err, "subscribe no: Not authorized") {
		t.Errorf("%+v", r)
	}
	f = cmdtest.StartFake(t, refusing(`send 30 05 00 01 "a" 00 "x"`+"\nexpect DISCONNECT\nexpect eof"))
	r = sub.Run(t, f.Args("-V", "5", "-t", "no", "-t", "yes", "-q", "1", "--partial-ok", "-C", "1")...)
	if r.Status != 0 || r.Out != "x\n" || !strings.Contains(r.Err, "warning: subscribe no") {
		t.Errorf("%+v", r)
	}
}

// When run as mosquitto_sub, MQTT 3.1.1 is the default and an interrupt is a success.
func TestMosquittoSub(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	retain(b.Connect(t), "m", "x")
	link := cmdtest.Command{New: New, Tool: "mosquitto_sub", Vars: []string{"MQTT_TOPIC=ignored"}}
	r := link.Start(t, b.Args("-t", "m", "-C", "2")...)
	r.Out.Await(t, "x\n")
	r.Signal(syscall.SIGINT)
	if end := r.Wait(t); end.Status != 0 {
		t.Errorf("%+v", end)
	}
}
