package rr

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"mqtt/internal/broker"
	"mqtt/internal/cli"
	"mqtt/internal/cmd/cmdtest"
	"mqtt/internal/paralleltest"
	"mqtt/internal/proto"
)

// No test leaves a goroutine behind.
func TestMain(m *testing.M) {
	paralleltest.Allow(16)
	goleak.VerifyTestMain(m)
}

var rr = cmdtest.Command{New: New}

// with returns the command with that stdin.
func with(stdin string) cmdtest.Command {
	return cmdtest.Command{New: New, In: strings.NewReader(stdin)}
}

// answer returns a response to a request, with the request's correlation data.
func answer(request *proto.Publish, payload string) *proto.Publish {
	p := &proto.Publish{QoS: request.QoS, Topic: request.Props.Value(proto.ResponseTopic), Payload: []byte(payload)}
	if data, ok := request.Props.Get(proto.CorrelationData); ok {
		p.Props = p.Props.AppendValue(proto.CorrelationData, data.Value)
	}
	return p
}

// Requests at each QoS, and what is printed of their answers.
func TestAsk(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	b.Connect(t, "double/#").Answer(func(p *proto.Publish) *proto.Publish {
		return answer(p, string(p.Payload)+string(p.Payload))
	})
	for _, row := range []struct {
		stdin string
		args  []string
		want  string
	}{
		{"", []string{"-m", "a"}, "aa\n"},
		{"", []string{"-n"}, "\n"},
		{"b", []string{"-s"}, "bb\n"},
		{"", []string{"-m", "a", "-e", "re", "-v"}, "re aa\n"},
		{"", []string{"-m", "a", "-N"}, "aa"},
		{"", []string{"-m", "a", "--correlation-data", "cd", "-F", "%D"}, "cd\n"},
		{"1\n2\n3\n", []string{"-l", "-M", "1"}, "11\n22\n33\n"},
		{"", []string{"-m", "1", "--jq", ". + 1"}, "12\n"},
	} {
		for _, qos := range []string{"0", "1", "2"} {
			r := with(row.stdin).Run(t, b.Args(append(row.args, "-t", "double/x", "-q", qos)...)...)
			if r.Status != 0 || r.Out != row.want || r.Err != "" {
				t.Errorf("rr %q at QoS %s: %+v, want %q", row.args, qos, r, row.want)
			}
		}
	}
	r := with("1\n2\n3\n").Run(t, b.Args("-t", "double/x", "-l", "--latency")...)
	if r.Status != 0 || strings.Count(r.Err, "line ") != 3 || len(strings.Fields(r.Out)) != 3 {
		t.Errorf("--latency: %+v", r)
	}
}

// Only messages with the request's correlation data are answers.
func TestWrongAnswers(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	b.Connect(t, "ask").Answer(func(p *proto.Publish) *proto.Publish {
		wrong := answer(p, "wrong")
		wrong.Props = wrong.Props.Without(proto.CorrelationData).AppendText(proto.CorrelationData, "other-1")
		return wrong
	})
	r := rr.Run(t, b.Args("-t", "ask", "-m", "x", "-W", "2")...)
	if r.Status != 27 || r.Out != "" || !strings.Contains(r.Err, "0 of 1 answers arrived before the timeout (-W 2) (1 message on ") {
		t.Errorf("%+v", r)
	}
}

// With -l each request has its own limit; the run goes on.
func TestOverdue(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	b.Connect(t, "ask").Answer(func(p *proto.Publish) *proto.Publish {
		if string(p.Payload) == "2" {
			return nil
		}
		return answer(p, string(p.Payload))
	})
	r := with("1\n2\n3\n").Run(t, b.Args("-t", "ask", "-l", "-W", "2")...)
	if r.Status != 27 || r.Out != "1\n3\n" || !strings.Contains(r.Err, "line 2: no answer within 2s") ||
		!strings.Contains(r.Err, "1 of 3 requests were not answered within -W 2") {
		t.Errorf("%+v", r)
	}
}

// A line that is wrong ends the run, once earlier requests are answered.
func TestSourceError(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	b.Connect(t, "ask").Answer(func(p *proto.Publish) *proto.Publish { return answer(p, string(p.Payload)) })
	r := with("ask=1\nx\nask=3\n").Run(t, b.Args("-K", "=")...)
	if r.Status != cli.ExitPublish || r.Out != "1\n" || !strings.Contains(r.Err, `line 2: no "=" after a topic (1 request was sent before it)`) {
		t.Errorf("%+v", r)
	}
	r = with("1\n\x80\n").Run(t, b.Args("-t", "ask", "-l", "--payload-format-indicator")...)
	if r.Status != cli.ExitPublish || r.Out != "1\n" || !strings.Contains(r.Err, "line 2: payload that is not UTF-8") {
		t.Errorf("a line that breaks its indicator: %+v", r)
	}
}

