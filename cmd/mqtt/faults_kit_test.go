package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"mqtt/internal/cli"
	"mqtt/internal/cmd/root"
	"mqtt/internal/transport/transporttest"
)

// tool returns a command of mqtt as a process, without the settings of this process.
func tool(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath("mqtt")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "MQTT_") && !strings.HasPrefix(v, "XDG_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "XDG_CONFIG_HOME="+t.TempDir(), "TZ=UTC")
	return cmd
}

// limited returns a command of mqtt with a limit of open files.
func limited(t *testing.T, files int, args ...string) *exec.Cmd {
	t.Helper()
	cmd := tool(t, args...)
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Args = append([]string{"sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, files), cmd.Path}, args...)
	cmd.Path = sh
	return cmd
}

// begin starts cmd and ends it with the test. It captures streams that are not set.
func begin(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{name: strings.Join(cmd.Args[min(1, len(cmd.Args)-1):], " "), cmd: cmd, done: make(chan struct{}), after: func() {}}
	if cmd.Stdout == nil {
		cmd.Stdout = &p.out
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &p.err
	}
	if cmd.Stdin == nil {
		var err error
		if p.stdin, err = cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the process
		p.waited = cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		if t.Failed() && !p.over() {
			t.Logf("mqtt %s was still running:\n%s", p.name, p.stacks())
		}
		p.kill()
	})
	return p
}

// stacks returns the stacks of all goroutines of the process and ends it.
func (p *process) stacks() string {
	before := len(p.err.String())
	p.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-p.done:
	case <-time.After(time.Second):
	}
	text := p.err.String()[before:]
	return text[:min(len(text), 20000)]
}

// says waits until the output of the process matches pattern.
func (p *process) says(t *testing.T, stream *transcript, pattern string) {
	t.Helper()
	re := regexp.MustCompile("(?m)" + pattern)
	limit := time.After(patience)
	for {
		over := p.over() // before the look: then it has said all
		text, more := stream.look()
		if re.MatchString(text) {
			return
		}
		if over {
			t.Fatalf("mqtt %s ended with status %d and without %q%s", p.name, p.status(), pattern, p.story())
		}
		select {
		case <-more:
		case <-p.done:
		case <-limit:
			t.Fatalf("mqtt %s did not say %q%s", p.name, pattern, p.story())
		}
	}
}

// ends waits until the process has ended with one of the statuses.
func (p *process) ends(t *testing.T, want ...int) {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatalf("mqtt %s is still running after %s%s", p.name, patience, p.story())
	}
	if !slices.Contains(want, p.status()) {
		t.Fatalf("mqtt %s: exit status %d, want %v%s", p.name, p.status(), want, p.story())
	}
}

// story returns the output of the process, the end of it if it is long.
func (p *process) story() string {
	end := func(s string) string { return s[max(0, len(s)-1500):] }
	return "\n[its stdout]\n" + end(p.out.String()) + "[its stderr]\n" + end(p.err.String())
}

func (p *process) signal(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("signal %s: %v", p.name, err)
	}
}

// done runs a command, which must end with one of the statuses.
func done(t *testing.T, cmd *exec.Cmd, want ...int) *process {
	t.Helper()
	if cmd.Stdin == nil {
		cmd.Stdin = strings.NewReader("")
	}
	p := begin(t, cmd)
	p.ends(t, want...)
	return p
}

// within runs a command inside this process and returns its status and output.
func within(ctx context.Context, stdin io.Reader, args ...string) (status int, out, errs string) {
	var o, e bytes.Buffer
	world := &cli.Env{In: stdin, Out: &o, Err: &e, LookupEnv: func(string) (string, bool) { return "", false }, Environ: func() []string { return nil }}
	status = root.Run(ctx, world, append([]string{"mqtt"}, args...))
	return status, o.String(), e.String()
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	limit := time.After(patience)
	for !holds() {
		select {
		case <-look.C:
		case <-limit:
			t.Fatalf("in vain: %s", what)
		}
	}
}

// server is a broker in a process of its own.
type server struct {
	*process
	ports map[string]string // by scheme
	certs *transporttest.Certs
}

// serving starts mqtt broker with a listener for each scheme.
func serving(t *testing.T, schemes []string, flags ...string) *server {
	t.Helper()
	return servingWith(t, 0, schemes, flags...)
}

// servingWith does the same with a limit of open files, 0 for none.
func servingWith(t *testing.T, files int, schemes []string, flags ...string) *server {
	t.Helper()
	s := &server{ports: make(map[string]string)}
	args := []string{"broker", "--print-url"}
	for _, scheme := range schemes {
		args = append(args, "--listen", scheme+"://127.0.0.1:0")
		if s.certs == nil && strings.HasSuffix(scheme, "s") && scheme != "ws" {
			s.certs = transporttest.New(t)
			args = append(args, "--cert", s.certs.Server, "--key", s.certs.ServerKey)
		}
	}
	args = append(args, flags...)
	cmd := tool(t, args...)
	if files > 0 {
		cmd = limited(t, files, args...)
	}
	s.process = begin(t, cmd)
	s.says(t, &s.out, fmt.Sprintf(`(?s)(.*\n){%d}`, len(schemes)))
	for _, line := range strings.Fields(s.out.String()) {
		u, err := url.Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		s.ports[u.Scheme] = u.Port()
	}
	return s
}

// servingMosquitto starts mosquitto with unlimited queues.
func servingMosquitto(t *testing.T) *server {
	t.Helper()
	path := outside(t, "mosquitto")
	const tries = 3
	for n := 1; ; n++ {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		l.Close()
		conf := "listener " + port + " 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
		if os.Getuid() == 0 {
			conf += "user root\n"
		}
		file := filepath.Join(t.TempDir(), "mosquitto.conf")
		if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
			t.Fatal(err)
		}
		p := begin(t, exec.Command(path, "-c", file))
		err = p.accepts("127.0.0.1:" + port)
		if err == nil {
			return &server{process: p, ports: map[string]string{"mqtt": port}}
		}
		if n == tries || !strings.Contains(p.err.String(), "in use") {
			t.Fatalf("mosquitto did not start: %v%s", err, p.story())
		}
	}
}

// at returns the flags that connect to a port by a scheme.
func (s *server) at(scheme, port string) []string {
	flags := []string{"-L", scheme + "://127.0.0.1:" + port}
	if s.certs != nil && (scheme == "mqtts" || scheme == "wss") {
		flags = append(flags, "--cafile", s.certs.CA)
	}
	return flags
}

// direct returns the flags that connect to the server without a relay.
func (s *server) direct(scheme string) []string { return s.at(scheme, s.ports[scheme]) }

// line joins words and lists of words to one command line.
func line(parts ...any) []string {
	var all []string
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			all = append(all, strings.Fields(p)...)
		case []string:
			all = append(all, p...)
		}
	}
	return all
}

// sorted returns the lines of a text in order.
func sorted(text string) string {
	lines := slices.Sorted(strings.Lines(text))
	return strings.Join(lines, "")
}

// jsonNumber returns a number in a JSON object; path holds the keys that lead to it.
func jsonNumber(t *testing.T, text string, path ...string) float64 {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("no JSON: %v: %s", err, text)
	}
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	n, ok := v.(float64)
	if !ok {
		t.Fatalf("no number at %v: %s", path, text)
	}
	return n
}
