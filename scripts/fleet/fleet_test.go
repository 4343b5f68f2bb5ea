//go:build unix

// Package fleet tries the scripts of this folder: with processes of this machine in the
// place of hosts, and with stubs in the place of ssh, kubectl and nomad.
package fleet

import (
	"bytes"
	"encoding/json"
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

	"mqtt/internal/bench"
	"mqtt/internal/paralleltest"
)

// patience is how long a script may take.
const patience = time.Minute

// fleet is a folder with a broker in which scripts run.
type fleet struct {
	t    *testing.T
	dir  string // what the scripts put down is in dir/tmp
	mqtt string
	env  []string
}

func newFleet(t *testing.T) *fleet {
	f := &fleet{t: t, dir: t.TempDir(), mqtt: os.Getenv(built)}
	if err := os.Mkdir(filepath.Join(f.dir, "tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	f.env = append(os.Environ(), "TMPDIR="+f.dir+"/tmp", "FLEET_MQTT="+f.mqtt, "FLEET_KEEP="+f.dir+"/keep", "FLEET_LEAD=3", "LC_ALL=C")
	ready := filepath.Join(f.dir, "ready")
	broker := exec.Command(f.mqtt, "broker", "-p", "0", "--ready-file", ready)
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		broker.Process.Signal(syscall.SIGTERM)
		broker.Wait()
	})
	var url []byte
	f.until("the broker is there", func() bool {
		var err error
		url, err = os.ReadFile(ready)
		return err == nil
	})
	_, port, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(string(url)), "mqtt://"), ":")
	f.env = append(f.env, "MQTT_HOST=127.0.0.1", "MQTT_PORT="+port)
	return f
}

// until waits for a condition.
func (f *fleet) until(what string, ok func() bool) {
	f.t.Helper()
	limit := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			f.t.Fatalf("it never came that %s", what)
		}
	}
}

// built names the program for all tests.
const built = "FLEET_TEST_MQTT"

// TestMain builds the program once.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "fleet")
	if err == nil {
		os.Setenv(built, filepath.Join(dir, "mqtt"))
		build := exec.Command("go", "build", "-trimpath", "-o", os.Getenv(built), "../../cmd/mqtt")
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=") // as it is released
		build.Stderr = os.Stderr
		err = build.Run()
	}
	status := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, "build mqtt:", err)
	} else {
		paralleltest.Allow(8)
		status = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(status)
}

// run runs a command, and returns what it wrote and its exit status.
func (f *fleet) run(env []string, command ...string) (stdout, stderr string, status int) {
	f.t.Helper()
	c := exec.Command(command[0], command[1:]...)
	var out, err bytes.Buffer
	c.Stdout, c.Stderr = &out, &err
	c.Env = append(f.env, env...)
	var exit *exec.ExitError
	if e := c.Run(); errors.As(e, &exit) {
		status = exit.ExitCode()
	} else if e != nil {
		f.t.Fatal(e)
	}
	return out.String(), err.String(), status
}

// stub is a program of the given text, in the place of another.
func (f *fleet) stub(text string) string {
	name := filepath.Join(f.dir, "stub")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		f.t.Fatal(err)
	}
	return name
}

// kept are the results that the parts left.
func (f *fleet) kept() []*bench.Result {
	f.t.Helper()
	names, err := filepath.Glob(f.dir + "/keep/*.json")
	if err != nil {
		f.t.Fatal(err)
	}
	var all []*bench.Result
	for _, name := range names {
		file, err := os.Open(name)
		if err != nil {
			f.t.Fatal(err)
		}
		r, err := bench.Read(file)
		file.Close()
		if err != nil {
			f.t.Fatalf("%s: %v", name, err)
		}
		all = append(all, r)
	}
	return all
}

