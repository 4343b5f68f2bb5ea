package sub

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/cli"
	"mqtt/internal/cmd/cmdtest"
)

// What ends a connection behind a message, in the same segment.
var endings = []string{
	`30 05 00 02 ff fe "x"`,       // a topic that is no UTF-8
	"3f ff ff ff ff 01",           // no remaining length
	"90 03 00 63 00",              // SUBACK without SUBSCRIBE
	"82 06 00 01 00 01 61 00",     // a packet that only a client sends
	"20 02 00 00",                 // a second CONNACK
	"36 06 00 01 61 00 09 00",     // QoS 3
	"f0 00",                       // AUTH, or a reserved type
	`32 08 00 01 "a" 00 00 "xyz"`, // packet identifier 0
}

// A message is printed and acknowledged, or neither, whatever comes behind it.
func TestAcknowledgedMeansPrinted(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"3.1.1", "3.1"} {
		for _, qos := range []int{1, 2} {
			for _, bad := range endings {
				for _, full := range []bool{true, false} {
					for _, more := range [][]string{nil, {"-c", "-i", "me"}, {"--remove-retained"}} {
						name := fmt.Sprintf("%s at QoS %d %q, full %v, then %s", version, qos, more, full, bad)
						t.Run(name, func(t *testing.T) {
							t.Parallel()
							acknowledgedMeansPrinted(t, version, qos, bad, full, more)
						})
					}
				}
			}
		}
	}
}

// acknowledgedMeansPrinted runs sub with the flags more against a server that sends a message and
// then bad. full is whether stdout takes nothing.
func acknowledgedMeansPrinted(t *testing.T, version string, qos int, bad string, full bool, more []string) {
	script := "expect CONNECT\nconnack\nexpect SUBSCRIBE\nsend 90 03 00 01 02\n"
	script += fmt.Sprintf("send %02x 0d 00 01 \"a\" 00 07 \"precious\" %s\n", 0x31|qos<<1, bad)
	c := sub
	want, out := cli.ExitLost, "precious\n"
	if full {
		script += "expect DISCONNECT\nexpect eof"
		c.Out = cmdtest.Full{}
		want, out = cli.ExitOther, ""
	} else {
		script += "expect " + map[int]string{1: "40 02 00 07", 2: "50 02 00 07"}[qos] + "\n"
		if len(more) == 1 {
			script += "expect PUBLISH\n"
		}
		script += "expect eof"
	}
	f := cmdtest.StartFake(t, script)
	args := append([]string{"-V", version, "-t", "a", "-q", fmt.Sprint(qos), "--reconnect", "never"}, more...)
	if r := c.Run(t, f.Args(args...)...); r.Status != want || r.Out != out {
		t.Errorf("%+v", r)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// The exchange of each QoS 2 message that counted is complete before DISCONNECT.
func TestEndsAfterPubcomp(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		args []string
		out  string
	}{
		{[]string{"-C", "2"}, "1\n2\n"},
		{[]string{"--expect", "2"}, "1\n2\n"},
		{[]string{"--match", ". == 2"}, "2\n"},
		{[]string{"--idle-timeout", "1"}, "1\n2\n"},
	} {
		for _, more := range [][]string{nil, {"-c", "-i", "me"}} {
			args := append(append([]string{"-V", "3.1.1", "-t", "a", "-q", "2"}, row.args...), more...)
			t.Run(strings.Join(args, " "), func(t *testing.T) {
				t.Parallel()
				f := cmdtest.StartFake(t, `
expect CONNECT
connack
expect SUBSCRIBE
send 90 03 00 01 02
send 34 06 00 01 "a" 00 07 "1" 34 06 00 01 "a" 00 08 "2"
expect 50 02 00 07
expect 50 02 00 08
send 62 02 00 08
expect 70 02 00 08
send 62 02 00 07
expect 70 02 00 07
expect DISCONNECT
expect eof`)
				if r := sub.Run(t, f.Args(args...)...); r.Status != 0 || r.Out != row.out {
					t.Errorf("%+v", r)
				}
			})
		}
	}
}

// While stdout is stuck the keep alive goes on, in each form of output. Afterwards each message is
// printed once, in order.
func TestKeepAliveWhileStuck(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ args, want string }{
		{"", "1\n2\n"}, {"-v", "a 1\na 2\n"}, {"-F %p", "1\n2\n"}, {"--jq .+1", "2\n3\n"},
	} {
		for _, version := range []string{"5", "3.1.1", "3.1"} {
			if version != "5" && row.args != "" {
				continue
			}
			t.Run(version+row.args, func(t *testing.T) {
				t.Parallel()
				keptAlive(t, version, row.args, row.want)
			})
		}
	}
}

func keptAlive(t *testing.T, version, flags, want string) {
	out := cmdtest.NewStuck()
	suback := map[string]string{"5": "90 04 00 01 00 00", "3.1.1": "90 03 00 01 00", "3.1": "90 03 00 01 00"}[version]
	message := func(text string) string {
		if version == "5" {
			return `send 30 05 00 01 "a" 00 "` + text + `"`
		}
		return `send 30 04 00 01 "a" "` + text + `"`
	}
	f := cmdtest.StartFake(t, strings.Join([]string{
		"expect CONNECT", "connack", "expect SUBSCRIBE", "send " + suback, message("1"),
		"expect PINGREQ", "expect PINGREQ",
		"send d0 00 d0 00", message("2"), "expect DISCONNECT", "expect eof"}, "\n"))
	c := sub
	c.Out = out
	args := append([]string{"-V", version, "-t", "a", "-k", "1", "-C", "2"}, strings.Fields(flags)...)
	r := c.Start(t, f.Args(args...)...)
	<-out.Blocked()
	time.AfterFunc(2500*time.Millisecond, out.Release)
	if end := r.Wait(t); end.Status != 0 || out.String() != want || end.Err != "" {
		t.Errorf("%q: %+v, %q", args, end, out)
	}
}

// -W and --idle-timeout end a run whose stdout is stuck, and so does a signal. Nothing is
// acknowledged.
func TestLimitsWhileStuck(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	retain(b.Connect(t), "a", "1")
	for _, args := range [][]string{
		{"-W", "1"}, {"--idle-timeout", "1"}, {"-W", "1", "-C", "1"}, {"-W", "1", "--expect", "1"},
		{"-W", "1", "-J"}, {"-W", "1", "-q", "2", "-v"}, {"--idle-timeout", "1", "-C", "5"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			out := cmdtest.NewStuck()
			c := sub
			c.Out = out
			r := c.Run(t, b.Args(append([]string{"-t", "a"}, args...)...)...)
			out.Release()
			if r.Status != cli.ExitTimeout || !strings.Contains(r.Err, "nothing could be written to stdout before the timeout ("+args[0]+" 1)") {
				t.Errorf("%+v", r)
			}
		})
	}
}
