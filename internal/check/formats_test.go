package check

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

// sample returns a report with each verdict, of a server that tries to reach the terminal.
func sample() *Report {
	packets := []Packet{
		{Connection: 1, Way: "in", Time: 0.001, Hex: "c000", Text: "PINGREQ"},
		{Connection: 1, Way: "out", Time: 0.002, Hex: "d000", Text: "PINGRESP"},
	}
	r := &Report{
		Schema: Schema, Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Seconds: 1.5,
		Server: Server{URL: "mqtt://broker.example:1883", Versions: []string{"5.0", "3.1.1"}, Facts: []Fact{{"5.0", "Maximum QoS", "2", "property of CONNACK"}}},
	}
	for i, v := range Verdicts {
		k := Result{
			Rules: []string{"MQTT-3.12.4-1", "MQTT-4.7.3-4"}, Version: "5.0", Section: "3.12.4", Title: "PINGREQ is answered by PINGRESP",
			Verdict: v, Expected: "PINGRESP <at once>", Got: "nothing within 5s \x1b[31m| & # *x*", Packets: packets, Seconds: 0.25,
		}
		switch {
		case v == OK:
			k.Expected, k.Got = k.Title, ""
		case i > 3:
			k.Version, k.Section, k.Rules = "3.1.1", "4.8", []string{}
		}
		k.ID = k.Version + "/" + k.Section + "/" + string(v) + "-case"
		r.Cases = append(r.Cases, k)
	}
	r.count()
	return r
}

// TestGolden compares each format of a report, and of a comparison, with its golden file.
func TestGolden(t *testing.T) {
	view := View{Repeat: func(r *Result) string { return "mqtt check -L mqtt://broker.example:1883 " + r.ID }}
	strict := view
	strict.Strict, strict.Verbose = true, true
	strict.Known = map[string]bool{"5.0/3.12.4/fail-case": true, "5.0/3.12.4/ok-case": true}
	matrix := func(f func(*Matrix, io.Writer) error) func(io.Writer, *Report, View) error {
		return func(w io.Writer, r *Report, _ View) error {
			other := sample()
			other.Cases = other.Cases[:1]
			other.count()
			return f(NewMatrix([]string{"ours", "their|s\x1b"}, []*Report{other, r}), w)
		}
	}
	for name, write := range map[string]func(io.Writer, *Report, View) error{
		"report.txt": Text, "report.json": JSON, "report.xml": JUnit, "report.html": HTML, "report.tap": TAP, "report.md": Markdown,
		"strict.txt": Text, "strict.xml": JUnit, "strict.tap": TAP,
		"matrix.txt": matrix((*Matrix).Text), "matrix.md": matrix((*Matrix).Markdown), "matrix.html": matrix((*Matrix).HTML),
	} {
		v := view
		if strings.HasPrefix(name, "strict") {
			v = strict
		}
		var b bytes.Buffer
		if err := write(&b, sample(), v); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if strings.Contains(b.String(), "\x1b") {
			t.Errorf("%s has an escape character", name)
		}
		got := b.Bytes()
		if strings.HasSuffix(name, ".html") { // what all reports share has tests of its own
			got = body(got)
		}
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, got, 0o666); err != nil {
				t.Error(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s differs (-update writes it):\n%s", name, got)
		}
	}
	if r, err := Read(bytes.NewReader(mustJSON(t))); err != nil || len(r.Cases) != len(Verdicts) {
		t.Errorf("what JSON wrote cannot be read: %v", err)
	}
}

// body returns what comes after the head of an HTML page.
func body(page []byte) []byte {
	if i := bytes.Index(page, []byte("<body")); i >= 0 {
		return page[i:]
	}
	return page
}

func mustJSON(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := JSON(&b, sample(), View{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