func TestUsage(t *testing.T) {
	for line, want := range map[string]string{
		"-m x":                             "no topic",
		"-t a":                             "no payload",
		"-t a/# -m x":                      `-t "a/#"`,
		"-t a -m x -q 3":                   "-q 3",
		"-t a -m x -M 0":                   "-M 0",
		"-t a -m x -C 0":                   "--count 0",
		"-t a -m x -W 0":                   `-W "0"`,
		"-t a -m x -e b/+":                 `-e "b/+"`,
		"-t a -m x -V 3.1.1":               "rr at MQTT 3.1.1 without -e",
		"-t a -m x --parallel 2":           "--parallel without --serve",
		"-t a -m x y":                      "unexpected argument",
		"-t a -l --correlation-data x":     "--correlation-data with -l",
		"-t a -m x -e b -D x":              "-D",
		"-t a --serve":                     "--serve without a command",
		"-t a --serve -m x -- cat":         "--serve with --message",
		"-t a --serve --parallel 0 -- cat": "--parallel 0",
		"-t a --serve -- /none/such":       "--serve: ",
		"--serve -- cat":                   "no topic filter",
		"-t a#b --serve -- cat":            "-t",
		"-t a --serve -V 3.1.1 -- cat":     "--serve at MQTT 3.1.1 without -e",
		"-t a --serve -e + -- cat":         `-e "+"`,
	} {
		r := rr.Run(t, append([]string{"-p", "1", "-h", "127.0.0.1"}, strings.Fields(line)...)...)
		if r.Status != 2 || !strings.HasPrefix(r.Err, "mqtt rr: ") || !strings.Contains(r.Err, want) {
			t.Errorf("rr %s: %+v, want status 2 and %s", line, r, want)
		}
	}
}

// A request at QoS 0 may be lost with its connection, and one at QoS 1 and 2 with the session if it
// was acknowledged.
func TestRequestsReconnected(t *testing.T) {
	for _, row := range []struct {
		qos            int
		acked, present bool
		again          bool
	}{
		{0, false, false, true},
		{0, false, true, true},
		{1, false, false, false},
		{1, false, true, false},
		{1, true, false, true},
		{1, true, true, false},
	} {
		r := newRequests()
		waiting, done := &request{tag: 1, acked: row.acked}, &request{tag: 2, acked: row.acked}
		r.add(waiting)
		r.add(done)
		r.finish(done)
		r.reconnected(row.qos, row.present)
		if waiting.again != row.again || r.again != row.again || done.again {
			t.Errorf("%+v: %v, %v and %v for one that is done", row, waiting.again, r.again, done.again)
		}
	}
}

func TestRequestsOldest(t *testing.T) {
	r := newRequests()
	all := make([]*request, 3)
	for i := range all {
		all[i] = &request{tag: uint64(i)}
		r.add(all[i])
	}
	r.finish(all[1])
	if r.oldest() != all[0] || r.count() != 2 {
		t.Errorf("oldest %+v of %d", r.oldest(), r.count())
	}
	if r.finish(all[0]); r.oldest() != all[2] {
		t.Errorf("oldest %+v", r.oldest())
	}
	if r.finish(all[2]); r.oldest() != nil || r.count() != 0 {
		t.Errorf("oldest %+v of %d", r.oldest(), r.count())
	}
}

// After a lost connection a request at QoS 0 is published again, once.
func TestAskAgain(t *testing.T) {
	t.Parallel()
	f := cmdtest.StartFake(t, `
		expect CONNECT
		connack
		expect SUBSCRIBE
		send 90 04 00 01 00 00
		expect PUBLISH
		close
		accept
		expect CONNECT
		connack
		expect SUBSCRIBE
		send 90 04 00 01 00 00
		expect 30 0f 00 01 "a" 0a 08 00 02 "re" 09 00 02 "cd" "x"
		send 30 0b 00 02 "re" 05 09 00 02 "cd" "0"
		expect DISCONNECT`)
	r := rr.Run(t, f.Args("-V", "5", "-t", "a", "-e", "re", "-m", "x", "--correlation-data", "cd", "--reconnect", "3", "--reconnect-delay", "10ms")...)
	if r.Status != 0 || r.Out != "0\n" || strings.Count(r.Err, "request is sent again") != 1 {
		t.Errorf("%+v", r)
	}
}

