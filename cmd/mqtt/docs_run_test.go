//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"mqtt/internal/transport/transporttest"
)

// Every command line of the documents runs against a broker of its own, in a folder with the files
// that the documents mention.
//
//	go test ./cmd/mqtt -run 'DocsRun/tasks.md:12'
func TestDocsRun(t *testing.T) {
	if testing.Short() {
		t.Skip("starts some hundred processes")
	}
	t.Parallel()
	var all []docScript
	for _, name := range documents(t) {
		all = append(all, readDocument(t, name).scripts...)
	}
	pages, _ := filepath.Glob(manFolder + "/*.1")
	for _, name := range pages {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range manExamples(string(text)) {
			s.file = name
			all = append(all, s)
		}
	}
	if len(all) < 50 {
		t.Fatalf("only %d command lines were found", len(all))
	}
	mqtt, err := built()
	if err != nil {
		t.Fatal(err)
	}
	p := newPattern(t, mqtt)
	for _, s := range all {
		if s.notRun != "" {
			continue
		}
		t.Run(filepath.Base(s.file)+":"+strconv.Itoa(s.line), func(t *testing.T) {
			t.Parallel()
			w := p.world(t, s.text)
			for _, one := range s.parts() {
				w.run(t, one)
			}
		})
	}
}

// parts returns the scripts in a block: the block itself, or each line of a list.
func (s *docScript) parts() []string {
	if !docEnding.MatchString(s.text) {
		return []string{s.text}
	}
	var all []string
	for _, line := range strings.Split(strings.ReplaceAll(s.text, "\\\n", " "), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	return all
}

// docEnding matches what a line says about how it ends.
var docEnding = regexp.MustCompile(`# (?:.*, )?(until Ctrl-C|exit status (\d+))`)

// ownBroker matches commands that start their own broker.
var ownBroker = regexp.MustCompile(`mqtt broker|--embedded`)

// docsWorld is a folder with a broker, in which examples run.
type docsWorld struct {
	mqtt    string // the program
	dir     string
	env     []string
	server  []string // the broker, as variables
	replace *strings.Replacer
}

// The names and files that the documents mention. Names below .example are brokers of the world.
const docsWorldScript = `
printf '{"level":"info","text":"up"}\n{"level":"error","text":"disk full"}\n' >app.log
printf '{"time":"2026-11-20T15:04:05.000000000Z","topic":"a/b","qos":1,"retain":false,"payload":"1"}
{"time":"2026-11-20T15:04:05.100000000Z","topic":"a/c","qos":0,"retain":false,"payload":"2"}\n' >day.ndjson
printf '{"interval":5}\n' >config.json
printf '1\n2\n3\n' >requests.txt
printf 'topic/a=1\ntopic/b=2\n' >pairs.txt
printf 'first\0second\0' >records
head -c 3000 /dev/zero | tr '\0' x >firmware.bin
for i in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do echo "user$i:secret$i"; done >users.txt
echo secret >password
printf -- '-h 127.0.0.1\n-t sensors/1\n' >lab.conf
printf '{"type":"record","name":"User","fields":[{"name":"id","type":"long"}]}' >user.avsc
printf '{"type":"object","properties":{"room":{"type":"string"},"temp":{"type":"number"}},"required":["room"]}' >reading.json
printf '{"properties":{"power":{"type":"number","minimum":0}},"required":["power"]}' >meter.json
printf '{"type":["number","array"]}' >sum.json
mkdir -p bin config
printf '#!/bin/sh\necho secret\n' >bin/pass
printf '#!/bin/sh\nexec mqtt pub -t done -m 1 -q 1\n' >run-the-tests
printf '#!/bin/sh\nexec cat >/dev/null\n' >bin/notify-send
chmod +x bin/* run-the-tests
`

// The retained messages of a world.
const docsRetained = `
mqtt pub -t config -r -m '{"interval":5}' -q 1
mqtt pub -t old/1 -r -m x -q 1
mqtt pub -t meters/1 -r -m '{"power":1250.5,"id":18446744073709551615}' --encode cbor --content-type application/cbor -q 1
mqtt pub -t spBv1.0/plant/NBIRTH/line-1 -r -m '{"seq":0,"metrics":[{"name":"temp","alias":1,"datatype":"Double","value":21.5}]}' --encode sparkplug -q 1
mqtt sub -t '#' --retained-only -J
`

// docsMessages are the topics and payloads that are published 20 times a second while a command runs.
var docsMessages = [][2]string{{"sensors/1", "21.5"}, {"sensors/2", "19"}, {"lab/temp", `{"room":"lab","temp":31.5}`}, {"lab/hum", `{"room":"lab","hum":40}`},
	{"jobs/1", "done"}, {"raw", "0123"}}

// docsTraffic publishes the retained messages, and then the others for as long as the world lasts.
const docsTraffic = `
while :; do
	mqtt pub -J --pace 1x <"$0"
done
`

// The commands that answer requests, by topic.
func docsServices() map[string]string {
	return map[string]string{"time/now": "date", "lamp/1/state": "echo on", "sum": "cat"}
}

// docsPattern is what all worlds begin with.
type docsPattern struct {
	mqtt    string // the program
	dir     string // the files
	traffic string // file of the records that are published
}

// newPattern makes the files of all worlds, once.
func newPattern(t *testing.T, mqtt string) *docsPattern {
	t.Helper()
	p := &docsPattern{mqtt: mqtt, dir: t.TempDir(), traffic: filepath.Join(t.TempDir(), "traffic")}
	if err := os.CopyFS(p.dir, os.DirFS(transporttest.New(t).Dir)); err != nil {
		t.Fatal(err)
	}
	w := p.empty(p.dir)
	w.must(t, docsWorldScript)
	_, port, _ := strings.Cut(strings.TrimPrefix(w.broker(t, "first", "mqtt://127.0.0.1:0"), "mqtt://"), ":")
	c := w.command("sh", "-euc", docsRetained)
	c.Env = append(c.Env, "MQTT_HOST=127.0.0.1", "MQTT_PORT="+port)
	records, err := c.Output()
	if n := bytes.Count(records, []byte("\n")); err != nil || n != 4 {
		t.Fatalf("%d retained messages, %v", n, err)
	}
	if err := os.Remove(filepath.Join(p.dir, ".first")); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for n := range 20 * 60 {
		at := began.Add(time.Duration(n) * 50 * time.Millisecond).UTC().Format(time.RFC3339Nano)
		for _, m := range docsMessages {
			records = fmt.Appendf(records, "{\"time\":%q,\"topic\":%q,\"payload\":%q}\n", at, m[0], m[1])
		}
	}
	if err := os.WriteFile(p.traffic, records, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// empty returns a world of the folder dir, without servers.
func (p *docsPattern) empty(dir string) *docsWorld {
	return &docsWorld{mqtt: p.mqtt, dir: dir, env: []string{"PATH=" + dir + "/bin:" + filepath.Dir(p.mqtt) + ":" + os.Getenv("PATH"), "HOME=" + dir, "TZ=UTC", "LC_ALL=C",
		"XDG_CONFIG_HOME=" + dir + "/config", "SSL_CERT_FILE=" + dir + "/ca.pem"}}
}

// world returns a new world for the commands in text.
func (p *docsPattern) world(t *testing.T, text string) *docsWorld {
	dir := t.TempDir()
	w := p.empty(dir)
	if err := os.CopyFS(dir, os.DirFS(p.dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(p.mqtt, filepath.Join(dir, "mqtt")); err != nil {
		t.Fatal(err)
	}
	var pairs []string
	plain := w.broker(t, "plain", "mqtt://127.0.0.1:0")
	host, port, _ := strings.Cut(strings.TrimPrefix(plain, "mqtt://"), ":")
	for _, p := range [][2]string{{"two.example", "mqtt"}, {"mqtts://", "mqtts"}, {"ws://", "ws"}, {"wss://", "wss"}} {
		if !strings.Contains(text, p[0]) || strings.Contains(text, "--listen "+p[1]) {
			continue
		}
		switch p[1] {
		case "mqtt":
			u := w.broker(t, "two", "mqtt://127.0.0.1:0")
			_, port, _ := strings.Cut(strings.TrimPrefix(u, "mqtt://"), ":")
			pairs = append(pairs, "mqtt://two.example", u, "-h two.example", "-h 127.0.0.1 -p "+port)
		case "mqtts":
			args := []string{"mqtts://127.0.0.1:0", "--cert", "server.pem", "--key", "server.key"}
			if strings.Contains(text, "client.pem") {
				args = append(args, "--cafile", "ca.pem")
			}
			pairs = append(pairs, "mqtts://broker.example", w.broker(t, "tls", args...))
		case "ws":
			u := w.broker(t, "ws", "ws://127.0.0.1:0/mqtt")
			pairs = append(pairs, "ws://broker.example:8080/mqtt", u, "ws://broker.example/mqtt", u)
		case "wss":
			u := w.broker(t, "wss", "wss://127.0.0.1:0/mqtt", "--cert", "server.pem", "--key", "server.key")
			pairs = append(pairs, "wss://broker.example/mqtt", u)
		}
	}
	pairs = append(pairs, "mqtt broker   ", "mqtt broker -p 0   ", "mqtt broker #", "mqtt broker -p 0 #", // 1883 may be taken
		"mqtt proxy --to mqtt://broker.example", "mqtt proxy --listen mqtt://127.0.0.1:0 --to "+plain, // 1884 may be taken
		"mqtt://broker.example", plain, "mqtt://one.example", plain, "-h broker.example", "-h "+host+" -p "+port,
		"-h one.example", "-h "+host+" -p "+port)
	w.replace = strings.NewReplacer(pairs...)
	w.server = []string{"MQTT_HOST=" + host, "MQTT_PORT=" + port}
	assign := strings.Join(w.server, " ")
	w.background(t, "traffic", "sh", "-c", "export "+assign+"\n"+docsTraffic, p.traffic)
	wait := assign + " mqtt sub -t sensors/2 -t config -C 2 -W 20 >/dev/null" // it has begun
	for topic, command := range docsServices() {
		if strings.Contains(text, "-t "+topic) {
			w.background(t, topic, "sh", "-c", assign+" exec mqtt rr -t "+topic+" --serve -- "+command)
			wait += "\nuntil " + assign + " mqtt rr -t " + topic + " -n -W 0.5 >/dev/null; do :; done"
		}
	}
	w.must(t, wait)
	return w
}

// broker starts a broker and returns its URL.
func (w *docsWorld) broker(t *testing.T, name string, listen ...string) string {
	ready := filepath.Join(w.dir, "."+name)
	w.background(t, name, append([]string{"mqtt", "broker", "--ready-file", ready, "--listen"}, listen...)...)
	var text []byte
	docsWait(t, "the broker "+name, func() bool {
		var err error
		text, err = os.ReadFile(ready)
		return err == nil
	})
	return strings.TrimSpace(string(text))
}

func docsWait(t *testing.T, what string, ok func() bool) {
	limit := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%s did not come within %s", what, patience)
		}
	}
}

func (w *docsWorld) command(args ...string) *exec.Cmd {
	c := exec.Command(args[0], args[1:]...)
	if args[0] == "mqtt" {
		c = exec.Command(w.mqtt, args[1:]...)
	}
	c.Dir, c.Env = w.dir, w.env
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return c
}

// background runs a command, and the processes it starts, until the test ends.
func (w *docsWorld) background(t *testing.T, name string, args ...string) {
	c := w.command(args...)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
		c.Wait()
		if t.Failed() && out.Len() > 0 {
			t.Logf("%s said:\n%s", name, out.String())
		}
	})
}

func (w *docsWorld) must(t *testing.T, text string) {
	t.Helper()
	c := w.command("sh", "-euc", text)
	limit := time.AfterFunc(patience+10*time.Second, func() { syscall.Kill(-c.Process.Pid, syscall.SIGKILL) })
	defer limit.Stop()
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", text, err, out)
	}
}

