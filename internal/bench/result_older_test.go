package bench

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

// TestReadOlder reads a result of a version that named no unit, server, machine or time of a loss.
func TestReadOlder(t *testing.T) {
	r := sample(20, 1000)
	r.Title, r.ServerVersion, r.Lost, r.Series.Points[3].Lost = "title", "server 1", 5, 5
	m := &r.Machines[0]
	m.Command, m.Host, m.System, m.Processor = "mqtt bench", "host", "system", "processor"
	var b bytes.Buffer
	if err := JSON(&b, r); err != nil {
		t.Fatal(err)
	}
	recent := regexp.MustCompile(`(?m)^ *"(unit|title|server_version|command|host|system|processor)": "[^"]*",\n`)
	older := recent.ReplaceAllString(b.String(), "")
	older = strings.Replace(older, `      "lost": 5,`+"\n", "", 1)
	if n := len(recent.FindAllString(b.String(), -1)); n < 30 || strings.Contains(older, `"unit"`) {
		t.Fatalf("%d fields were taken out", n)
	}
	back, err := Read(strings.NewReader(older))
	if err != nil {
		t.Fatal(err)
	}
	if back.Latency.At(99) != r.Latency.At(99) || back.Lost != 5 || back.Title+back.ServerVersion+back.Machines[0].Host != "" {
		t.Errorf("p99 %v, %d lost, title %q", back.Latency.At(99), back.Lost, back.Title)
	}
	if page := htmlOf(t, back); !strings.Contains(page, "not known when the lost messages were due") || strings.Contains(page, `<div class="command">`) {
		t.Error("the page shows what the result does not have")
	}
}
