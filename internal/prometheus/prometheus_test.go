package prometheus

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAppend(t *testing.T) {
	var b []byte
	b = AppendHead(b, "name", "gauge", "What it is.")
	b = AppendSample(b, "name", 1.5, "a", "x\\y", "b", "\"\n\xff")
	b = AppendSample(b, "name", 2e6)
	b = AppendInt(b, "name", 12345678)
	want := "# HELP name What it is.\n# TYPE name gauge\nname{a=\"x\\\\y\",b=\"\\\"\\n\ufffd\"} 1.5\nname 2e+06\nname 12345678\n"
	if string(b) != want {
		t.Errorf("got\n%s\nwant\n%s", b, want)
	}
}

func TestServe(t *testing.T) {
	for method, want := range map[string]struct {
		status int
		body   string
	}{"GET": {200, "name 1\n"}, "HEAD": {200, ""}, "POST": {405, "only GET and HEAD\n"}} {
		w, req := httptest.NewRecorder(), httptest.NewRequest(method, "/metrics", nil)
		if Allow(w, req) {
			Serve(w, req, []byte("name 1\n"))
		}
		if w.Code != want.status || w.Body.String() != want.body {
			t.Errorf("%s: %d %q", method, w.Code, w.Body)
		}
		if want.status == 200 && (!strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain; version=0.0.4") || w.Header().Get("Content-Length") != "7") {
			t.Errorf("%s: %v", method, w.Header())
		}
	}
}
