package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"mqtt/internal/broker"
	"mqtt/internal/cli"
	"mqtt/internal/cmd/cmdtest"
	"mqtt/internal/cmd/pub"
)

var (
	command = cmdtest.Command{New: New}
	pubCmd  = cmdtest.Command{New: pub.New}
)

// wrongAnswer is a server that acknowledges every PUBLISH of QoS 1 with an identifier that nobody used.
func wrongAnswer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { // ends with the connection
				defer c.Close()
				in := bufio.NewReader(c)
				for {
					head, err := in.ReadByte()
					if err != nil {
						return
					}
					size, _ := in.ReadByte() // packets are short
					if _, err := in.Discard(int(size)); err != nil {
						return
					}
					switch head >> 4 {
					case 1:
						c.Write([]byte{0x20, 3, 0, 0, 0})
					case 3:
						c.Write([]byte{0x40, 2, 0, 42})
					}
				}
			}()
		}
	}()
	return "mqtt://" + l.Addr().String()
}

// start runs a proxy with --print-url until the test ends, and returns its URL.
func start(t *testing.T, args ...string) (*cmdtest.Running, string) {
	t.Helper()
	r := command.Start(t, append([]string{"--listen", "mqtt://127.0.0.1:0", "--print-url"}, args...)...)
	r.Out.Await(t, "\n")
	return r, strings.TrimSpace(r.Out.String())
}

// A violation is reported with rule, side and packet, and makes the exit status 8.
func TestViolation(t *testing.T) {
	r, url := start(t, "--to", wrongAnswer(t), "--rules")
	if p := pubCmd.Run(t, "-L", url, "-t", "a", "-m", "x", "-q", "1", "-W", "1", "-i", "dev", "--reconnect", "never"); p.Status == 0 {
		t.Errorf("%+v", p)
	}
	r.Signal(syscall.SIGINT)
	end := r.Wait(t)
	if end.Status != cli.ExitExpected {
		t.Errorf("%+v", end)
	}
	for _, line := range []string{
		`mqtt proxy: violation: connection \d+ from 127\.0\.0\.1:\d+, client "dev": the server broke \S+, MQTT 5 \(MUST\): .*; packet 4002002a\n`,
		`mqtt proxy: the server broke \S+, MQTT 5: once\n`,
	} {
		if !regexp.MustCompile(line).MatchString(end.Err) {
			t.Errorf("no line %s in %s", line, end.Err)
		}
	}
}

// The status of a command counts, or 8 if it is 0 and there was a violation.
func TestCommandStatus(t *testing.T) {
	b := cmdtest.StartBroker(t, broker.Options{})
	right, wrong := "mqtt://"+b.Addr, wrongAnswer(t)
	const violate = `printf '\020\017\000\004MQTT\005\002\000\074\000\000\002ab\060\002\000\000' | timeout 5 bash -c 'exec 3<>"/dev/tcp/$MQTT_HOST/$MQTT_PORT"; cat >&3; head -c 1 <&3 >/dev/null'; exit `
	for _, row := range []struct {
		to, script string
		rules      bool
		status     int
	}{
		{right, "exit 0", true, 0}, {right, "exit 3", true, 3}, {right, violate + "0", true, 8}, {right, violate + "3", true, 3},
		{right, violate + "0", false, 0}, {wrong, "exit 0", true, 0},
	} {
		args := []string{"--to", row.to}
		if row.rules {
			args = append(args, "--rules")
		}
		if r := command.Run(t, append(args, "--", "bash", "-c", row.script)...); r.Status != row.status {
			t.Errorf("%+v: %+v", row, r)
		}
	}
}

// The control interface is at the address that is printed.
func TestControl(t *testing.T) {
	b := cmdtest.StartBroker(t, broker.Options{})
	r, url := start(t, "--to", "mqtt://"+b.Addr, "--control", "127.0.0.1:0")
	r.Err.Await(t, "controlled at http://127.0.0.1:")
	at := regexp.MustCompile(`http://[0-9.:]+`).FindString(r.Err.String())
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, at+"/faults", strings.NewReader("refuse=0x97"))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		t.Errorf("%s", answer.Status)
	}
	if p := pubCmd.Run(t, "-L", url, "-t", "a", "-m", "x"); p.Status != cli.ExitRefused {
		t.Errorf("%+v", p)
	}
	r.Signal(syscall.SIGTERM)
	r.Wait(t)
}