// whole looks whether the report is of all that so many parts measured, and of no more.
func (f *fleet) whole(report string, parts int, sent uint64) *bench.Result {
	f.t.Helper()
	m, err := bench.Read(strings.NewReader(report))
	if err != nil {
		f.t.Fatalf("the report: %v\n%s", err, report)
	}
	kept := f.kept()
	if len(kept) != parts || len(m.Machines) != parts {
		f.t.Fatalf("%d parts and a report of %d machines, want %d", len(kept), len(m.Machines), parts)
	}
	var counts [3]uint64
	latency := bench.NewHistogram()
	for _, r := range kept {
		counts[0] += r.Sent
		counts[1] += r.Acknowledged
		counts[2] += r.Received
		latency.Merge(r.Latency)
	}
	if got := [3]uint64{m.Sent, m.Acknowledged, m.Received}; got != counts || m.Sent != sent {
		f.t.Errorf("sent, acknowledged, received: %d in the report, %d in the parts; want %d sent", got, counts, sent)
	}
	if m.Lost != 0 || m.Duplicated != 0 || m.Errors != 0 {
		f.t.Errorf("%d lost, %d duplicated, %d errors", m.Lost, m.Duplicated, m.Errors)
	}
	for _, p := range []float64{0, 50, 90, 99, 99.9, 100} {
		if got, want := m.Latency.At(p), latency.At(p); got != want {
			f.t.Errorf("p%v of the latency is %v in the report, %v of all the parts' messages", p, got, want)
		}
	}
	return m
}

// clean looks whether scripts left nothing behind.
func (f *fleet) clean() {
	f.t.Helper()
	left, err := os.ReadDir(f.dir + "/tmp")
	if err != nil || len(left) > 0 {
		f.t.Errorf("left behind: %v, error %v", left, err)
	}
}

func TestLocal(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	out, text, status := f.run(nil, "bash", "local.sh", "3", "--",
		"--pubs=4", "--subs", "4", "-t", "local/%i", "-q", "1", "--messages", "400", "--rate", "2000", "--", "--format", "json", "--fail-if", "loss")
	if status != 0 {
		t.Fatalf("status %d\n%s", status, text)
	}
	m := f.whole(out, 3, 1200)
	if m.Received != 1200 || m.Expected != 1200 || m.Config.Publishers != 12 || m.Config.Subscribers != 12 || m.Config.Rate != 6000 {
		t.Errorf("received %d of %d; %d publishers, %d subscribers, rate %v",
			m.Received, m.Expected, m.Config.Publishers, m.Config.Subscribers, m.Config.Rate)
	}
	topics := map[string]bool{}
	for _, topic := range m.Topics {
		topics[topic.Topic] = true
	}
	for i := range 12 {
		if name := "local/" + strconv.Itoa(i); !topics[name] {
			t.Errorf("nobody published to %s: %v", name, topics)
		}
	}
	first, last := time.Time{}, time.Time{}
	for _, r := range f.kept() {
		if first.IsZero() || r.Started.Before(first) {
			first = r.Started
		}
		if r.Started.After(last) {
			last = r.Started
		}
	}
	if d := last.Sub(first); d > time.Second {
		t.Errorf("the parts began %v apart", d)
	}
	f.clean()
}

// All parts on one topic: each subscriber takes what all of them send, and one that is
// done with its own stays for the others'.
func TestPartsThatMeet(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	start := "@" + strconv.FormatInt(time.Now().Unix()+3, 10)
	keep := f.dir + "/keep"
	if err := os.Mkdir(keep, 0o700); err != nil {
		t.Fatal(err)
	}
	over := make(chan string)
	for i, messages := range []string{"50", "500"} { // for 0.1 s and for 1 s
		go func() { // ends with the process
			c := exec.Command(f.mqtt, "bench", "--run", "meet", "--start-at", start, "--client-offset", strconv.Itoa(i), "-q", "1", "--rate", "500",
				"--messages", messages, "--quiet", "--out", fmt.Sprintf("%s/part-%d.json", keep, i))
			c.Env = f.env
			text, err := c.CombinedOutput()
			if err == nil {
				text = nil
			}
			over <- string(text)
		}()
	}
	for range 2 {
		if text := <-over; text != "" {
			t.Fatal(text)
		}
	}
	out, text, status := f.run(nil, f.mqtt, "bench", "report", keep+"/part-0.json", keep+"/part-1.json", "--format", "json")
	if status != 0 {
		t.Fatal(text)
	}
	if m := f.whole(out, 2, 550); m.Received != 1100 || m.Expected != 1100 || m.Clock.Mode != bench.Estimated {
		t.Errorf("received %d of %d, clock %+v", m.Received, m.Expected, m.Clock)
	}
}

