package pub

import (
	"io"
	"os"
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

var pub = cmdtest.Command{New: New}

// with returns the command with that stdin.
func with(stdin string) cmdtest.Command {
	return cmdtest.Command{New: New, In: strings.NewReader(stdin)}
}

// ok reports an error unless r is a success without a word.
func ok(t *testing.T, r cmdtest.Result) {
	t.Helper()
	if r.Status != 0 || r.Out != "" || r.Err != "" {
		t.Errorf("%+v, want a success without output", r)
	}
}

// Each way to give a payload, at each QoS.
func TestPublish(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	sub := b.Connect(t, "#")
	name := filepath.Join(t.TempDir(), "payload")
	if err := os.WriteFile(name, []byte("of a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		stdin string
		args  []string
		want  []string
	}{
		{"", []string{"-t", "a", "-m", "x"}, []string{"a x"}},
		{"", []string{"-t", "a", "-n"}, []string{"a "}},
		{"", []string{"-t", "a", "-f", name}, []string{"a of a file"}},
		{"of stdin\n", []string{"-t", "a", "-s"}, []string{"a of stdin\n"}},
		{"1\n2\n3", []string{"-t", "a", "-l"}, []string{"a 1", "a 2", "a 3"}},
		{"b=1\nc=2\n", []string{"-K", "="}, []string{"b 1", "c 2"}},
		{"", []string{"-t", "a", "-m", "x", "--repeat", "3"}, []string{"a x", "a x", "a x"}},
		{"", []string{"-t", "a", "-m", "x", "--repeat", "2", "--repeat-delay", "1ms"}, []string{"a x", "a x"}},
		{`{"topic":"r","payload":"1"}` + "\n" + `{"payload":"2"}` + "\n", []string{"-J", "-t", "a"}, []string{"r 1", "a 2"}},
		{"[1,2]\n", []string{"-t", "a", "-l", "--jq", ".[]"}, []string{"a 1", "a 2"}},
	} {
		for _, qos := range []string{"0", "1", "2"} {
			ok(t, with(row.stdin).Run(t, b.Args(append(row.args, "-q", qos)...)...))
			sub.Expect(row.want...)
			if t.Failed() {
				t.Fatalf("pub %q at QoS %s", row.args, qos)
			}
		}
	}
}

// The topic may be in the URL, and values may be in the environment.
func TestPublishSettings(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	sub := b.Connect(t, "#")
	ok(t, pub.Run(t, "-L", "mqtt://"+b.Addr+"/a/b", "-m", "x"))
	env := pub
	env.Vars = []string{"MQTT_HOST=127.0.0.1", "MQTT_PORT=" + b.Port, "MQTT_TOPIC=c"}
	ok(t, env.Run(t, "-m", "y"))
	sub.Expect("a/b x", "c y")
}

// Retain flag and properties reach the server.
func TestPublishRetained(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	ok(t, pub.Run(t, b.Args("-t", "a", "-m", "x", "-r", "--content-type", "text/plain", "--user-property", "k=v")...))
	sub := b.Connect(t, "a")
	p := sub.Next()
	if !p.Retain || string(p.Props.Value(proto.ContentType)) != "text/plain" || !p.Props.Has(proto.UserProperty) {
		t.Errorf("retain %v, properties %v", p.Retain, p.Props)
	}
	ok(t, pub.Run(t, b.Args("-t", "a", "-n", "-r")...)) // clears it
	sub.Expect("a ")
	b.Connect(t, "a").None()
}

// Without --allow-clear an empty line with -r is an error, and the lines before it
// stay sent.
func TestPublishEmptyLine(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	sub := b.Connect(t, "a")
	r := with("1\n\n").Run(t, b.Args("-t", "a", "-l", "-r", "-q", "1")...)
	if r.Status != cli.ExitPublish || !strings.Contains(r.Err, "line 2 is empty") || !strings.Contains(r.Err, "(1 line was sent before it)") {
		t.Errorf("%+v", r)
	}
	sub.Expect("a 1")
	ok(t, with("\n").Run(t, b.Args("-t", "a", "-l", "-r", "--allow-clear")...))
	sub.Expect("a ")
}

func TestUsage(t *testing.T) {
	for line, want := range map[string]string{
		"":                               "no payload",
		"-m x":                           "no topic",
		"-t a":                           "no payload",
		"-t a -m x -n":                   "-m with -n",
		"-t a/# -m x":                    `-t "a/#"`,
		"-t a -K = -l":                   "-t with -K",
		"-t a -m x -q 3":                 "-q 3",
		"-t a -m x -M 0":                 "-M 0",
		"-t a -m x -M 65536":             "-M 65536",
		"-t a -m x --repeat 0":           "--repeat 0",
		"-t a -l --repeat 2":             "--repeat with -l",
		"-t a -m x --repeat-delay ago":   `--repeat-delay "ago"`,
		"-t a -m x --pace 1x":            "--pace without -J",
		"-J --pace fast":                 `--pace "fast"`,
		"-t a -m x --jq .[":              `--jq ".["`,
		"-t a -f /none":                  "-f: open /none",
		"-t a -m x -Z 1":                 "unknown flag: -Z",
		"-t a -m x -V 3.1.1 -D x":        "-D",
		"-t a -l --password-file - -u x": "--password-file - with -l",
	} {
		r := pub.Run(t, append(strings.Fields(line), "-p", "1", "-h", "127.0.0.1")...)
		if r.Status != 2 || !strings.HasPrefix(r.Err, "mqtt pub: ") || !strings.Contains(r.Err, want) {
			t.Errorf("pub %s: %+v, want status 2 and %s", line, r, want)
		}
	}
}

// A server's limits end the run before the message is sent; --downgrade-qos sends it at the lower
// QoS.
func TestLimits(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{Without: broker.Without{QoS1: true, QoS2: true, Retain: true}})
	sub := b.Connect(t, "a")
	for line, want := range map[string]string{
		"-t a -m x -q 1": "message: QoS 1",
		"-t a -m x -r":   "message: retained message",
	} {
		if r := pub.Run(t, b.Args(strings.Fields(line)...)...); r.Status != 6 || !strings.Contains(r.Err, want) {
			t.Errorf("pub %s: %+v", line, r)
		}
	}
	r := with("1\n2\n").Run(t, b.Args("-t", "a", "-l", "-q", "2", "--downgrade-qos")...)
	if r.Status != 0 || strings.Count(r.Err, "sent at QoS 0, the server's Maximum QoS, instead of 2") != 1 {
		t.Errorf("--downgrade-qos: %+v", r)
	}
	sub.Expect("a 1", "a 2")
}

// Properties of records are left out before MQTT 5, with one warning.
func TestRecordsBeforeV5(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	sub := b.Connect(t, "a")
	record := `{"topic":"a","payload":"x","properties":{"content_type":"text/plain"}}` + "\n"
	r := with(record+record).Run(t, b.Args("-J", "-V", "3.1.1")...)
	if r.Status != 0 || strings.Count(r.Err, "message properties are not sent: MQTT 3.1.1 has none") != 1 {
		t.Errorf("%+v", r)
	}
	sub.Expect("a x", "a x")
}

// A signal ends a run that waits for input; what was read is sent.
func TestSignal(t *testing.T) {
	t.Parallel()
	b := cmdtest.StartBroker(t, broker.Options{})
	sub := b.Connect(t, "a")
	in, w := io.Pipe()
	defer w.Close()
	r := cmdtest.Command{New: New, In: in}.Start(t, b.Args("-t", "a", "-l", "-q", "1")...)
	io.WriteString(w, "1\n")
	sub.Expect("a 1")
	r.Signal(syscall.SIGTERM)
	if got := r.Wait(t); got.Status != 128+int(syscall.SIGTERM) {
		t.Errorf("%+v", got)
	}
}

// A message that the server refuses is an error with status 6. Of a stream the others are sent all
// the same.
func TestRefused(t *testing.T) {
	t.Parallel()
	f := cmdtest.StartFake(t, `
		expect CONNECT
		connack
		expect PUBLISH
		send 40 03 00 01 87
		expect DISCONNECT
		accept
		expect CONNECT
		connack
		expect PUBLISH
		expect PUBLISH
		expect PUBLISH
		send 40 03 00 01 87 40 02 00 02 40 03 00 03 97
		expect DISCONNECT`)
	r := pub.Run(t, f.Args("-t", "a", "-m", "x", "-q", "1", "-V", "5")...)
	want := "mqtt pub: publish to a: message refused: Not authorized (0x87) - this user may not publish there\n"
	if r.Status != 6 || r.Err != want {
		t.Errorf("%+v, want %s", r, want)
	}
	r = with("1\n2\n3\n").Run(t, f.Args("-t", "a", "-l", "-q", "1", "-V", "5")...)
	for _, want := range []string{
		"mqtt: warning: line 1 refused: Not authorized (0x87)\n", "mqtt: warning: line 3 refused: Quota exceeded (0x97)\n",
		"mqtt pub: publish to a: 2 messages were refused, the first: line 1 refused: Not authorized (0x87)",
	} {
		if r.Status != 6 || !strings.Contains(r.Err, want) {
			t.Errorf("%+v, want %s", r, want)
		}
	}
}

// After a lost connection the messages in flight are sent again, and a message that was not sent
// yet is sent once.
func TestReconnect(t *testing.T) {
	t.Parallel()
	f := cmdtest.StartFake(t, `
		expect CONNECT
		connack
		expect 32 07 00 01 "a" .. .. 00 "1"
		close
		accept
		expect CONNECT
		send 20 03 01 00 00
		expect 3a 07 00 01 "a" .. .. 00 "1"
		send id 40 02
		expect 32 07 00 01 "a" .. .. 00 "2"
		send id 40 02
		expect DISCONNECT`)
	r := with("1\n2\n").Run(t, f.Args("-t", "a", "-l", "-q", "1", "-M", "1", "-V", "5", "-c", "-i", "me", "--reconnect", "2", "--reconnect-delay", "10ms", "-d")...)
	if r.Status != 0 || !strings.Contains(r.Err, "retrying in") {
		t.Errorf("%+v", r)
	}
}

// mosquitto_pub speaks 3.1.1 and ignores --repeat for lines.
func TestMosquitto(t *testing.T) {
	t.Parallel()
	f := cmdtest.StartFake(t, `
		expect 10 .. 00 04 "MQTT" 04 ...
		send 20 02 00 00
		expect 30 04 00 01 "a" "1"
		expect DISCONNECT`)
	c := with("1\n")
	c.Tool = "mosquitto_pub"
	ok(t, c.Run(t, f.Args("-t", "a", "-l", "--repeat", "2")...))
}
