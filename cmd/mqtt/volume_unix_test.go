//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"mqtt/internal/cli/clitest"
	"mqtt/internal/cmd/cmdtest"
	"mqtt/internal/cmd/root"
)

// counted is a writer that counts the calls of Write.
type counted struct {
	bytes.Buffer
	writes int
}

func (c *counted) Write(b []byte) (int, error) {
	c.writes++
	return c.Buffer.Write(b)
}

// Trap 31: many messages that arrive together are printed in one write, and a single one at once.
func TestOneWriteForMany(t *testing.T) {
	const many = 500
	var piece strings.Builder
	for n := range many {
		fmt.Fprintf(&piece, ` 30 08 00 01 "a" "%05d"`, n)
	}
	f := cmdtest.StartFake(t, "expect CONNECT\nconnack\nexpect SUBSCRIBE\nsend 90 03 00 01 00"+piece.String()+"\nexpect DISCONNECT\n")
	var out counted
	e := clitest.Env(&out, io.Discard)
	if status := root.Run(t.Context(), e, []string{"mqtt", "sub", "-V", "3.1.1", "-h", "127.0.0.1", "-p", f.Port, "-t", "a", "-C", strconv.Itoa(many)}); status != 0 {
		t.Fatal("exit status", status)
	}
	if got := strings.Count(out.String(), "\n"); got != many || out.writes > 20 {
		t.Errorf("%d lines in %d writes", got, out.writes)
	}
}

// TestVolume sends many lines through servers, byte for byte and in order. 70,000 at QoS 1 are more
// than there are packet identifiers [MQTT-2.2.1-3], [MQTT-2.3.1-2], [MQTT-2.3.1-3].
func TestVolume(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		server      string
		lines, soak int // with -long
		line        func(n int) string
		qos         string
	}{
		{"mqtt", 70_000, 200_000, func(n int) string { return "line " + strconv.Itoa(n) }, "1"},
		{"mosquitto", 10_000, 100_000, jsonLine, "1"},
		{"mqtt", 10_000, 100_000, jsonLine, "1"},
		{"mqtt", 5_000, 30_000, jsonLine, "2"},
	} {
		if *long {
			v.lines = v.soak
		}
		t.Run(fmt.Sprintf("%s %d lines QoS %s", v.server, v.lines, v.qos), func(t *testing.T) {
			dir := t.TempDir()
			port := launchServer(t, v.server, dir)
			var text bytes.Buffer
			for n := range v.lines {
				text.WriteString(v.line(n))
				text.WriteByte('\n')
			}
			input := filepath.Join(dir, "input")
			if err := os.WriteFile(input, text.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			sub, out, told := launchTool(t, dir, "sub", "-p", port, "-t", "a", "-q", v.qos, "-d", "-i", "sub", "-C", strconv.Itoa(v.lines))
			awaitTold(t, told, "SUBACK")
			told.quiet()
			pub := exec.Command(sub.Path, "pub", "-p", port, "-t", "a", "-l", "-q", v.qos)
			pub.Args[0], pub.Env = "mqtt", sub.Env
			lines, err := os.Open(input)
			if err != nil {
				t.Fatal(err)
			}
			defer lines.Close()
			pub.Stdin = lines
			if b, err := pub.CombinedOutput(); err != nil || len(b) > 0 {
				t.Errorf("pub: %v: %s", err, b)
			}
			if err := sub.Wait(); err != nil {
				t.Errorf("sub: %v: %s", err, told)
			}
			got, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, text.Bytes()) {
				t.Errorf("%d of %d lines, and not the same", bytes.Count(got, []byte("\n")), v.lines)
			}
		})
	}
}

func jsonLine(n int) string {
	return fmt.Sprintf(`{"n":%d,"sensor":"s-%03d","temp":%d.%d,"text":"grüße \"%d\""}`, n, n%1000, n%40, n%10, n*7)
}

