package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mqtt/internal/proto"
)

// A server that stops reading blocks pub, rr and bench, and a signal still ends them. bench prints
// what it has measured, also after a second signal.
func TestFaultServerStopsReading(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"pub -t a -l", "pub -t a -l -q 1 -M 65535", "rr -t a -l -M 65535", "bench --pubs 1 --subs 0 -t a --duration 1h --size 1000"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			s := serving(t, []string{"mqtt"})
			r := relayTo(t, s.ports["mqtt"], always(fault{}))
			cmd := tool(t, line(command, "-V 5 -d -p", r.port())...)
			errs, err := os.OpenFile(filepath.Join(t.TempDir(), "stderr"), os.O_RDWR|os.O_CREATE, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			defer errs.Close()
			cmd.Stderr = errs
			input, feed, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			cmd.Stdin = input
			p := begin(t, cmd)
			input.Close()
			stands := "<- CONNACK"
			if strings.HasPrefix(command, "rr") {
				stands = "<- SUBACK"
			}
			until(t, "the connection stands", func() bool { return r.links.Load() > 0 && strings.Contains(contents(t, errs.Name()), stands) })
			r.freeze()
			fed := make(chan struct{})
			go func() { // ends when the reader of the pipe does
				defer close(fed)
				text := []byte(strings.Repeat(strings.Repeat("x", 999)+"\n", 1000))
				for {
					if _, err := feed.Write(text); err != nil {
						return
					}
				}
			}()
			port := r.port()
			until(t, "the socket is full", func() bool { return waitingToBeSent(port) })
			p.signal(t, syscall.SIGINT)
			if strings.HasPrefix(command, "bench") { // measures, so that a second signal hurries it
				until(t, "the first signal is taken", func() bool { return !pending(t, p.cmd.Process.Pid, syscall.SIGINT) })
				time.Sleep(20 * time.Millisecond) // by a thread that has told the others then
				p.signal(t, syscall.SIGTERM)
				p.ends(t, 130)
				p.says(t, &p.out, "^sent +[1-9]")
			} else {
				p.ends(t, 130)
			}
			<-fed
			feed.Close()
		})
	}
}

