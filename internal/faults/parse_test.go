package faults

import (
	"strings"
	"testing"
	"time"

	"mqtt/internal/proto"
)

func TestParse(t *testing.T) {
	for s, want := range map[string]string{
		"":                       "no fault is named",
		" , ":                    "no fault is named",
		"dealy=1s":               "expected delay, drop",
		"delay=x":                "expected a duration",
		"delay=-1s":              "expected a duration",
		"delay=5s..1s":           "the second duration is shorter",
		"drop=101%":              "expected a probability",
		"drop=NaN":               "expected a probability",
		"duplicate=":             "expected a probability",
		"refuse=0x00":            "expected a reason code of CONNACK",
		"refuse=0x93":            "expected a reason code of CONNACK",
		"refuse=banned":          "expected a reason code of CONNACK",
		"cut-after=-1":           "expected a whole number",
		"stall=10":               "expected stall=after:N",
		"packets=PUBLISHED":      "there is no packet type",
		"way=up":                 "expected in or out",
		"drop=1% drop=2%":        "drop is given twice",
		"seed=x":                 "expected a whole number",
		"answer-late=1s,way=in":  "answers go out",
		"reorder=2":              "expected a probability",
		"corrupt=x":              "expected a probability",
		"throttle=fast":          "expected a speed",
		"throttle=0":             "expected a speed",
		"throttle=NaN":           "expected a speed",
		"throttle=-1KiB/s":       "expected a speed",
		"topic=a/#/b":            "# must be the whole last level",
		"topic=":                 "empty topic filter",
		"topic=a packets=PUBACK": "only PUBLISH has a topic",
		"client=":                "expected a client identifier",
	} {
		if _, err := Parse(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", s, err, want)
		}
	}
	// All examples of the help are valid.
	for line := range strings.Lines(Help) {
		if f := strings.Fields(line); strings.HasPrefix(line, "  ") {
			if _, err := Parse(strings.TrimSuffix(f[0], ";")); err != nil {
				t.Errorf("the help has %q: %v", f[0], err)
			}
		}
	}
}

