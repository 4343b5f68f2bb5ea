package check

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/check"
	"mqtt/internal/cmd/cmdtest"
)

var command = cmdtest.Command{New: New}

// silent starts a server that accepts clients of MQTT 3.1.1 and answers nothing else, until the test ends.
func silent(t *testing.T) cmdtest.Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() { l.Close(); serving.Wait() })
	serving.Go(func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { // ends with the client
				defer c.Close()
				c.SetDeadline(time.Now().Add(cmdtest.Patience))
				in := bufio.NewReader(c)
				if _, err := cmdtest.ReadPacket(in); err != nil {
					return
				}
				c.Write([]byte{0x20, 2, 0, 0})
				io.Copy(io.Discard, in)
			})
		}
	})
	return cmdtest.Server{Addr: l.Addr().String(), Port: strconv.Itoa(l.Addr().(*net.TCPAddr).Port)}
}

// file returns the name of a file with that text.
func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// wants reports an error if the run did not end with that status, or if its output lacks a text.
func wants(t *testing.T, r cmdtest.Result, status int, texts ...string) {
	t.Helper()
	if r.Status != status {
		t.Errorf("exit status %d, want %d\n%s%s", r.Status, status, r.Out, r.Err)
	}
	for _, text := range texts {
		if !strings.Contains(r.Out+r.Err, text) {
			t.Errorf("no %q in\n%s%s", text, r.Out, r.Err)
		}
	}
}

// clean reports an error if a broker has retained messages or sessions.
func clean(t *testing.T, b *cmdtest.Broker) {
	t.Helper()
	// The broker hears of the last connection's end a moment later.
	end := time.Now().Add(cmdtest.Patience)
	s := b.Stats()
	for (s.Retained > 0 || s.Sessions > 0) && time.Now().Before(end) {
		time.Sleep(10 * time.Millisecond)
		s = b.Stats()
	}
	if s.Retained > 0 || s.Sessions > 0 {
		t.Errorf("%d retained messages and %d sessions are left", s.Retained, s.Sessions)
	}
}

// TestAll runs all cases against our broker, strictly, which leaves nothing behind.
func TestAll(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{SysInterval: -1})
	out := filepath.Join(t.TempDir(), "r.json")
	r := command.Run(t, b.Args("--strict", "--out", out)...)
	wants(t, r, 0, "MQTT 3.1.1\n", "  3.8   SUBSCRIBE  ", " cases in ")
	clean(t, b)
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Schema  string
		Summary map[string]int
		Cases   []struct {
			ID      string
			Rule    []string
			Packets []struct{ Way, Hex, Text string }
		}
	}
	if err := json.Unmarshal(text, &report); err != nil || report.Schema != check.Schema || len(report.Cases) < 350 {
		t.Fatalf("%v, schema %q, %d cases", err, report.Schema, len(report.Cases))
	}
	if k := report.Cases[0]; !strings.HasPrefix(k.ID, "5.0/1.5.4/") || len(k.Packets) == 0 || k.Rule == nil {
		t.Errorf("first case %+v", k)
	}
	if report.Summary["fail"] != 0 || report.Summary["ok"] < 350 {
		t.Errorf("summary %v", report.Summary)
	}
}

// TestInterrupted ends a run in the middle: it cleans up, prints what it has, and ends with 130.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{SysInterval: -1})
	out := filepath.Join(t.TempDir(), "r.json")
	r := command.Start(t, b.Args("-d", "--out", out)...)
	r.Err.Await(t, "retain=1")
	r.Err.Await(t, "clean-start=0")
	r.Err.Await(t, "will-delay")
	r.Signal(syscall.SIGINT)
	end := r.Wait(t)
	if end.Status != 130 || !strings.Contains(end.Out, " cases in ") {
		t.Errorf("exit status %d\n%s", end.Status, end.Out)
	}
	clean(t, b)
	file, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if report, err := check.Read(file); err != nil || len(report.Cases) == 0 {
		t.Errorf("the result of an interrupted run: %v", err)
	}
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{SysInterval: -1})
	wants(t, command.Run(t, b.Args("MQTT-3.12.4-1", "--version", "5")...), 0, "1 case in", "1 ok")
	wants(t, command.Run(t, b.Args("MQTT-9.9.9-9")...), 2, `"MQTT-9.9.9-9"`, "--list")
	wants(t, command.Run(t, b.Args("--version", "6")...), 2, "--version", `"6"`)
	wants(t, command.Run(t, b.Args("--version", "5,5")...), 2, "twice")
	wants(t, command.Run(t, b.Args("--version", "5", "-V", "5")...), 2, "--version", "-V")
	wants(t, command.Run(t, b.Args("--format", "yaml")...), 2, "yaml", "junit")
	wants(t, command.Run(t, b.Args("--known", "/nowhere")...), 2, "--known")
	wants(t, command.Run(t, b.Args("--known", file(t, "no/such/case\n"))...), 2, "line 1", "no/such/case")
	wants(t, command.Run(t, b.Args("--second-user", "bob")...), 2, "--second-user")
	wants(t, command.Run(t, b.Args("--denied-topic", "#")...), 2, "--denied-topic")
	wants(t, command.Run(t, b.Args("--wait", "0s")...), 2, "--wait")
	wants(t, command.Run(t, b.Args("--client", "--", "true")...), 2, "--client", "--host", "MQTT_URL")
	wants(t, command.Run(t, "--client"), 2, "without a command")
	wants(t, command.Run(t, b.Args("--", "true")...), 2, "without --client")
	wants(t, command.Run(t, "-h", "127.0.0.1", "-p", "1"), 3, "127.0.0.1:1")
	wants(t, command.Run(t, "report"), 2, "--out")
	wants(t, command.Run(t, "report", file(t, "{}")), 2, "schema")
	wants(t, command.Run(t, "--list", "pingresp"), 0, "5.0/3.12.4/pingresp\tMQTT-3.12.4-1\tPINGREQ is answered by PINGRESP\n")
	wants(t, command.Run(t, "--client", "--list", "3.12"), 0, "/3.12")
	refusing := cmdtest.StartFake(t, "expect eof\naccept\nexpect CONNECT\nsend 20 02 00 05\nclose\n")
	wants(t, command.Run(t, refusing.Args("--version", "3.1.1", "pingresp")...), 4, "Not authorized")
}