// TestMemory streams 64 MiB of lines out and 64 MiB of messages in: memory does not grow with either.
func TestMemory(t *testing.T) {
	t.Parallel()
	const lines, size = 64, 1 << 20
	dir := t.TempDir()
	port := launchServer(t, "mqtt", dir)
	sub, out, told := launchTool(t, dir, "sub", "-p", port, "-t", "a", "-q", "1", "-d", "-C", strconv.Itoa(lines), "-F", "%l", "-i", "sub")
	awaitTold(t, told, "SUBACK")
	told.quiet()
	pub := exec.Command(sub.Path, "pub", "-p", port, "-t", "a", "-l", "-q", "1", "-M", "2")
	pub.Args[0], pub.Env = "mqtt", sub.Env
	in, err := pub.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := pub.Start(); err != nil {
		t.Fatal(err)
	}
	line := append(bytes.Repeat([]byte{'x'}, size-1), '\n')
	for range lines {
		if _, err := in.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	small(t, "pub", pub)
	small(t, "sub", sub)
	in.Close()
	if err := pub.Wait(); err != nil {
		t.Error(err)
	}
	if err := sub.Wait(); err != nil {
		t.Error(err)
	}
	if b, _ := os.ReadFile(out); string(b) != strings.Repeat(strconv.Itoa(size-1)+"\n", lines) {
		t.Errorf("%d messages came", bytes.Count(b, []byte("\n")))
	}
}

// small checks that a process has used little memory so far. The bound is generous: this binary
// contains the tests, and several buffers hold a line of 1 MiB. The usage reported at the end cannot be
// used: it includes what the parent had when it forked.
func small(t *testing.T, name string, cmd *exec.Cmd) {
	t.Helper()
	most := 40 << 10 // KiB
	if raceDetector {
		most *= 4
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil && runtime.GOOS == "linux" {
		t.Error(err)
	}
	if _, peak, ok := strings.Cut(string(status), "VmHWM:"); ok {
		used, err := strconv.Atoi(strings.Fields(peak)[0])
		t.Logf("%s took %d KiB", name, used)
		if err != nil || used > most {
			t.Errorf("%s took %d KiB of memory", name, used)
		}
	}
}

// said is a transcript that can stop recording.
type said struct {
	transcript
	done chan struct{}
}

// quiet stops recording.
func (s *said) quiet() { close(s.done) }

func (s *said) Write(b []byte) (int, error) {
	select {
	case <-s.done:
		return len(b), nil
	default:
		return s.transcript.Write(b)
	}
}

// launchTool starts this binary as mqtt. It returns the name of the file that is its stdout.
func launchTool(t *testing.T, dir string, args ...string) (cmd *exec.Cmd, out string, told *said) {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// testscript makes the binary run as the program it is called by.
	link := filepath.Join(dir, "mqtt")
	if err := os.Symlink(path, link); err != nil && !os.IsExist(err) {
		t.Fatal(err)
	}
	f, err := os.CreateTemp(dir, "out")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd, told = exec.Command(link, args...), &said{done: make(chan struct{})}
	cmd.Env = []string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "GOCOVERDIR=" + os.Getenv("GOCOVERDIR")}
	cmd.Stdout, cmd.Stderr = f, told
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd, f.Name(), told
}

// awaitTold waits until something was recorded.
func awaitTold(t *testing.T, told *said, what string) {
	t.Helper()
	limit := time.After(patience)
	for {
		text, more := told.look()
		if strings.Contains(text, what) {
			return
		}
		select {
		case <-more:
		case <-limit:
			t.Fatalf("no %q in %q", what, text)
		}
	}
}

// launchServer starts a server and returns its port.
func launchServer(t *testing.T, server, dir string) string {
	t.Helper()
	if server == "mqtt" {
		_, out, _ := launchTool(t, dir, "broker", "--listen", "mqtt://127.0.0.1:0", "--print-url")
		for limit := time.Now().Add(patience); ; {
			b, _ := os.ReadFile(out)
			if _, port, ok := strings.Cut(strings.TrimSpace(string(b)), "127.0.0.1:"); ok && bytes.HasSuffix(b, []byte("\n")) {
				return port
			}
			if time.Now().After(limit) {
				t.Fatalf("the server said %q", b)
			}
			runtime.Gosched()
		}
	}
	path := outside(t, "mosquitto")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	conf := filepath.Join(dir, "conf")
	if err := os.WriteFile(conf, []byte("listener "+port+" 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-c", conf)
	p := &process{name: server, cmd: cmd, done: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the process
		p.waited = cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(p.kill)
	if err := p.accepts("127.0.0.1:" + port); err != nil {
		t.Fatal(err)
	}
	return port
}