func TestPartWithoutResult(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	out, text, status := f.run([]string{"MQTT_PORT=1"}, "bash", "local.sh", "2", "--", "--messages", "1")
	if status != 3 || out != "" || !strings.Contains(text, "part 0 has no result") {
		t.Errorf("status %d, stdout %q, stderr %q", status, out, text)
	}
	for _, wrong := range [][]string{{"local.sh"}, {"local.sh", "0", "--"}, {"local.sh", "2", "-q", "1"}, {"local.sh", "2", "--", "--pubs", "many"},
		{"ssh.sh", "--", "-q", "1"}, {"ssh.sh", "host"}, {"ssh.sh", "-oProxyCommand=x", "--"}} {
		if _, text, status := f.run(nil, append([]string{"bash"}, wrong...)...); status != 2 {
			t.Errorf("%v: status %d, %s", wrong, status, text)
		}
	}
	f.clean()
}

// sshStub runs the command here, in the way of ssh: by a shell, from a home of its own.
const sshStub = `echo "$1" >>"${0%/*}/hosts"; cd / && shift && exec sh -c "$1"`

func TestSSH(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	out, text, status := f.run([]string{"FLEET_SSH=" + f.stub(sshStub)}, "bash", "ssh.sh", "one", "user@two", "--",
		"--pubs", "2", "--subs", "2", "-t", "it's $HOME %i", "-q", "1", "--messages", "300", "--", "--format", "json")
	if status != 0 {
		t.Fatalf("status %d\n%s", status, text)
	}
	m := f.whole(out, 2, 600)
	if m.Received != 600 || len(m.Topics) != 4 || !strings.HasPrefix(m.Topics[0].Topic, "it's $HOME ") {
		t.Errorf("received %d on %v", m.Received, m.Topics)
	}
	hosts, err := os.ReadFile(f.dir + "/hosts")
	if err != nil || strings.Count(string(hosts), "one\n") == 0 || strings.Count(string(hosts), "user@two\n") == 0 {
		t.Errorf("hosts %q, error %v", hosts, err)
	}
	f.clean()
}

// A host that has the program gets no copy.
func TestSSHWithoutCopy(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	out, text, status := f.run([]string{"FLEET_SSH=" + f.stub(sshStub), "FLEET_REMOTE=" + f.mqtt}, "bash", "ssh.sh", "one", "--", "--messages", "10", "--", "--format", "json")
	if status != 0 {
		t.Fatalf("status %d\n%s", status, text)
	}
	f.whole(out, 1, 10)
}

// A script that is ended takes the load on the hosts with it, and their folders.
func TestSSHEndsTheLoad(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	c := exec.Command("bash", "ssh.sh", "one", "two", "--", "--rate", "10", "--duration", "10m")
	c.Env = append(f.env, "FLEET_SSH="+f.stub(sshStub))
	var text bytes.Buffer
	c.Stderr = &text
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	f.until("both hosts have work", func() bool {
		hosts, _ := os.ReadFile(f.dir + "/hosts")
		return bytes.Count(hosts, []byte("\n")) == 4 // a copy and a run each
	})
	c.Process.Signal(syscall.SIGTERM)
	over := make(chan error, 1)
	go func() { over <- c.Wait() }() // ends with the script
	select {
	case err := <-over:
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 143 {
			t.Errorf("ended with %v\n%s", err, &text)
		}
	case <-time.After(patience):
		c.Process.Kill()
		t.Fatal("it did not end")
	}
	f.clean()
}

// arguments are those of mqtt in a manifest, as the part of that index has them.
func (f *fleet) arguments(manifest, pattern string, variables ...string) []string {
	f.t.Helper()
	text, err := os.ReadFile(manifest)
	if err != nil {
		f.t.Fatal(err)
	}
	var all []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
		all = append(all, strings.NewReplacer(variables...).Replace(m[1]))
	}
	if len(all) < 10 || all[0] != "bench" {
		f.t.Fatalf("%s: arguments %q", manifest, all)
	}
	return append(all, "--host=127.0.0.1", "--pubs=2", "--subs=2", "--rate=200", "--duration=500ms")
}

