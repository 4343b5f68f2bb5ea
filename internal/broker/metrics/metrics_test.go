package metrics

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"mqtt/internal/broker"
)

func TestHandler(t *testing.T) {
	h := &Handler{}
	s := httptest.NewServer(h)
	defer s.Close()
	get := func(method, path string) (int, string) {
		req, err := http.NewRequest(method, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return r.StatusCode, string(b)
	}
	if code, _ := get("GET", "/healthz"); code != 503 {
		t.Errorf("/healthz before there is a broker: %d", code)
	}
	b := broker.New(broker.Options{})
	defer b.Close(context.Background())
	h.Set(b)
	for _, c := range []struct {
		method, path string
		code         int
	}{{"GET", "/healthz", 200}, {"HEAD", "/metrics", 200}, {"POST", "/metrics", 405}, {"GET", "/", 404}, {"GET", "/metrics/x", 404}} {
		if code, _ := get(c.method, c.path); code != c.code {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, code, c.code)
		}
	}
	code, text := get("GET", "/metrics")
	if code != 200 {
		t.Fatal(code)
	}
	// Every line is a HELP or TYPE comment, or a name and a number. Every name has both comments.
	form := regexp.MustCompile(`^mqtt_broker_[a-z_]+ [0-9.]+$`)
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "# HELP ") || strings.HasPrefix(line, "# TYPE ") {
			continue
		}
		name, _, _ := strings.Cut(line, " ")
		if !form.MatchString(line) || strings.Count(text, "# HELP "+name+" ") != 1 || strings.Count(text, "# TYPE "+name+" ") != 1 {
			t.Errorf("line %q", line)
		}
		if strings.HasSuffix(name, "_total") != strings.Contains(text, "# TYPE "+name+" counter\n") {
			t.Errorf("%s: the names of counters, and only those, end in _total", name)
		}
	}
	if strings.Count(text, "# TYPE") != 21 {
		t.Errorf("%d figures", strings.Count(text, "# TYPE"))
	}
}