func contents(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// pending reports whether a signal is pending for a thread of a process.
func pending(t *testing.T, pid int, sig syscall.Signal) bool {
	t.Helper()
	for l := range strings.Lines(contents(t, fmt.Sprintf("/proc/%d/status", pid))) {
		if set, ok := strings.CutPrefix(l, "ShdPnd:"); ok {
			signals, err := strconv.ParseUint(strings.TrimSpace(set), 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			return signals>>(sig-1)&1 == 1
		}
	}
	return false
}

// waitingToBeSent reports whether a connection to a port has much data that the peer does not accept.
func waitingToBeSent(port string) bool {
	n, _ := strconv.Atoi(port)
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return true // not to be known here: the signal comes at some moment
	}
	for l := range strings.Lines(string(table)) {
		f := strings.Fields(l)
		if len(f) > 4 && strings.HasSuffix(f[2], fmt.Sprintf(":%04X", n)) {
			queued, _, _ := strings.Cut(f[4], ":")
			if n, _ := strconv.ParseInt(queued, 16, 64); n > 100<<10 {
				return true
			}
		}
	}
	return false
}

// The reader of a subscriber's stdout stops. Nothing is acknowledged that was not written: the rest
// is delivered again.
func TestFaultStdoutBlocked(t *testing.T) {
	t.Parallel()
	for _, qos := range []string{"1", "2"} {
		t.Run("qos"+qos, func(t *testing.T) {
			t.Parallel()
			s := serving(t, []string{"mqtt"})
			const n = 5000
			var up packets
			r := relayTo(t, s.ports["mqtt"], first(fault{up: lane{heard: up.hear}}))
			cmd := tool(t, line("sub -V 5 -c -x 100 -i me -t a -d -q", qos, "-p", r.port())...)
			out, in, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			cmd.Stdout = in
			sub := begin(t, cmd)
			sub.says(t, &sub.err, "<- SUBACK")
			var lines strings.Builder
			for i := range n {
				fmt.Fprintf(&lines, "%06d %s\n", i, strings.Repeat("x", 92))
			}
			pubs := tool(t, line("pub -l -q 1 -t a", s.direct("mqtt"))...)
			pubs.Stdin = strings.NewReader(lines.String())
			done(t, pubs, 0)
			until(t, "the pipe is full", func() bool {
				room, err := unix.Poll([]unix.PollFd{{Fd: int32(in.Fd()), Events: unix.POLLOUT}}, 0)
				return err == nil && room == 0
			})
			sub.signal(t, syscall.SIGKILL)
			sub.ends(t, 137)
			in.Close()
			var printed []string
			for in := bufio.NewScanner(out); in.Scan(); {
				if len(in.Text()) == 99 {
					printed = append(printed, in.Text())
				}
			}
			acknowledged := up.of(proto.PUBACK) + up.of(proto.PUBREC)
			if acknowledged > len(printed) {
				t.Errorf("%d messages were acknowledged, %d were printed", acknowledged, len(printed))
			}
			// The session delivers the rest. Only what was printed and not acknowledged arrives twice.
			rest := done(t, tool(t, line("sub -V 5 -c -x 100 -i me -t a --quiet -C", strconv.Itoa(n-acknowledged), "-q", qos, s.direct("mqtt"))...), 0)
			all := strings.Join(printed, "\n") + "\n" + rest.out.String()
			if got := withoutRepeats(all); got != lines.String() {
				t.Errorf("%s", difference(got, lines.String()))
			}
		})
	}
}

// The disk of --data runs full in the middle of a stream: the broker acknowledges nothing that it
// cannot store, and what it acknowledged exists when it starts again with enough space.
func TestFaultDataFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// A limit on file sizes fails like a full disk and needs no privilege.
	sh := exec.Command("sh", "-c", `ulimit -f 64 && exec "$0" "$@"`)
	broker := tool(t, "broker", "--listen", "mqtt://127.0.0.1:0", "--print-url", "--data", dir)
	sh.Args, sh.Env = append(append(sh.Args, broker.Path), broker.Args[1:]...), broker.Env
	full := begin(t, sh)
	full.says(t, &full.out, `:\d+`)
	port := full.out.String()[strings.LastIndex(full.out.String(), ":")+1:]
	port = strings.TrimSpace(port)
	session := "sub -V 5 -c -i keeps -x 100 -q 1 -t a"
	done(t, tool(t, line(session, "--idle-timeout 1ms -p", port)...), 0)
	var lines strings.Builder
	for i := range 200 {
		fmt.Fprintf(&lines, "%d %s\n", i, strings.Repeat("x", 1000))
	}
	var down packets
	r := relayTo(t, port, always(fault{down: lane{heard: down.hear}}))
	cmd := tool(t, line("pub -V 5 -q 1 -t a -l --reconnect never -p", r.port())...)
	cmd.Stdin = strings.NewReader(lines.String())
	done(t, cmd, 6, 7)
	acknowledged := down.of(proto.PUBACK)
	full.ends(t, 1)
	full.says(t, &full.err, "^mqtt broker: .*file too large")

	s := serving(t, []string{"mqtt"}, "--data", dir)
	sub := done(t, tool(t, line(session, "--idle-timeout 500ms", s.direct("mqtt"))...), 0)
	first := strings.Join(strings.SplitAfter(lines.String(), "\n")[:acknowledged], "")
	if got := sub.out.String(); !strings.HasPrefix(got, first) || acknowledged == 0 {
		t.Errorf("%d were acknowledged: %s", acknowledged, difference(got, first))
	}
}

// The file of --tls-keylog is opened before anything is sent.
func TestFaultKeyLogFull(t *testing.T) {
	t.Parallel()
	s := serving(t, []string{"mqtts"})
	pub := done(t, tool(t, line("pub -t a -m x --tls-keylog /dev/full", s.direct("mqtts"))...), 2)
	pub.says(t, &pub.err, "^mqtt pub: .*no space left on device")
}