// run runs a script, which must end as it says.
func (w *docsWorld) run(t *testing.T, text string) {
	wants, interrupt := 0, false
	if m := docEnding.FindStringSubmatch(text); m != nil {
		interrupt = m[2] == ""
		wants, _ = strconv.Atoi(m[2])
	}
	for _, tool := range []string{"jq", "curl"} {
		if _, err := exec.LookPath(tool); err != nil && regexp.MustCompile(`(^|[|;&] *)`+tool+` `).MatchString(text) {
			t.Skipf("%s is not installed", tool)
		}
	}
	p := &process{name: "the command", cmd: w.command("sh", "-euc", w.replace.Replace(text)), done: make(chan struct{}), after: func() {}}
	if !ownBroker.MatchString(text) {
		p.cmd.Env = append(w.env[:len(w.env):len(w.env)], w.server...)
	}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.err
	p.cmd.WaitDelay = time.Second // something it left behind may hold its output
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	group := -p.cmd.Process.Pid
	defer syscall.Kill(group, syscall.SIGKILL)
	go func() { // ends with the process
		p.waited = p.cmd.Wait()
		close(p.done)
	}()
	if interrupt {
		w.interrupt(p, group)
	}
	select {
	case <-p.done:
	case <-time.After(patience + 10*time.Second):
		t.Fatalf("%s\nis still running; stdout:\n%sstderr:\n%s", text, &p.out, &p.err)
	}
	got := statusOf(p.waited)
	if errors.Is(p.waited, exec.ErrWaitDelay) {
		got = p.cmd.ProcessState.ExitCode()
	}
	if got == 8 && wants == 0 && latencyLimit.MatchString(text) && strings.Contains(p.err.String(), "p99") {
		t.Logf("this machine is too busy for the example's latency: %s", &p.err)
		return
	}
	if got != wants && !(interrupt && got == 130) { // 130 is what the shell says of a Ctrl-C
		t.Errorf("%s\nexit status %d, want %d; stdout:\n%sstderr:\n%s", text, got, wants, &p.out, &p.err)
	}
}

// latencyLimit matches an example that fails on a slow machine, and is meant to.
var latencyLimit = regexp.MustCompile(`--fail-if 'p99>`)

// interrupt waits until something was printed, or long enough if output is redirected, and sends
// SIGINT.
func (w *docsWorld) interrupt(p *process, group int) {
	limit := time.After(1500 * time.Millisecond)
	for {
		text, more := p.out.look()
		if strings.Contains(text, "\n") {
			break
		}
		select {
		case <-more:
			continue
		case <-p.done:
			return
		case <-limit:
		}
		break
	}
	syscall.Kill(group, syscall.SIGINT)
}
