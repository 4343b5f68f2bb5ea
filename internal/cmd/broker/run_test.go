package broker

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"mqtt/internal/cli"
	"mqtt/internal/cmd/cmdtest"
	"mqtt/internal/cmd/pub"
	"mqtt/internal/cmd/sub"
)

var (
	command = cmdtest.Command{New: New}
	pubCmd  = cmdtest.Command{New: pub.New}
	subCmd  = cmdtest.Command{New: sub.New}
)

// start runs a broker with --print-url until the test ends, and returns its URLs.
func start(t *testing.T, args ...string) (*cmdtest.Running, []string) {
	t.Helper()
	r := command.Start(t, append([]string{"--print-url"}, args...)...)
	r.Out.Await(t, "\n")
	var urls []string
	for line := bufio.NewScanner(strings.NewReader(r.Out.String())); line.Scan(); {
		urls = append(urls, line.Text())
	}
	return r, urls
}

// A message goes through each kind of listener, and a signal ends the broker with status 0.
func TestListeners(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	r, urls := start(t, "--listen", "mqtt://127.0.0.1:0", "--listen", "ws://127.0.0.1:0/mqtt", "--listen", "unix://"+socket)
	if len(urls) != 3 {
		t.Fatalf("%q", urls)
	}
	for _, url := range urls {
		if p := pubCmd.Run(t, "-L", url, "-t", "a", "-m", url, "-q", "1", "-r"); p.Status != 0 {
			t.Errorf("%s: %+v", url, p)
		}
		if s := subCmd.Run(t, "-L", url, "-t", "a", "-C", "1"); s.Status != 0 || s.Out != url+"\n" {
			t.Errorf("%s: %+v", url, s)
		}
	}
	r.Signal(syscall.SIGTERM)
	if end := r.Wait(t); end.Status != 0 && end.Status != 143 {
		t.Errorf("%+v", end)
	}
}

// --data keeps retained messages over a restart, and --ready-file names the URLs.
func TestData(t *testing.T) {
	dir := t.TempDir()
	ready := filepath.Join(dir, "ready")
	args := []string{"-p", "0", "--data", filepath.Join(dir, "data"), "--ready-file", ready}
	for i, want := range []string{"", "kept\n"} {
		r, urls := start(t, args...)
		if text, err := os.ReadFile(ready); err != nil || strings.TrimSpace(string(text)) != urls[0] {
			t.Errorf("%q, %v", text, err)
		}
		s := subCmd.Run(t, "-L", urls[0], "-t", "#", "--retained-only")
		if s.Status != 0 || s.Out != want {
			t.Errorf("run %d: %+v", i, s)
		}
		if p := pubCmd.Run(t, "-L", urls[0], "-t", "a", "-m", "kept", "-r", "-q", "1"); p.Status != 0 {
			t.Errorf("run %d: %+v", i, p)
		}
		r.Signal(syscall.SIGINT)
		r.Wait(t)
	}
}

// Users need their password, and rights bound what they may do.
func TestAccess(t *testing.T) {
	dir := t.TempDir()
	users, rights := filepath.Join(dir, "users"), filepath.Join(dir, "rights")
	with := command
	with.In = strings.NewReader("secret\n")
	if r := with.Run(t, "passwd", users, "ann"); r.Status != 0 {
		t.Fatalf("%+v", r)
	}
	if err := os.WriteFile(rights, []byte("user ann\ntopic readwrite mine/#\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, urls := start(t, "-p", "0", "--passwords", users, "--acl", rights)
	for _, row := range []struct {
		user, password, topic string
		status                int
	}{
		{"ann", "secret", "mine/a", 0},
		{"ann", "secret", "other", cli.ExitPublish},
		{"ann", "wrong", "mine/a", cli.ExitRefused},
		{"bob", "secret", "mine/a", cli.ExitRefused},
	} {
		p := pubCmd.Run(t, "-L", urls[0], "-u", row.user, "-P", row.password, "-t", row.topic, "-m", "x", "-q", "1")
		if p.Status != row.status {
			t.Errorf("%+v: %+v", row, p)
		}
	}
}

// What is wrong on the command line is refused before anything listens.
func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{"--listen", "http://127.0.0.1:1"},
		{"--listen", "mqtts://127.0.0.1:0"},
		{"--listen", "mqtt://ann@127.0.0.1:0"},
		{"--listen", "mqtt://127.0.0.1:0", "-p", "1"},
		{"-p", "99999"},
		{"--cert", "x.pem"},
		{"--log-level", "loud"},
		{"--log-format", "xml"},
		{"--sync", "1s"},
		{"--sync", "sometimes", "--data", "x"},
		{"--max-connections", "0"},
		{"--max-packet-size", "1"},
		{"--memory", "much"},
		{"--without", "qos0"},
		{"--fault", "explode"},
		{"--passwords", "/nowhere/at/all"},
		{"--acl", "/nowhere/at/all"},
		{"--"},
		{"extra"},
	} {
		r := command.Run(t, args...)
		if r.Status != cli.ExitUsage || r.Out != "" || !strings.HasPrefix(r.Err, "mqtt broker: ") {
			t.Errorf("%q: %+v", args, r)
		}
	}
}

// An address that is in use ends the broker with a message that names it.
func TestAddressInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := command.Run(t, "--listen", "mqtt://"+l.Addr().String())
	if r.Status != cli.ExitOther || !regexp.MustCompile(regexp.QuoteMeta(l.Addr().String())+`.*in use`).MatchString(r.Err) {
		t.Errorf("%+v", r)
	}
}
