package pub

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/cli"
	"mqtt/internal/cmd/cmdtest"
)

// Acknowledgements that do not come end the run, at each step, for one message and for a stream whose
// input is open or not.
func TestPatience(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		args  []string
		stdin string
		open  bool
		steps string // after CONNACK
		left  int
	}{
		{[]string{"-q", "1", "-m", "x"}, "", false, "", 1},
		{[]string{"-q", "2", "-m", "x"}, "", false, "", 1},
		{[]string{"-q", "2", "-m", "x"}, "", false, "send id 50 02\nexpect PUBREL", 1},
		{[]string{"-q", "1", "-l"}, "1\n2\n3\n", false, "", 3},
		{[]string{"-q", "1", "-l"}, "1\n2\n3\n", true, "expect PUBLISH\nexpect PUBLISH\nsend id 40 02", 2},
		{[]string{"-q", "2", "-l"}, "1\n2\n", true, "send id 50 02\n", 2},
	} {
		t.Run(strings.Join(row.args, " ")+", "+row.steps, func(t *testing.T) {
			t.Parallel()
			f := cmdtest.StartFake(t, "expect CONNECT\nconnack\nexpect PUBLISH\n"+row.steps+"\nsilence")
			c := with(row.stdin)
			if row.open {
				r, w := io.Pipe()
				go io.WriteString(w, row.stdin)
				defer w.Close()
				c.In = r
			}
			r := c.Run(t, f.Args(append([]string{"-t", "a", "-V", "3.1.1", "-W", "1"}, row.args...)...)...)
			want := fmt.Sprintf("%d messages were not acknowledged before the timeout (-W 1)", row.left)
			if row.left == 1 {
				want = "1 message was not acknowledged before the timeout (-W 1)"
			}
			if r.Status != cli.ExitTimeout || !strings.Contains(r.Err, want) {
				t.Errorf("%+v, want %q", r, want)
			}
		})
	}
}

// A stream may pause for longer than -W while nothing is owed.
func TestPatienceOfAPause(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	sub := b.Connect(t, "a")
	r, w := io.Pipe()
	c := pub
	c.In = r
	run := c.Start(t, b.Args("-t", "a", "-l", "-q", "1", "-W", "1")...)
	for range 3 {
		io.WriteString(w, "x\n")
		sub.Expect("a x")
		pause(t)
	}
	w.Close()
	ok(t, run.Wait(t))
}

// Without a connection the words say what was awaited.
func TestPatienceWithoutConnection(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
	for url, awaited := range map[string]string{"mqtt": "CONNACK from", "ws": "WebSocket with", "mqtts": "TLS with"} {
		t.Run(url, func(t *testing.T) {
			t.Parallel()
			r := pub.Run(t, "-L", url+"://127.0.0.1:"+port, "-V", "5", "-t", "a", "-m", "x", "-W", "1")
			if r.Status != cli.ExitTimeout || !strings.Contains(r.Err, "no connection before the timeout (-W 1): waited for "+awaited) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// pause is longer than the -W of TestPatienceOfAPause.
func pause(t *testing.T) {
	t.Helper()
	time.Sleep(1200 * time.Millisecond)
}
