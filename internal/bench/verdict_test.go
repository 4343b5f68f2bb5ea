package bench

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestVerdictText checks that a verdict has the same unit on both sides and shows on which
// side of the limit the value is.
func TestVerdictText(t *testing.T) {
	latency := func(d time.Duration) *Result {
		r := small()
		r.Latency = NewHistogram()
		r.Latency.Record(d)
		return r
	}
	rate := func(x float64) *Result { return &Result{SendRate: x} }
	for _, c := range []struct {
		r          *Result
		expr, want string
	}{
		{latency(41980 * time.Microsecond), "max>500ms", "PASS max = 42.0 ms (fails above 500 ms)"},
		{latency(812 * time.Millisecond), "max>500ms", "FAIL max = 812 ms (fails above 500 ms)"},
		{latency(500 * time.Microsecond), "max>500ms", "PASS max = 0.500 ms (fails above 500 ms)"},
		{latency(1500 * time.Millisecond), "max>1s", "FAIL max = 1.50 s (fails above 1 s)"},
		{latency(300 * time.Microsecond), "max>1ns", "FAIL max = 300,031 ns (fails above 1 ns)"},
		{latency(300 * time.Microsecond), "max<1h", "FAIL max = 0.000300 s (fails below 3,600 s)"},
		{latency(5 * time.Millisecond), "max>0ms", "FAIL max = 5.00 ms (fails above 0 ms)"},
		{latency(2 * time.Millisecond), "max>1.5ms", "FAIL max = 2.00 ms (fails above 1.5 ms)"},
		{rate(9876.4), "rate<10k", "FAIL rate = 9,876 /s (fails below 10,000 /s)"},
		{rate(9999.96), "rate<10k", "FAIL rate = 9,999.96 /s (fails below 10,000 /s)"},
		{rate(1e6), "send.rate<10k", "PASS send.rate = 1,000,000 /s (fails below 10,000 /s)"},
		{rate(0.5), "rate<=0.5/s", "FAIL rate = 0.500 /s (fails at 0.5 /s or below)"},
		{small(), "loss", "FAIL loss = 1 (fails above 0)"},
		{small(), "loss>10%", "PASS loss = 8.33 % (fails above 10 %)"},
		{small(), "dup>=1", "FAIL dup = 1 (fails at 1 or above)"},
		{small(), "received!=12", "PASS received = 12 (fails unless 12)"},
		{small(), "sent==12", "FAIL sent = 12 (fails at 12)"},
		{&Result{Latency: NewHistogram()}, "p99>20ms", "FAIL p99>20ms: it was not measured"},
	} {
		th, err := ParseThreshold(c.expr)
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		failed := c.r.Judge([]*Threshold{th})
		if got := c.r.Verdicts[0].String(); got != c.want || failed != strings.HasPrefix(got, "FAIL") {
			t.Errorf("%s: %s, want %s", c.expr, got, c.want)
		}
	}
}

// TestVerdictsInReports checks that text, HTML and JUnit have the same words.
func TestVerdictsInReports(t *testing.T) {
	r := small()
	for name, c := range map[string]struct {
		report Report
		want   []string
	}{
		"text":  {Text(100, nothing{}), []string{"\nFAIL p99 = 1,500 ms (fails above 20 ms)\n", "\nPASS rate = 3.00 /s (fails below 2 /s)\n"}},
		"html":  {HTML, []string{">FAIL p99 = 1,500 ms (fails above 20 ms)<", ">PASS rate = 3.00 /s (fails below 2 /s)<"}},
		"junit": {JUnit, []string{`message="FAIL p99 = 1,500 ms (fails above 20 ms)"`, "PASS rate = 3.00 /s (fails below 2 /s)"}},
	} {
		var b bytes.Buffer
		if err := c.report(&b, r); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s has no %q", name, want)
			}
		}
		if word := regexp.MustCompile(`\b(hold|held)\b`).FindString(b.String()); word != "" {
			t.Errorf("%s says %s", name, word)
		}
	}
}
