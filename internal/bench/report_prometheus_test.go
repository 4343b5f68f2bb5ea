package bench

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

func prometheusOf(t *testing.T, r *Result) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Prometheus(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPrometheusGolden(t *testing.T) {
	golden(t, "report.prom", prometheusOf(t, small()))
}

// samples parses an exposition strictly. It returns values by name and labels.
func samples(t *testing.T, text string) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	seen := map[string]bool{}
	family, kind := "", ""
	if !strings.HasSuffix(text, "\n") {
		t.Error("the last line has no end")
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, "# HELP "); ok {
			family, _, _ = strings.Cut(name, " ")
			if seen[family] {
				t.Errorf("%s comes twice", family)
			}
			seen[family] = true
			continue
		}
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			var of string
			if of, kind, _ = strings.Cut(name, " "); of != family {
				t.Errorf("%s has the type of %s", family, of)
			}
			continue
		}
		space := strings.LastIndexByte(line, ' ')
		if space < 0 {
			t.Fatalf("no value in %q", line)
		}
		key := line[:space]
		x, err := strconv.ParseFloat(line[space+1:], 64)
		if err != nil {
			t.Errorf("%q: %v", line, err)
		}
		name, labels, labelled := strings.Cut(key, "{")
		if labelled && !closed(labels) {
			t.Errorf("labels of %q", line)
		}
		if base := name; kind == "histogram" {
			for _, end := range []string{"_bucket", "_sum", "_count"} {
				base = strings.TrimSuffix(base, end)
			}
			name = base
		}
		if name != family || kind == "counter" && !strings.HasSuffix(name, "_total") {
			t.Errorf("%q is in the family %s, a %s", line, family, kind)
		}
		if _, twice := all[key]; twice {
			t.Errorf("%q comes twice", key)
		}
		all[key] = x
	}
	return all
}

// closed reports whether labels are name="value" pairs with commas between them and } at the end.
func closed(s string) bool {
	for {
		name, rest, ok := strings.Cut(s, `="`)
		if !ok || name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "" {
			return false
		}
		i := 0
		for ; i < len(rest) && rest[i] != '"'; i++ {
			if rest[i] == '\\' {
				if i++; i == len(rest) || !strings.ContainsRune(`\"n`, rune(rest[i])) {
					return false
				}
			}
		}
		if i+1 >= len(rest) {
			return false
		}
		if rest[i+1:] == "}" {
			return true
		}
		if s = rest[i+2:]; rest[i+1] != ',' {
			return false
		}
	}
}

func TestPrometheusIsWhole(t *testing.T) {
	for name, r := range unusual() {
		if name == "hostile" { // the same kind twice is not of a real run
			r.ErrorKinds, r.Verdicts = r.ErrorKinds[:1], r.Verdicts[:1]
		}
		text := string(prometheusOf(t, r))
		all := samples(t, text)
		if got := all["mqtt_bench_sent_messages_total"]; got != float64(r.Sent) {
			t.Errorf("%s: sent %g of %d", name, got, r.Sent)
		}
		last := 0.0
		for _, bound := range append(metricBounds(), -1) {
			le := "+Inf"
			if bound > 0 {
				le = strconv.FormatFloat(bound.Seconds(), 'g', -1, 64)
			}
			n, ok := all[`mqtt_bench_latency_seconds_bucket{le="`+le+`"}`]
			if r.Latency.Count() > 0 && (!ok || n < last) {
				t.Errorf("%s: bucket %s is %g after %g", name, le, n, last)
			}
			last = n
		}
		if last != float64(r.Latency.Count()) || all["mqtt_bench_latency_seconds_count"] != last {
			t.Errorf("%s: %g of %d in the last bucket", name, last, r.Latency.Count())
		}
	}
}

func TestMetrics(t *testing.T) {
	var m Metrics
	ask := func(method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		m.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w
	}
	if w := ask("GET", "/metrics"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("before the run: %d", w.Code)
	}
	h := newHistogram(coarse)
	h.RecordMany(3*time.Millisecond, 7)
	m.Take(&Progress{Phase: "warming up", Done: -1, Latency: h, Sent: 0}, nil)
	for i := range 3 {
		m.Take(&Progress{Phase: "sending", Done: 0.5, Elapsed: time.Second, Latency: h, Sent: uint64(10 * i), Connections: 4, Wanted: 5, Errors: 1}, nil)
	}
	h.Reset() // it was good for the call only
	w := ask("GET", "/metrics")
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/plain; version=0.0.4; charset=utf-8" ||
		w.Header().Get("Content-Length") != strconv.Itoa(w.Body.Len()) {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	all := samples(t, w.Body.String())
	for key, want := range map[string]float64{
		`mqtt_bench_phase{phase="sending"}`: 1, "mqtt_bench_phase_done_ratio": 0.5, "mqtt_bench_sent_messages_total": 20,
		"mqtt_bench_open_connections": 4, "mqtt_bench_errors_total": 1,
		`mqtt_bench_latency_seconds_bucket{le="0.002"}`: 0, `mqtt_bench_latency_seconds_bucket{le="0.005"}`: 21,
		"mqtt_bench_latency_seconds_count": 21, // without the warm-up
	} {
		if got, ok := all[key]; !ok || got != want {
			t.Errorf("%s is %g, want %g", key, got, want)
		}
	}
	if w := ask("HEAD", "/metrics"); w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") == "0" {
		t.Errorf("HEAD: %d, %d bytes", w.Code, w.Body.Len())
	}
	if w := ask("POST", "/metrics"); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d", w.Code)
	}
	if w := ask("GET", "/"); w.Code != 404 {
		t.Errorf("another path: %d", w.Code)
	}
}
