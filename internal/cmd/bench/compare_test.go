package bench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mqtt/internal/bench"
	"mqtt/internal/broker"
	"mqtt/internal/cli"
	"mqtt/internal/cmd/cmdtest"
)

// bench compare compares files of --out, fails for a change, and says what one run a side cannot tell.
func TestCompare(t *testing.T) {
	b := cmdtest.StartBroker(t, broker.Options{})
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	if r := run(t, b.Args("--messages", "200", "--rate", "2000", "--out", file("a.json"))...); r.Status != 0 {
		t.Fatalf("%+v", r)
	}
	slower := readFile(t, file("a.json"))
	slower.Started = slower.Started.Add(60e9)
	slower.Latency = bench.NewHistogram()
	slower.Latency.RecordMany(5e9, 200)
	f, err := os.Create(file("b.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := bench.JSON(f, slower); err != nil {
		t.Fatal(err)
	}
	f.Close()
	for _, row := range []struct {
		args   string
		status int
		out    string
		err    string
	}{
		{"A -- B", 0, "noise cannot be told from change", ""},
		{"--fail-if p99>+10% A -- B", cli.ExitExpected, "FAIL p99 = +", "FAIL p99 = +"},
		{"--fail-if p99>+10% B -- A", 0, "PASS p99 = -", ""},
		{"--format json A -- B", 0, `"schema": "mqtt-bench-compare/1"`, ""},
		{"--format html A -- B", 0, "<!DOCTYPE html>", ""},
		{"--out DIR/c.html --out DIR/c.json --out DIR/c.txt A -- B", 0, "p99.9", ""},
		{"--color always A -- B", 0, "\x1b[", ""},
		{"A B", cli.ExitUsage, "", "no -- between base and new - mqtt bench compare BASE... -- NEW..."},
		{"A --", cli.ExitUsage, "", "no results on one side of --"},
		{"-- A", cli.ExitUsage, "", "no results on one side of --"},
		{"A A -- B", cli.ExitUsage, "", "is there twice"},
		{"A -- /nowhere", cli.ExitUsage, "", "no such file"},
		{"--fail-if p99>10% A -- B", cli.ExitUsage, "", "a change has a sign: write +10% or -10%"},
		{"--fail-if p99>20ms A -- B", cli.ExitUsage, "", "is not a change in percent"},
		{"--format csv A -- B", cli.ExitUsage, "", "expected text, json or html"},
		{"--out DIR/c.csv A -- B", cli.ExitUsage, "", "there is no such format"},
	} {
		args := strings.Fields(strings.NewReplacer("A", file("a.json"), "B", file("b.json"), "DIR", dir).Replace(row.args))
		r := command.Run(t, append([]string{"compare"}, args...)...)
		if r.Status != row.status || !strings.Contains(r.Out, row.out) || !strings.Contains(r.Err, row.err) || row.status == cli.ExitUsage && r.Out != "" {
			t.Errorf("%s: status %d\n%.600s%s", row.args, r.Status, r.Out, r.Err)
		}
	}
	for name, want := range map[string]string{"c.html": "<!DOCTYPE html>", "c.json": `"metrics"`, "c.txt": "noise cannot be told"} {
		if text, err := os.ReadFile(file(name)); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
