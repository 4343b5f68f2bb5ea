package bench

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mqtt/internal/bench"
	"mqtt/internal/broker"
	"mqtt/internal/cli"
	"mqtt/internal/cli/clitest"
	"mqtt/internal/cmd/cmdtest"
)

var command = cmdtest.Command{New: New}

// result decodes the JSON result of a run.
func result(t *testing.T, r cmdtest.Result) *bench.Result {
	t.Helper()
	v, err := bench.Read(strings.NewReader(r.Out))
	if err != nil {
		t.Fatalf("%v: %+v", err, r)
	}
	return v
}

// run runs the command without progress on stderr.
func run(t *testing.T, args ...string) cmdtest.Result {
	t.Helper()
	if args[0] != "report" {
		args = append(args, "--quiet")
	}
	return command.Run(t, args...)
}

// readFile reads a file of --out.
func readFile(t *testing.T, name string) *bench.Result {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := bench.Read(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Every message that a run sends arrives once, at each QoS, from several publishers to several
// subscribers.
func TestRun(t *testing.T) {
	b := cmdtest.StartBroker(t, broker.Options{})
	for _, qos := range []string{"0", "1", "2"} {
		r := command.Run(t, b.Args("--pubs", "3", "--subs", "2", "-q", qos, "--messages", "300", "--rate", "5000", "--format", "json")...)
		v := result(t, r)
		if r.Status != 0 || v.Sent != 300 || v.Expected != 600 || v.Received != 600 || v.Lost+v.Duplicated+v.Reordered+v.Errors != 0 {
			t.Errorf("QoS %s: status %d, %d sent, %d of %d received, %d lost", qos, r.Status, v.Sent, v.Received, v.Expected, v.Lost)
		}
	}
}

// --embedded needs no server.
func TestEmbedded(t *testing.T) {
	r := command.Run(t, "--embedded", "--messages", "100", "--format", "json")
	if v := result(t, r); r.Status != 0 || v.Received != 100 {
		t.Errorf("%+v", r)
	}
	if r := command.Run(t, "--embedded", "-h", "other"); r.Status != cli.ExitUsage {
		t.Errorf("%+v", r)
	}
}

// A threshold that fails is exit status 8, and one that holds is 0.
func TestThresholds(t *testing.T) {
	b := cmdtest.StartBroker(t, broker.Options{})
	for _, row := range []struct {
		expr   string
		status int
	}{{"loss>0", 0}, {"p99>1h", 0}, {"rate<1", 0}, {"p99>1ns", cli.ExitExpected}, {"rate<1000000000", cli.ExitExpected}} {
		r := command.Run(t, b.Args("--messages", "50", "--fail-if", row.expr)...)
		if r.Status != row.status {
			t.Errorf("%s: %+v", row.expr, r)
		}
	}
}

// Each report format is written, and --out keeps a result that bench report prints again.
func TestReports(t *testing.T) {
	b := cmdtest.StartBroker(t, broker.Options{})
	file := filepath.Join(t.TempDir(), "result.json")
	if r := command.Run(t, b.Args("--messages", "50", "--out", file)...); r.Status != 0 {
		t.Fatalf("%+v", r)
	}
	for format, want := range map[string]string{
		"text": "received", "json": `"schema"`, "csv": "sent,", "junit": "<testsuite", "html": "<!doctype html", "prometheus": "# TYPE ",
	} {
		r := command.Run(t, "report", file, "--format", format)
		if r.Status != 0 || !strings.Contains(strings.ToLower(r.Out), strings.ToLower(want)) {
			t.Errorf("%s: status %d, %s\n%.300s", format, r.Status, r.Err, r.Out)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil || !json.Valid(bytes.TrimSpace(text)) {
		t.Errorf("%v, %.100s", err, text)
	}
}

// Without a suffix, and with .json, a file gets the raw result, as does a temporary one. With any
// other suffix it gets that format, or nothing is measured.
func TestOutFollowsSuffix(t *testing.T) {
	b := cmdtest.StartBroker(t, broker.Options{})
	dir := t.TempDir()
	want := map[string]string{
		"r": `"schema"`, "r.json": `"schema"`, "r.JSON": `"schema"`, "r.tmp": `"schema"`, "r.html": "<!DOCTYPE html>", "r.HTM": "<!DOCTYPE html>",
		"r.csv": "second,sent", "r.xml": "<testsuite", "r.junit": "<testsuite", "r.md": "| sent |", "tmp.Zq3Vt0": `"schema"`, "tmp.a.csv": "second,sent",
		"r.prom": "# TYPE ", "r.txt": "reordered ",
	}
	for _, command := range [][]string{{"--messages", "20"}, {"conn", "--clients", "2", "--duration", "20ms"}} {
		args := b.Args(command...)
		if command[0] == "conn" {
			args = append([]string{"conn"}, b.Args(command[1:]...)...)
		}
		for name := range want {
			args = append(args, "--out", filepath.Join(dir, name))
		}
		if r := run(t, args...); r.Status != 0 || !strings.Contains(r.Out, "run ") {
			t.Fatalf("%+v", r)
		}
		for name, words := range want {
			if name == "r.txt" && command[0] == "conn" {
				words = "at once"
			}
			if name == "r.md" && command[0] == "conn" {
				words = "| open at once |"
			}
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil || !bytes.Contains(text, []byte(words)) || bytes.Contains(text, []byte("\x1b")) {
				t.Errorf("%s: %v, %.200s", name, err, text)
			}
		}
	}
	for _, name := range []string{"r.pdf", "r.rst", "r.YAML", "r.htlm", "r.json5", "r.json.gz", "r.svg"} {
		file := filepath.Join(dir, name)
		if r := run(t, b.Args("--messages", "20", "--out", file)...); r.Status != cli.ExitUsage || !strings.Contains(r.Err, "there is no such format - expected .json, .html") {
			t.Errorf("%s: %+v", name, r)
		}
		if _, err := os.Stat(file); err == nil {
			t.Errorf("%s was written", name)
		}
	}
}

// HTML is not for a terminal.
func TestHTMLOnATerminal(t *testing.T) {
	f := outputFlags{format: "html"}
	_, err := f.compile(&cli.Env{TTYOut: true})
	if err == nil || !strings.Contains(err.Error(), "--format html: stdout is a terminal") {
		t.Errorf("error %v", err)
	}
	if _, err := f.compile(&cli.Env{}); err != nil {
		t.Error(err)
	}
}

// --color decides about the report, on a terminal and in a file; without it NO_COLOR does.
func TestColor(t *testing.T) {
	b := cmdtest.StartBroker(t, broker.Options{})
	file := filepath.Join(t.TempDir(), "r.json")
	if r := run(t, b.Args("--messages", "20", "--out", file)...); r.Status != 0 {
		t.Fatalf("%+v", r)
	}
	for _, args := range [][]string{
		b.Args("--messages", "20"), append([]string{"conn"}, b.Args("--clients", "2", "--duration", "20ms")...), {"report", file},
	} {
		for _, row := range []struct {
			flag string
			want bool
		}{{"always", true}, {"never", false}, {"auto", false}} {
			r := run(t, append(args, "--color", row.flag)...)
			if got := strings.Contains(r.Out, "\x1b["); r.Status != 0 || got != row.want {
				t.Errorf("%q --color %s: status %d, colored %v", args[0], row.flag, r.Status, got)
			}
		}
	}
	for color, want := range map[string]bool{"": true, "auto": true, "never": false, "always": true} {
		for noColor, forbid := range map[string]bool{"": false, "1": true} {
			var out bytes.Buffer
			terminal := clitest.Env(&out, io.Discard, "NO_COLOR="+noColor)
			terminal.TTYOut = true
			o, err := (&outputFlags{format: "text"}).compile(terminal)
			if err != nil {
				t.Fatal(err)
			}
			terminal.Color = color // known after the report was chosen
			if err := o.report(terminal.Out, readFile(t, file)); err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(out.String(), "\x1b["); got != (want && (!forbid || color == "always")) {
				t.Errorf("on a terminal, --color %q, NO_COLOR=%q: colored %v", color, noColor, got)
			}
		}
	}
}

// Connections are opened and held, and their wills arrive when they are cut.
func TestConnections(t *testing.T) {
	b := cmdtest.StartBroker(t, broker.Options{})
	r := command.Run(t, b.Args("conn", "--clients", "20", "--ramp", "1000", "--duration", "50ms", "--will-topic", "gone/%i", "--wills", "--format", "json")...)
	if v := result(t, r); r.Status != 0 || v.Received != 20 || v.Errors != 0 {
		t.Errorf("%+v", r)
	}
}

// What is wrong on the command line is refused before anything is sent.
func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{"--pubs", "0", "--subs", "0"},
		{"-q", "3"},
		{"--inflight", "0"},
		{"--messages", "0"},
		{"--rate", "fast"},
		{"--fail-if", "nonsense"},
		{"--fail-if", "p99>20"},
		{"--fail-if", "service.max>=0"},
		{"conn", "--fail-if", "connect.p99>1"},
		{"conn", "--format", "pdf"},
		{"--format", "pdf"},
		{"--size", "64", "-m", "x"},
		{"-t", "a/%x"},
		{"-t", "a/#"},
		{"--shared", "a/b"},
		{"--bind", "here"},
		{"--credentials", "/nowhere/at/all"},
		{"--client-offset", "-1"},
		{"conn", "--clients", "0"},
		{"conn", "--wills"},
		{"report"},
		{"report", "/nowhere/at/all"},
		{"extra"},
	} {
		r := command.Run(t, append(args, "--color", "never")...)
		if r.Status != cli.ExitUsage || r.Out != "" || !strings.Contains(r.Err, " - ") {
			t.Errorf("%q: %+v", args, r)
		}
	}
}