func parse(t *testing.T, s string) *Plan {
	t.Helper()
	p, err := Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPacket checks the faults of single packets.
func TestPacket(t *testing.T) {
	pass := Action{}
	for _, c := range []struct {
		words string
		in    bool
		t     proto.Type
		want  Action
	}{
		{"delay=50ms", true, proto.PUBLISH, Action{Delay: 50 * time.Millisecond}},
		{"delay=2", false, proto.CONNACK, Action{Delay: 2 * time.Second}},
		{"drop=100%", true, proto.PUBLISH, Action{Drop: true}},
		{"drop=1", true, proto.CONNECT, pass},
		{"duplicate=1", false, proto.PUBACK, Action{Duplicate: true}},
		{"duplicate=1 drop=1", false, proto.PUBACK, Action{Drop: true}},
		{"answer-late=1s", false, proto.PUBACK, Action{Delay: time.Second}},
		{"answer-late=1s", false, proto.CONNACK, Action{Delay: time.Second}},
		{"answer-late=1s", false, proto.PUBLISH, pass},
		{"answer-late=1s", true, proto.PUBACK, pass},
		{"cut-after=0", true, proto.CONNECT, Action{Cut: true}},
		{"cut-bytes=9", true, proto.CONNECT, Action{Cut: true}},
		{"cut-bytes=10", true, proto.CONNECT, pass},
		{"stall", false, proto.CONNACK, Action{Stall: true}},
		{"drop=1,packets=puback,PUBREC", false, proto.PUBREC, Action{Drop: true}},
		{"drop=1,packets=puback,PUBREC", false, proto.PUBCOMP, pass},
		{"reorder=1", true, proto.PUBLISH, Action{Reorder: true}},
		{"reorder=1", false, proto.CONNACK, pass},
		{"corrupt=1", true, proto.CONNECT, pass},
		{"drop=1 reorder=1 corrupt=1", true, proto.PUBLISH, Action{Drop: true}},
		{"throttle=2KiB/s", true, proto.CONNECT, Action{Speed: 2048}},
		{"throttle=0.5kB", true, proto.PUBLISH, Action{Speed: 500}},
		{"throttle=70", true, proto.PUBLISH, Action{Speed: 70}},
		{"drop=1 way=in", false, proto.PUBLISH, pass},
		{"drop=1 way=out", true, proto.PUBLISH, pass},
	} {
		f := parse(t, c.words).Connection()
		if got := f.Packet(Packet{In: c.in, Type: c.t, Size: 10}); got != c.want {
			t.Errorf("%s: %s in %v: %+v, want %+v", c.words, c.t, c.in, got, c.want)
		}
	}
	if r := parse(t, "refuse=0x88").Connection().Refuse("c"); r != proto.ServerUnavailable {
		t.Errorf("refuse: %s", r)
	}
	if r := parse(t, "drop=1%").Connection().Refuse("c"); r != proto.Success {
		t.Errorf("without refuse: %s", r)
	}
	f := parse(t, "cut-after=3 stall=after:2").Connection()
	for n, want := range []Action{{}, {}, {Stall: true}, {Cut: true}} {
		if got := f.Packet(Packet{In: n%2 == 0, Type: proto.PUBLISH, Size: 1}); got != want {
			t.Errorf("packet %d: %+v", n+1, got)
		}
	}
}

// TestSeed checks that the same seed gives the same faults, whatever the other direction
// and other connections do, and that another seed gives others.
func TestSeed(t *testing.T) {
	run := func(words string, noise bool) (s string) {
		p := parse(t, words)
		p.Connection()
		f := p.Connection()
		for range 200 {
			if noise {
				f.Packet(Packet{Type: proto.PUBLISH, Size: 1})
			}
			a := f.Packet(Packet{In: true, Type: proto.PUBLISH, Size: 1})
			switch {
			case a.Drop:
				s += "x"
			case a.Duplicate:
				s += "2"
			default:
				s += "."
			}
		}
		return s
	}
	first := run("drop=20% duplicate=20% seed=3", false)
	if again := run("drop=20% duplicate=20% seed=3", true); again != first {
		t.Errorf("seed 3 gave\n%s and\n%s", first, again)
	}
	if other := run("drop=20% duplicate=20% seed=4", false); other == first {
		t.Error("seed 4 gives the same faults")
	}
	if n := strings.Count(first, "x"); n < 15 || n > 70 {
		t.Errorf("20%% of 200 are %d", n)
	}
	if strings.Replace(run("drop=20% seed=3", false), "x", "", -1) == "" || !strings.Contains(first, "2") {
		t.Error("no packet passes, or none is duplicated")
	}
}

// TestTopic checks that only PUBLISH packets with a matching topic suffer.
func TestTopic(t *testing.T) {
	f := parse(t, "drop=1 topic=a/#").Connection()
	for topic, want := range map[string]bool{"a/b": true, "a": true, "b": false, "": false} {
		p := Packet{In: true, Type: proto.PUBLISH, Size: 10, Topic: []byte(topic)}
		if topic == "" {
			p.Topic = nil // an alias that is not known
		}
		if got := f.Packet(p).Drop; got != want {
			t.Errorf("topic %q: %v", topic, got)
		}
	}
	if f.Packet(Packet{In: true, Type: proto.SUBSCRIBE, Size: 10}).Drop {
		t.Error("a SUBSCRIBE has no topic and is dropped")
	}
}

// TestClient checks that only the clients of a pattern suffer, once they are known, and that first
// counts them alone.
func TestClient(t *testing.T) {
	p := parse(t, "drop=1 refuse=0x88 client=s?-* first=2")
	for i, row := range []struct {
		client string
		want   bool
	}{{"", false}, {"other", false}, {"s1-a", true}, {"x", false}, {"s2-", true}, {"s3-late", false}} {
		f := p.Connection()
		f.Packet(Packet{In: true, Type: proto.CONNECT, Size: 20, Client: row.client})
		refused := f.Refuse(row.client) != proto.Success
		if got := f.Packet(Packet{In: true, Type: proto.PUBLISH, Size: 10, Client: row.client}).Drop; got != row.want || refused != row.want {
			t.Errorf("connection %d, client %q: dropped %v, refused %v", i+1, row.client, got, refused)
		}
	}
	// A client that got its name in CONNACK suffers from then on.
	f := parse(t, "drop=1 client=auto-*").Connection()
	for i, client := range []string{"", "", "auto-1", "auto-1"} {
		if got := f.Packet(Packet{Type: proto.PUBLISH, Size: 10, Client: client}).Drop; got != (i > 1) {
			t.Errorf("packet %d: dropped %v", i+1, got)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, row := range []struct {
		pattern, s string
		want       bool
	}{
		{"*", "", true}, {"*", "abc", true}, {"a*c", "abbbc", true}, {"a*c", "abb", false}, {"?", "é", true}, {"?", "", false},
		{"a*b*c", "axbxbxc", true}, {"a", "a", true}, {"a", "ab", false}, {"*a*a*a*b", strings.Repeat("a", 2000), false},
	} {
		if got := matches(row.pattern, row.s); got != row.want {
			t.Errorf("%q, %.10q: %v", row.pattern, row.s, got)
		}
	}
}

// TestConnections checks that only some connections have faults.
func TestConnections(t *testing.T) {
	p, half := parse(t, "first=2 drop=1%"), parse(t, "connections=50% drop=1%")
	some := 0
	for n := range 100 {
		if f := p.Connection(); (f != nil) != (n < 2) {
			t.Errorf("connection %d: %v", n+1, f)
		}
		if half.Connection() != nil {
			some++
		}
	}
	if some < 30 || some > 70 {
		t.Errorf("%d of 100", some)
	}
}
