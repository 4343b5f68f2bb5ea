package rr

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/cli"
	"mqtt/internal/cmd/cmdtest"
	"mqtt/internal/proto"
)

// An answer is printed and acknowledged, or neither, whatever comes behind it.
func TestAcknowledgedMeansPrinted(t *testing.T) {
	t.Parallel()
	for qos, ack := range map[int]string{1: "40 02 00 07", 2: "50 02 00 07"} {
		for _, bad := range []string{`30 05 00 02 ff fe "x"`, "3f ff ff ff ff 01", "90 03 00 63 00", "20 02 00 00", "36 06 00 01 61 00 09 00"} {
			for _, full := range []bool{true, false} {
				script := "expect CONNECT\nconnack\nexpect SUBSCRIBE\nsend 90 03 00 01 02\nexpect PUBLISH\n"
				script += fmt.Sprintf("send %02x 0c 00 02 \"re\" 00 07 \"answer\" %s\n", 0x30|qos<<1, bad)
				if full {
					script += "expect DISCONNECT\nexpect eof"
				} else {
					script += "expect " + ack + "\nexpect eof"
				}
				f := cmdtest.StartFake(t, script)
				c := rr
				if full {
					c.Out = cmdtest.Full{}
				}
				// Two answers are wanted, so that the run does not end with the first.
				r := c.Run(t, f.Args("-V", "3.1.1", "-t", "ask", "-e", "re", "-m", "x", "--count", "2", "-q", fmt.Sprint(qos), "--reconnect", "never")...)
				want, out := cli.ExitLost, "answer\n"
				if full {
					want, out = cli.ExitOther, ""
				}
				if r.Status != want || r.Out != out {
					t.Errorf("QoS %d, full %v, then %s: %+v", qos, full, bad, r)
				}
				if err := f.Close(); err != nil {
					t.Errorf("QoS %d, full %v, then %s: %v", qos, full, bad, err)
				}
			}
		}
	}
}

// The exchange of an answer at QoS 2 is complete before DISCONNECT.
func TestEndsAfterPubcomp(t *testing.T) {
	t.Parallel()
	f := cmdtest.StartFake(t, `
expect CONNECT
connack
expect SUBSCRIBE
send 90 03 00 01 02
expect PUBLISH
send id 50 02
expect PUBREL
send id 70 02
send 34 0c 00 02 "re" 00 07 "answer"
expect 50 02 00 07
send 62 02 00 07
expect 70 02 00 07
expect DISCONNECT
expect eof`)
	r := rr.Run(t, f.Args("-V", "3.1.1", "-t", "ask", "-e", "re", "-m", "x", "-q", "2")...)
	if r.Status != 0 || r.Out != "answer\n" {
		t.Errorf("%+v", r)
	}
}

// While stdout is stuck the keep alive goes on, and -W and signals end the run.
func TestStuck(t *testing.T) {
	t.Parallel()
	t.Run("keep alive", func(t *testing.T) {
		t.Parallel()
		out := cmdtest.NewStuck()
		f := cmdtest.StartFake(t, strings.Join([]string{
			"expect CONNECT", "connack", "expect SUBSCRIBE", "send 90 03 00 01 00", "expect PUBLISH", `send 30 0a 00 02 "re" "answer"`,
			"expect PINGREQ", "expect PINGREQ", "send d0 00 d0 00", "expect DISCONNECT", "expect eof"}, "\n"))
		c := rr
		c.Out = out
		r := c.Start(t, f.Args("-V", "3.1.1", "-k", "1", "-t", "ask", "-e", "re", "-m", "x", "-W", "50")...)
		<-out.Blocked()
		time.AfterFunc(2500*time.Millisecond, out.Release)
		if end := r.Wait(t); end.Status != 0 || out.String() != "answer\n" || end.Err != "" {
			t.Errorf("%+v, %q", end, out)
		}
	})
	b := cmdtest.StartBroker(t, broker.Options{})
	b.Connect(t, "ask").Answer(func(p *proto.Publish) *proto.Publish { return answer(p, string(p.Payload)) })
	for _, args := range [][]string{{"-m", "x"}, {"-m", "x", "-J", "-q", "2"}, {"-l"}, {"-l", "-M", "1", "-v"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			out := cmdtest.NewStuck()
			c := with("1\n2\n3\n")
			c.Out = out
			r := c.Run(t, b.Args(append([]string{"-t", "ask", "-W", "1"}, args...)...)...)
			out.Release()
			if r.Status != cli.ExitTimeout || !strings.Contains(r.Err, "nothing could be written to stdout before the timeout (-W 1)") {
				t.Errorf("%+v", r)
			}
		})
	}
}