// TestFailure checks a server that answers no PINGREQ: what is said of it, and the baseline.
func TestFailure(t *testing.T) {
	t.Parallel()
	known := filepath.Join(t.TempDir(), "known")
	first := silent(t)
	r := command.Run(t, first.Args("--version", "3.1.1", "--wait", "500ms", "pingresp", "--write-known", known)...)
	wants(t, r, 8, "FAIL  3.1.1/3.12.4/pingresp [MQTT-3.12.4-1]\n", "expected: PINGRESP", "got:      nothing within 500ms", "1 -> ", " PINGREQ\n      c000\n",
		"repeat:   mqtt check -L mqtt://127.0.0.1:"+first.Port+" --wait 500ms --version 3.1.1 pingresp\n", "the server does not conform: 1 fail")
	text, _ := os.ReadFile(known)
	if !strings.Contains(string(text), "\n3.1.1/3.12.4/pingresp # MQTT-3.12.4-1 ") {
		t.Errorf("known failures: %s", text)
	}
	b := cmdtest.StartBroker(t, broker.Options{})
	r = command.Run(t, b.Args("--version", "3.1.1", "pingresp", "--known", known)...)
	wants(t, r, 0, "fixed: ", "  3.1.1/3.12.4/pingresp\n")
	r = command.Run(t, b.Args("--version", "3.1.1", "pingresp", "--known", known, "--format", "tap")...)
	wants(t, r, 0, "ok 1 - 3.1.1/3.12.4/pingresp", "fixed: 3.1.1/3.12.4/pingresp")
}

// TestKnownFailure checks that a run does not fail for a failure in a baseline as --write-known writes it.
func TestKnownFailure(t *testing.T) {
	t.Parallel()
	known, s := file(t, "# known failures\n3.1.1/3.12.4/pingresp # MQTT-3.12.4-1 no PINGRESP\n"), silent(t)
	r := command.Run(t, s.Args("--version", "3.1.1", "--wait", "500ms", "pingresp", "--known", known)...)
	wants(t, r, 0, "KNOWN  3.1.1/3.12.4/pingresp", "1 fail")
}

// TestSecrets checks that no password is in a result or a trace, also not of a CONNECT that is wrong on purpose.
func TestSecrets(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	for _, format := range []string{"text", "json", "junit", "html", "tap", "markdown"} {
		args := b.Args("-v", "-d", "--version", "5", "-u", "me", "--password-file", file(t, "geheim"),
			"--second-user", "you:auchgeheim", "--format", format, "3.1.2.8", "3.1.2.9", "3.1.3.1", "3.1.3.5", "3.1.4")
		if format == "text" {
			args = append(args, "3.1")
		}
		r := command.Run(t, args...)
		wants(t, r, 0)
		for _, secret := range []string{"geheim", hex.EncodeToString([]byte("geheim"))} {
			if strings.Contains(r.Out+r.Err, secret) {
				t.Errorf("%s: the output has %s", format, secret)
			}
		}
	}
}

// TestLacking checks a server without features: nothing fails, and what is skipped says why.
func TestLacking(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{Without: broker.Without{QoS2: true, Retain: true, Wildcards: true, Shared: true, Identifiers: true}})
	r := command.Run(t, b.Args("--strict", "-v")...)
	wants(t, r, 0, "Retain Available is 0 in CONNACK", "Maximum QoS is 1", "Shared Subscription Available is 0", "Wildcard Subscription Available is 0",
		"SKIP  5.0/3.3.1.3/retained-for-new-subscriber", "OK  5.0/3.2.2.3.4/maximum-qos-exceeded", "OK  5.0/3.2.2.3.5/retain-unavailable")
}

// TestReport compares two results.
func TestReport(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	out := filepath.Join(t.TempDir(), "ours.json")
	wants(t, command.Run(t, b.Args("3.12", "--version", "5,3.1.1", "--out", out)...), 0)
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	theirs := filepath.Join(t.TempDir(), "theirs.json")
	changed := strings.Replace(string(text), `"verdict": "ok"`, `"verdict": "fail"`, 1)
	if err := os.WriteFile(theirs, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, command.Run(t, "report", out, theirs), 0, "1  ours: 4 cases, 4 ok", "2  theirs: 4 cases, 3 ok, 1 fail", "ok     fail   5.0/3.12")
	wants(t, command.Run(t, "report", out, theirs, "--format", "markdown"), 0, "| ours | 4 | 4 | 0 |", "**fail**")
	wants(t, command.Run(t, "report", out, theirs, "--format", "html"), 0, "<!DOCTYPE html>", "Cases that are not ok everywhere")
	wants(t, command.Run(t, "report", out, "--format", "yaml"), 2, "yaml")
}
