//go:build unix

package main

import (
	"bufio"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stuckPipe returns a pipe that is full: the next write to it blocks.
func stuckPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	raw, err := w.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	page := []byte(strings.Repeat("x", 511) + "\n")
	err = raw.Write(func(fd uintptr) bool {
		for {
			if _, err := syscall.Write(int(fd), page); err != nil {
				return true // EAGAIN
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

// The reader of stdout or stderr has stopped for good. One signal ends each command.
func TestFaultOutputStuck(t *testing.T) {
	t.Parallel()
	s := serving(t, []string{"mqtt"})
	done(t, tool(t, line("pub -t kept -r -m kept -q 1", s.direct("mqtt"))...), 0)
	answers := begin(t, tool(t, line("rr --serve -t ask", s.direct("mqtt"), "-- cat")...))
	answers.says(t, &answers.err, "answering")
	for _, c := range []struct {
		command string
		shows   string // on stderr, when the write to stdout is next; empty: stderr itself is stuck
		ends    []int
	}{
		{"sub -t kept -d", "<- PUBLISH", []int{0, 143}}, // it may hear the signal before it prints
		{"rr -t ask -m x -d", "<- PUBLISH", []int{143}},
		{"ping -d --interval 1h", "<- CONNACK", []int{0, 143}},
		{"bench --messages 10", "closing: ", []int{143}},
		{"pub -t a -l -d", "", []int{143}},
		{"sub -t a -d", "", []int{0, 143}},
		{"rr -t a -m x -d", "", []int{143}},
		{"ping --interval 1h -d", "", []int{0, 143}},
		{"bench --duration 1h --rate 1", "", []int{143}},
	} {
		t.Run(c.command, func(t *testing.T) {
			t.Parallel()
			r := relayTo(t, s.ports["mqtt"], always(fault{}))
			_, full := stuckPipe(t)
			cmd := tool(t, line(c.command, "-V 5 -p", r.port())...)
			if c.shows != "" {
				cmd.Stdout = full
			} else {
				cmd.Stderr = full
			}
			p := begin(t, cmd)
			if c.shows != "" {
				p.says(t, &p.err, c.shows)
			} else {
				until(t, "it connects", func() bool { return r.links.Load() > 0 })
			}
			p.signal(t, syscall.SIGTERM)
			p.ends(t, c.ends...)
		})
	}
}

// The reader of a broker's log has stopped. The broker goes on serving, leaves out lines, says how many
// once they are read again, and ends in order.
func TestFaultLogStuck(t *testing.T) {
	t.Parallel()
	for format, told := range map[string]string{
		"text": `level=WARN msg="lines are missing here: the log was not read" lines=([0-9]+)$`,
		"json": `^\{.*"level":"WARN","msg":"lines are missing here: the log was not read","lines":([0-9]+)\}$`,
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			r, full := stuckPipe(t)
			cmd := tool(t, "broker", "--listen", "mqtt://127.0.0.1:0", "--print-url", "--log-level", "info", "--log-format", format)
			cmd.Stderr = full
			broker := begin(t, cmd)
			full.Close()
			broker.says(t, &broker.out, `:\d+`)
			url := strings.TrimSpace(broker.out.String())
			for range 3 {
				done(t, tool(t, line("pub -t a -q 1 -m x -L", url)...), 0)
			}
			log := make(chan string)
			go func() { // ends with the pipe
				defer close(log)
				for in := bufio.NewScanner(r); in.Scan(); {
					log <- in.Text()
				}
			}()
			re := regexp.MustCompile(told)
			next := time.After(0) // each line of the log has one client
			limit := time.After(patience)
			for found := false; !found; {
				select {
				case l, open := <-log:
					if !open {
						t.Fatal("the log ended")
					}
					found = re.MatchString(l)
				case <-next:
					done(t, tool(t, line("pub -t a -q 1 -m x -L", url)...), 0)
					next = time.After(10 * time.Millisecond)
				case <-limit:
					t.Fatalf("no line says that others were left out%s", broker.story())
				}
			}
			go func() { // until the process has ended
				for range log {
				}
			}()
			broker.signal(t, syscall.SIGTERM)
			broker.ends(t, 0)
		})
	}
}

// A broker whose log is not read also ends in order.
func TestFaultLogStuckAtTheEnd(t *testing.T) {
	t.Parallel()
	_, full := stuckPipe(t)
	cmd := tool(t, "broker", "--listen", "mqtt://127.0.0.1:0", "--print-url", "--log-level", "info", "--data", t.TempDir())
	cmd.Stderr = full
	broker := begin(t, cmd)
	broker.says(t, &broker.out, `:\d+`)
	done(t, tool(t, line("pub -t a -q 1 -m x -L", strings.TrimSpace(broker.out.String()))...), 0)
	broker.signal(t, syscall.SIGTERM)
	broker.ends(t, 0)
}