// Under mosquitto's name an answer needs no correlation data, and -e is required.
func TestMosquitto(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	b.Connect(t, "ask").Answer(func(p *proto.Publish) *proto.Publish {
		return &proto.Publish{Topic: p.Props.Value(proto.ResponseTopic), Payload: []byte("plain")}
	})
	c := rr
	c.Tool = "mosquitto_rr"
	if r := c.Run(t, b.Args("-t", "ask", "-m", "x", "-e", "re")...); r.Status != 0 || r.Out != "plain\n" {
		t.Errorf("%+v", r)
	}
	if r := c.Run(t, b.Args("-t", "ask", "-m", "x")...); r.Status != 1 || !strings.Contains(r.Err, "no response topic") {
		t.Errorf("without -e: %+v", r)
	}
}

// serve starts rr --serve on topic with a shell command, and waits until it answers.
func startServing(t *testing.T, b *cmdtest.Broker, flags []string, script string) *cmdtest.Running {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	r := rr.Start(t, b.Args(append(flags, "--serve", "--", sh, "-c", script)...)...)
	r.Err.Await(t, "answering requests on ")
	return r
}

// ask publishes a request with a response topic.
func ask(c *cmdtest.Client, qos byte, payload string) {
	p := &proto.Publish{QoS: qos, Topic: []byte("ask"), Payload: []byte(payload)}
	p.Props = p.Props.AppendText(proto.ResponseTopic, "re").AppendText(proto.CorrelationData, "cd-"+payload)
	c.Publish(p)
}

// Requests are answered at their own QoS, with their correlation data; a failure of the command is
// told.
func TestServe(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	r := startServing(t, b, []string{"-t", "ask"}, `read what; echo "so far"; $what`)
	sub := b.Connect(t, "re")
	pub := b.Connect(t)
	for qos := range byte(3) {
		ask(pub, qos, ":")
		p := sub.Next()
		if string(p.Payload) != "so far" || p.QoS != qos || string(p.Props.Value(proto.CorrelationData)) != "cd-:" || p.Props.Has(proto.UserProperty) {
			t.Errorf("at QoS %d: answer %+v %q", qos, p, p.Payload)
		}
	}
	ask(pub, 1, "exit 3")
	p := sub.Next()
	property, _ := p.Props.Get(proto.UserProperty)
	if string(p.Payload) != "so far" || string(property.Key) != errorProperty || string(property.Value) != "exit status 3" {
		t.Errorf("a command that fails: %+v", p)
	}
	pub.Publish(&proto.Publish{Topic: []byte("ask"), Payload: []byte(":")})
	r.Err.Await(t, "ignored a request on ask: it has no response topic")
	r.Signal(syscall.SIGTERM)
	if got := r.Wait(t); got.Status != 0 || got.Out != "" {
		t.Errorf("%+v", got)
	}
}

// The command's environment describes the request.
func TestServeEnvironment(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	startServing(t, b, []string{"-t", "ask"}, `echo "$MQTT_REQUEST_TOPIC $MQTT_REQUEST_QOS $MQTT_REQUEST_RESPONSE_TOPIC $MQTT_REQUEST_CORRELATION_DATA_BASE64 $MQTT_REQUEST_USER_PROPERTIES"`)
	sub := b.Connect(t, "re")
	p := &proto.Publish{QoS: 1, Topic: []byte("ask")}
	p.Props = p.Props.AppendText(proto.ResponseTopic, "re").AppendText(proto.CorrelationData, "abc").AppendPair("k", `v"`)
	b.Connect(t).Publish(p)
	sub.Expect(`re ask 1 re YWJj [["k","v\""]]`)
}

// A command that takes longer than -W is ended and answered for. With -C the run ends after that
// many requests.
func TestServeLimits(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	r := startServing(t, b, []string{"-t", "ask", "-W", "0.1", "-C", "1"}, "exec sleep 60")
	sub := b.Connect(t, "re")
	ask(b.Connect(t), 1, "x")
	if p := sub.Next(); !strings.Contains(string(p.Props), "the command did not end within 100ms") {
		t.Errorf("answer %+v", p)
	}
	if got := r.Wait(t); got.Status != 0 || !strings.Contains(got.Err, "request on ask: the command did not end within 100ms") {
		t.Errorf("%+v", got)
	}
}

// After an interrupt the commands that run may end, and their answers are published.
func TestServeInterrupted(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	gate := filepath.Join(t.TempDir(), "gate")
	r := startServing(t, b, []string{"-t", "ask", "--parallel", "1", "-d"}, "echo started >&2; until [ -e "+gate+" ]; do sleep 0.01; done; echo done")
	sub := b.Connect(t, "re")
	pub := b.Connect(t)
	for _, payload := range []string{"1", "2", "3"} {
		ask(pub, 1, payload)
	}
	r.Err.Await(t, "started")
	r.Err.Await(t, `"3" response-topic="re"`) // the last request
	r.Signal(syscall.SIGINT)
	r.Err.Await(t, "2 requests were not answered")
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	sub.Expect("re done")
	if got := r.Wait(t); got.Status != 0 {
		t.Errorf("%+v", got)
	}
}
