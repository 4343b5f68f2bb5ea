package main

import (
	"io"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// announced starts a broker and returns the groups that pattern matches in its output.
func announced(t *testing.T, pattern string, args ...string) []string {
	t.Helper()
	path, err := exec.LookPath("mqtt")
	if err != nil {
		t.Fatal(err)
	}
	var said transcript
	cmd := exec.Command(path, append([]string{"broker", "--listen", "mqtt://127.0.0.1:0"}, args...)...)
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	form := regexp.MustCompile(`(?s)` + pattern)
	for limit := time.After(patience); ; {
		text, more := said.look()
		if found := form.FindStringSubmatch(text); found != nil {
			return found[1:]
		}
		select {
		case <-more:
		case <-limit:
			t.Fatalf("the broker said\n%s", text)
		}
	}
}

// A connection that sends nothing, and one whose CONNECT is never complete, are closed.
func TestBrokerSilent(t *testing.T) {
	t.Parallel()
	addr := announced(t, `serving on mqtt://(\S+)`, "--connect-timeout", "150ms")[0]
	for _, first := range []string{"", "\x10", "\x10\x20\x00\x04MQ"} {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		began := time.Now()
		io.WriteString(c, first)
		c.SetReadDeadline(began.Add(patience))
		if b, err := io.ReadAll(c); err != nil || len(b) > 0 {
			t.Errorf("after %q: %q, %v", first, b, err)
		}
		if took := time.Since(began); took < 100*time.Millisecond {
			t.Errorf("after %q the end came in %s", first, took)
		}
	}
}

// --metrics answers /metrics and /healthz while the broker serves.
func TestBrokerMetrics(t *testing.T) {
	t.Parallel()
	found := announced(t, `metrics at (http://\S+)/metrics.*serving on mqtt://(\S+)`, "--metrics", "0")
	silent, err := net.Dial("tcp", found[1]) // a connection that is no client
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	c, err := net.Dial("tcp", found[1])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Write([]byte("\x10\x0d\x00\x04MQTT\x04\x02\x00\x00\x00\x01c"))
	get := func(path string) (int, string) {
		r, err := http.Get(found[0] + path)
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
	for limit := time.Now().Add(patience); ; {
		code, text := get("/metrics")
		if code == 200 && strings.Contains(text, "\nmqtt_broker_connects_total 2\n") && strings.Contains(text, "\nmqtt_broker_clients 1\n") {
			break
		}
		if time.Now().After(limit) {
			t.Fatalf("%d\n%s", code, text)
		}
	}
	if code, text := get("/healthz"); code != 200 || text != "ok\n" {
		t.Errorf("/healthz: %d %q", code, text)
	}
	if code, _ := get("/"); code != 404 {
		t.Errorf("/: %d", code)
	}
}
