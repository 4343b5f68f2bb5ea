package bench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mqtt/internal/bench"
	"mqtt/internal/broker"
	"mqtt/internal/cmd/cmdtest"
)

// TestReportNamesItself checks that a report has the title, the command line without secrets, the
// server's version, and the machine.
func TestReportNamesItself(t *testing.T) {
	b := cmdtest.StartBroker(t, broker.Options{Version: "mqtt 9.9"})
	dir := t.TempDir()
	page, raw := filepath.Join(dir, "r.html"), filepath.Join(dir, "r.json")
	args := b.Args("--messages", "20", "-u", "ann", "--pw", "hunter2", "-D", "connect user-property token hunter2",
		"-m", "it's", "-V", "5", "--title", "<b>Night run</b>", "--out", page, "--out", raw)
	if r := run(t, args...); r.Status != 0 {
		t.Fatalf("%+v", r)
	}
	file, err := os.Open(raw)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, err := bench.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	m := r.Machines[0]
	host, _ := os.Hostname()
	if r.Title != "<b>Night run</b>" || r.ServerVersion != "mqtt 9.9" || m.Host != host {
		t.Errorf("title %q, server %q, host %q", r.Title, r.ServerVersion, m.Host)
	}
	for _, want := range []string{"bench ", " --messages 20 --username ann --pw '********' ", " --message 'it'\\''s' ", "--out " + raw} {
		if !strings.Contains(m.Command, want) {
			t.Errorf("the command %q has no %q", m.Command, want)
		}
	}
	for _, name := range []string{page, raw} {
		text, err := os.ReadFile(name)
		if err != nil || strings.Contains(string(text), "hunter2") || strings.Contains(string(text), "<b>Night") {
			t.Errorf("%v, or %s has a secret or markup of the title", err, name)
		}
	}
	if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "<h1>&lt;b&gt;Night run&lt;/b&gt;</h1>") ||
		!strings.Contains(string(text), "<dd>mqtt 9.9</dd>") || !strings.Contains(string(text), "<span>--messages</span>") {
		t.Errorf("%v, or the page has no title, version or command", err)
	}
	again := filepath.Join(dir, "again.html")
	if r := run(t, "report", "--title", "Other name", "--out", again, raw); r.Status != 0 {
		t.Fatalf("%+v", r)
	}
	if text, err := os.ReadFile(again); err != nil || !strings.Contains(string(text), "<h1>Other name</h1>") {
		t.Errorf("%v, or bench report does not rename the run", err)
	}
}
