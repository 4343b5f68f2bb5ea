//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"mqtt/internal/transport/transporttest"
)

// TestProxyVolume sends many small messages and a large one through three proxies, which are connected by
// WebSocket and TLS, one of them recording, to our broker and to mosquitto: byte for byte and in order.
func TestProxyVolume(t *testing.T) {
	t.Parallel()
	lines, large := 10_000, 1<<20
	if *long {
		lines, large = 1_000_000, 12<<20
	}
	for _, server := range []string{"mqtt", "mosquitto"} {
		t.Run(server, func(t *testing.T) {
			dir := t.TempDir()
			certs := transporttest.New(t)
			record := filepath.Join(dir, "record.jsonl")
			_, at := launchProxy(t, dir, "--to", "mqtt://127.0.0.1:"+launchServer(t, server, dir), "--listen", "mqtts://127.0.0.1:0", "--cert", certs.Server, "--key", certs.ServerKey)
			_, port, _ := strings.Cut(at, "127.0.0.1:")
			_, at = launchProxy(t, dir, "--to", "mqtts://localhost:"+port, "--to-cafile", certs.CA, "--listen", "ws://127.0.0.1:0/mqtt")
			last, at := launchProxy(t, dir, "--to", at, "--record", record, "--listen", "mqtt://127.0.0.1:0")

			var text bytes.Buffer
			for n := range lines {
				fmt.Fprintln(&text, n)
			}
			text.Write(bytes.Repeat([]byte{'x'}, large))
			text.WriteByte('\n')
			input := filepath.Join(dir, "input")
			if err := os.WriteFile(input, text.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			sub, out, told := launchTool(t, dir, "sub", "-L", at, "-t", "a", "-q", "1", "-d", "-i", "sub", "-C", strconv.Itoa(lines+1))
			awaitTold(t, told, "SUBACK")
			told.quiet()
			pub := exec.Command(sub.Path, "pub", "-L", at, "-t", "a", "-l", "-q", "1")
			pub.Args[0], pub.Env = "mqtt", sub.Env
			file, err := os.Open(input)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			pub.Stdin = file
			if b, err := pub.CombinedOutput(); err != nil || len(b) > 0 {
				t.Errorf("pub: %v: %s", err, b)
			}
			if err := sub.Wait(); err != nil {
				t.Errorf("sub: %v: %s", err, told)
			}
			got, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, text.Bytes()) {
				t.Errorf("%d of %d lines, and not the same", bytes.Count(got, []byte("\n")), lines+1)
			}
			last.Process.Signal(syscall.SIGTERM)
			if err := last.Wait(); err != nil {
				t.Error(err)
			}
			recorded, err := os.ReadFile(record)
			if err != nil {
				t.Fatal(err)
			}
			for _, way := range []string{"in", "out"} {
				if n := bytes.Count(recorded, []byte(`"way":"`+way+`","type":"PUBLISH"`)); n != lines+1 {
					t.Errorf("%d messages %s are recorded, want %d", n, way, lines+1)
				}
			}
		})
	}
}

// launchProxy starts a proxy until the test ends, and returns it with its URL.
func launchProxy(t *testing.T, dir string, args ...string) (cmd *exec.Cmd, url string) {
	t.Helper()
	cmd, out, told := launchTool(t, dir, append([]string{"proxy", "--print-url"}, args...)...)
	for limit := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		b, _ := os.ReadFile(out)
		if url, ok := strings.CutSuffix(string(b), "\n"); ok {
			return cmd, url
		}
		if time.Now().After(limit) {
			t.Fatalf("the proxy said %q, %s", b, told)
		}
	}
}
