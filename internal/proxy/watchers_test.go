package proxy

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mqtt/internal/bench"
	"mqtt/internal/proto"
	"mqtt/internal/rules"
)

// answer is a server that accepts a client and answers what needs an answer.
func answer(c net.Conn) {
	in := proto.NewReader(c, 0)
	for {
		f, err := in.Next()
		if err != nil {
			return
		}
		var b []byte
		switch f.Type() {
		case proto.CONNECT:
			b, _ = (&proto.Connack{}).Append(nil, proto.V5)
		case proto.PINGREQ:
			b = []byte{0xD0, 0}
		case proto.PUBLISH:
			var p proto.Publish
			if p.Decode(f, proto.V5); p.QoS == 1 {
				b, _ = (&proto.Ack{Kind: proto.PUBACK, PacketID: p.PacketID}).Append(nil, proto.V5)
			}
		}
		if _, err := c.Write(b); err != nil {
			return
		}
	}
}

// 1,000 connections at one time are relayed, listed and cut.
func TestManyConnections(t *testing.T) {
	const n = 1000
	if files := bench.Descriptors(); files > 0 && files < 5*n {
		t.Skipf("only %d open files are allowed", files)
	}
	p, addr := start(t, server(t, answer), Options{Look: true})
	conns := make([]*net.TCPConn, n)
	var wg sync.WaitGroup
	for d := range 20 {
		wg.Go(func() {
			for i := d; i < n; i += 20 {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					t.Error(err)
					return
				}
				conns[i] = c.(*net.TCPConn)
				c.SetDeadline(time.Now().Add(patience))
				c.Write([]byte("\x10\x0f\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x02c1"))
				if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	defer func() {
		for _, c := range conns {
			if c != nil {
				c.Close()
			}
		}
	}()
	list := p.Connections()
	if len(list) != n || list[0].Client != "c1" || list[0].Out != 5 {
		t.Fatalf("%d connections: %+v", len(list), list[0])
	}
	for _, c := range conns {
		c.Write([]byte{0xC0, 0})
	}
	for _, c := range conns {
		want(t, c, []byte{0xD0, 0})
	}
	for i, info := range list {
		if i%2 == 0 && !p.Cut(info.ID) {
			t.Errorf("connection %d is not there", info.ID)
		}
	}
	eventually(t, "half of the connections", func() bool { return len(p.Connections()) == n/2 })
}

// The control interface lists and cuts connections and sets faults.
func TestControl(t *testing.T) {
	p, addr := start(t, server(t, answer), Options{Look: true})
	c := dial(t, addr)
	c.Write(packets(t, connect("dev\x1b")))
	want(t, c, packets(t, &proto.Connack{}))
	do := func(method, path, body string) (int, string) {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Host = "127.0.0.1:1"
		w := httptest.NewRecorder()
		p.Control().ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	code, body := do("GET", "/connections", "")
	var list []map[string]any
	if err := json.Unmarshal([]byte(body), &list); code != 200 || err != nil || len(list) != 1 {
		t.Fatalf("%d %s", code, body)
	}
	if keys := len(list[0]); keys != 6 || list[0]["id"] != 1.0 || list[0]["client"] != "dev\x1b" || list[0]["in"].(float64) == 0 || list[0]["out"] != 5.0 {
		t.Errorf("%v", list[0])
	}
	if _, err := time.Parse(time.RFC3339, list[0]["started"].(string)); err != nil || list[0]["address"] != c.LocalAddr().String() {
		t.Errorf("%v", list[0])
	}
	for _, row := range []struct {
		method, path, body string
		code               int
		want               string
	}{
		{"GET", "/faults", "", 200, ""},
		{"PUT", "/faults", "delay=1ms drop=0%\n", 204, ""},
		{"GET", "/faults", "", 200, "delay=1ms drop=0%\n"},
		{"PUT", "/faults", "dorp=1%", 400, "expected delay"},
		{"PUT", "/faults", strings.Repeat("x", mostWords+1), 413, "too large"},
		{"GET", "/faults", "", 200, "delay=1ms drop=0%\n"},
		{"DELETE", "/faults", "", 204, ""},
		{"GET", "/faults", "", 200, ""},
		{"POST", "/faults", "", 405, ""},
		{"DELETE", "/connections/99", "", 404, "no connection"},
		{"DELETE", "/connections/x", "", 404, "no connection"},
		{"GET", "/", "", 404, ""},
		{"DELETE", "/connections/1", "", 204, ""},
	} {
		if code, body := do(row.method, row.path, row.body); code != row.code || row.want != "" && !strings.Contains(body, row.want) || row.want == "" && code == 200 && body != "" {
			t.Errorf("%s %s: %d %s", row.method, row.path, code, body)
		}
	}
	wantEnd(t, c)
	r := httptest.NewRequest(http.MethodDelete, "/faults", nil)
	r.Host = "evil.example:8474"
	w := httptest.NewRecorder()
	if p.Control().ServeHTTP(w, r); w.Code != http.StatusForbidden {
		t.Errorf("a request for another host name: %d", w.Code)
	}
}

// A full disk ends the recording, and not the relay.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	failed := make(chan error, 10)
	log := NewLog(full, func(err error) { failed <- err })
	_, addr := start(t, server(t, answer), Options{Watchers: []Watcher{Records{log}}})
	c := dial(t, addr)
	c.Write(packets(t, connect("c")))
	want(t, c, packets(t, &proto.Connack{}))
	if err := <-failed; !errors.Is(err, syscall.ENOSPC) {
		t.Error(err)
	}
	for range 1000 {
		c.Write([]byte{0xC0, 0})
		want(t, c, []byte{0xD0, 0})
	}
	if err := log.Close(patience); !errors.Is(err, syscall.ENOSPC) || len(failed) > 0 {
		t.Errorf("%v, told %d times more", err, len(failed))
	}
}

// An output whose reader has stopped stops the relay, until it is released.
func TestStuckOutput(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close() // ends the reader at the end of the test
	log := NewLog(w, func(error) {})
	p, addr := start(t, server(t, answer), Options{Watchers: []Watcher{Records{log}}})
	c := dial(t, addr)
	c.Write(packets(t, connect("c")))
	sent := 0
	for {
		c.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		n, err := c.Write(packets(t, publish("a", strings.Repeat("x", 10_000))))
		if sent += n; err != nil {
			break
		}
		if sent > 64<<20 {
			t.Fatal("the relay does not wait for its output")
		}
	}
	if err := log.Close(10 * time.Millisecond); !errors.Is(err, ErrStuck) {
		t.Error(err)
	}
	go io.Copy(io.Discard, r)
	p.Close()
	if err := log.Close(patience); err != nil {
		t.Error(err)
	}
}

// tshark reads the file, and sees the packets and the ends of the connection.
func TestPcap(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "x.pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	log := NewLog(file, func(err error) { t.Error(err) })
	p, addr := start(t, server(t, answer), Options{Watchers: []Watcher{NewPcap(log)}, Faults: plan(t, "drop=100% packets=PINGREQ")})
	c := dial(t, addr)
	hello := connect("dev")
	hello.HasUsername, hello.Username, hello.HasPassword, hello.Password = true, "user", true, []byte("geheim")
	c.Write(packets(t, hello))
	want(t, c, packets(t, &proto.Connack{}))
	large := publish("large", strings.Repeat("x", 100_000))
	large.QoS, large.PacketID = 1, 7
	c.Write(packets(t, publish("a/b", "hello"), &proto.Ping{Kind: proto.PINGREQ}, large))
	want(t, c, packets(t, &proto.Ack{Kind: proto.PUBACK, PacketID: 7}))
	c.Close()
	eventually(t, "end", func() bool { return len(p.Connections()) == 0 })
	if err := log.Close(patience); err != nil {
		t.Error(err)
	}
	out, err := exec.Command(tshark, "-r", file.Name(), "-Y", "mqtt", "-T", "fields", "-e", "tcp.dstport", "-e", "mqtt.msgtype", "-e", "mqtt.topic", "-e", "mqtt.passwd", "-e", "frame.comment").Output()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		if port, rest, ok := strings.Cut(strings.TrimRight(line, "\n"), "\t"); ok && port == "1883" {
			lines = append(lines, "in "+rest)
		} else {
			lines = append(lines, "out "+rest)
		}
	}
	wanted := []string{"in 1\t\t******\t", "out 2\t\t\t", "in 3\ta/b\t\t", "in 12\t\t\tfault: drop", "in 3\tlarge\t\t", "out 4\t\t\t"}
	if !slices.Equal(lines, wanted) {
		t.Errorf("tshark shows %q, want %q", lines, wanted)
	}
	out, err = exec.Command(tshark, "-r", file.Name(), "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-Y",
		"tcp.checksum.status == 0 || ip.checksum.status == 0 || tcp.analysis.flags || mqtt && _ws.malformed").Output()
	if err != nil || len(out) > 0 {
		t.Errorf("tshark complains of %s (%v)", out, err)
	}
	out, err = exec.Command(tshark, "-r", file.Name(), "-Y", "tcp.flags.syn == 1 || tcp.flags.fin == 1").Output()
	if n := bytes.Count(out, []byte("\n")); err != nil || n != 4 {
		t.Errorf("%d segments with SYN or FIN: %s (%v)", n, out, err)
	}
}

// Rules are silent where both are right, and name who is wrong; the proxy's own faults blame nobody.
func TestRules(t *testing.T) {
	for _, row := range []struct {
		name   string
		client []byte
		words  string
		want   []string
	}{
		{"right", packets(t, connect("c"), publish("a", "x"), &proto.Ping{Kind: proto.PINGREQ}, &proto.Disconnect{}), "", nil},
		{"faults", packets(t, connect("c"), publish("a", "x"), &proto.Ping{Kind: proto.PINGREQ}, &proto.Disconnect{}), "duplicate=50% drop=20% reorder=20%", nil},
		{"second CONNECT", packets(t, connect("c"), connect("c")), "", []string{"client MQTT-3.1.0-2", "server MQTT-3.2.0-2"}}, // the server answers again
		{"wildcard", append(packets(t, connect("c")), 0x30, 6, 0, 3, 'a', '/', '#', 0), "", []string{"client MQTT-3.3.2-2"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var mu sync.Mutex
			var found []string
			opt := Options{Rules: true, Violation: func(s Source, v rules.Violation) {
				mu.Lock()
				defer mu.Unlock()
				found = append(found, v.Broken.String()+" "+v.ID)
			}}
			if row.words != "" {
				opt.Faults = plan(t, row.words)
			}
			p, addr := start(t, server(t, answer), opt)
			c := dial(t, addr)
			c.Write(row.client)
			c.CloseWrite()
			io.ReadAll(c)
			c.Close()
			eventually(t, "end", func() bool { return len(p.Connections()) == 0 })
			mu.Lock()
			defer mu.Unlock()
			if slices.Sort(found); !slices.Equal(found, row.want) {
				t.Errorf("found %q, want %q", found, row.want)
			}
		})
	}
}