// parts runs what a manifest has, and leaves what each part wrote in the files part-N.out
// and part-N.err.
func (f *fleet) parts(of func(index, start string) []string) {
	f.t.Helper()
	start := strconv.FormatInt(time.Now().Unix()+3, 10)
	var running []*exec.Cmd
	for i := range 2 {
		c := exec.Command(f.mqtt, of(strconv.Itoa(i), start)...)
		c.Env = f.env
		for _, stream := range []string{"out", "err"} {
			file, err := os.Create(fmt.Sprintf("%s/part-%d.%s", f.dir, i, stream))
			if err != nil {
				f.t.Fatal(err)
			}
			defer file.Close()
			if stream == "out" {
				c.Stdout = file
			} else {
				c.Stderr = file
			}
		}
		if err := c.Start(); err != nil {
			f.t.Fatal(err)
		}
		running = append(running, c)
	}
	for i, c := range running {
		if err := c.Wait(); err != nil {
			text, _ := os.ReadFile(fmt.Sprintf("%s/part-%d.err", f.dir, i))
			f.t.Fatalf("part %d: %v: %s", i, err, text)
		}
	}
}

func TestKubernetes(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.parts(func(index, start string) []string {
		return f.arguments("kubernetes.yaml", `(?m)^ {12}- (bench|--.*)$`, "$(JOB_COMPLETION_INDEX)", index, "$(START)", start)
	})
	// The job is done at the second look. A log has a warning before the result.
	stub := f.stub(`case "$*" in
*"get job"*) echo . >>"${0%/*}/looks"; if [ "$(wc -l <"${0%/*}/looks")" -lt 2 ]; then echo "2/1//"; else echo "2/${GOOD-2}/${BAD-}/"; fi ;;
*"get pods"*index=0*) echo "pod-a ${STATUS-0}" ;;
*"get pods"*index=1*) echo 'pod-b 0' ;;
*"logs pod-a") echo 'mqtt: warning: something'; cat "${0%/*}/part-0.out" ;;
*"logs pod-b") [ -n "${LOST-}" ] || cat "${0%/*}/part-1.out" ;;
*) echo "what is $*?" >&2; exit 1 ;;
esac
`)
	env := []string{"FLEET_KUBECTL=" + stub + " -n load"}
	out, text, status := f.run(env, "bash", "collect-kubernetes.sh", "mqtt-bench", "--", "--format", "json")
	if status != 0 {
		t.Fatalf("status %d\n%s", status, text)
	}
	if m := f.whole(out, 2, 200); m.Received != 200 {
		t.Errorf("received %d", m.Received)
	}
	if out, text, status := f.run(append(env, "STATUS=6", "GOOD=1", "BAD=1"), "bash", "collect-kubernetes.sh"); status != 6 ||
		!strings.Contains(text, "pod-a: mqtt: warning: something") || !strings.Contains(out, "sent") {
		t.Errorf("a pod that failed: status %d\n%s", status, text)
	}
	if out, text, status := f.run(append(env, "LOST=1"), "bash", "collect-kubernetes.sh"); status != 1 ||
		!strings.Contains(text, "pod-b has no result") || out != "" {
		t.Errorf("a pod without a result: status %d, %s", status, text)
	}
	f.clean()
}

func TestNomad(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.parts(func(index, start string) []string {
		return f.arguments("nomad.hcl", `(?m)^ {10}"(.*)",$`, "${NOMAD_ALLOC_INDEX}", index, "${var.start}", start)
	})
	stub := f.stub(`case "$*" in
"job allocs -t "*" mqtt-bench") echo . >>"${0%/*}/looks"; state=complete; [ "$(wc -l <"${0%/*}/looks")" -ge 2 ] || state=running
	printf '%s\n' "id-0 mqtt-bench.bench[0] complete" "id-1 mqtt-bench.bench[1] $state" ;;
"alloc logs -stdout id-"?" bench") cat "${0%/*}/part-${4#id-}.out" ;;
"alloc logs -stderr id-"?" bench") cat "${0%/*}/part-${4#id-}.err" ;;
*) echo "what is $*?" >&2; exit 1 ;;
esac
`)
	out, text, status := f.run([]string{"FLEET_NOMAD=" + stub}, "bash", "collect-nomad.sh", "--", "--format", "json")
	if status != 0 {
		t.Fatalf("status %d\n%s", status, text)
	}
	if m := f.whole(out, 2, 200); m.Received != 200 {
		t.Errorf("received %d", m.Received)
	}
	if !json.Valid([]byte(out)) {
		t.Error("the report is more than JSON")
	}
	f.clean()
}
