package bench

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mqtt/internal/bench"
	"mqtt/internal/broker"
	"mqtt/internal/cli"
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
