package faults

import (
	"strings"
	"testing"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
)

func TestParse(t *testing.T) {
	for s, want := range map[string]string{
		"":                      "no fault is named",
		" , ":                   "no fault is named",
		"dealy=1s":              "expected delay, drop",
		"delay=x":               "expected a duration",
		"delay=-1s":             "expected a duration",
		"delay=5s..1s":          "the second duration is shorter",
		"drop=101%":             "expected a probability",
		"drop=NaN":              "expected a probability",
		"duplicate=":            "expected a probability",
		"refuse=0x00":           "expected a reason code of CONNACK",
		"refuse=0x93":           "expected a reason code of CONNACK",
		"refuse=banned":         "expected a reason code of CONNACK",
		"cut-after=-1":          "expected a whole number",
		"stall=10":              "expected stall=after:N",
		"packets=PUBLISHED":     "there is no packet type",
		"way=up":                "expected in or out",
		"drop=1% drop=2%":       "drop is given twice",
		"seed=x":                "expected a whole number",
		"answer-late=1s,way=in": "answers go out",
	} {
		if _, err := Parse(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", s, err, want)
		}
	}
	// All examples of the help are valid.
	for line := range strings.Lines(Help) {
		if f := strings.Fields(line); strings.HasPrefix(line, "  ") {
			if _, err := Parse(strings.TrimSuffix(f[0], ",")); err != nil {
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
	pass := broker.Action{}
	for _, c := range []struct {
		words string
		in    bool
		t     proto.Type
		want  broker.Action
	}{
		{"delay=50ms", true, proto.PUBLISH, broker.Action{Delay: 50 * time.Millisecond}},
		{"delay=2", false, proto.CONNACK, broker.Action{Delay: 2 * time.Second}},
		{"drop=100%", true, proto.PUBLISH, broker.Action{Drop: true}},
		{"drop=1", true, proto.CONNECT, pass},
		{"duplicate=1", false, proto.PUBACK, broker.Action{Duplicate: true}},
		{"duplicate=1 drop=1", false, proto.PUBACK, broker.Action{Drop: true}},
		{"answer-late=1s", false, proto.PUBACK, broker.Action{Delay: time.Second}},
		{"answer-late=1s", false, proto.CONNACK, broker.Action{Delay: time.Second}},
		{"answer-late=1s", false, proto.PUBLISH, pass},
		{"answer-late=1s", true, proto.PUBACK, pass},
		{"cut-after=0", true, proto.CONNECT, broker.Action{Cut: true}},
		{"cut-bytes=9", true, proto.CONNECT, broker.Action{Cut: true}},
		{"cut-bytes=10", true, proto.CONNECT, pass},
		{"stall", false, proto.CONNACK, broker.Action{Stall: true}},
		{"drop=1,packets=puback,PUBREC", false, proto.PUBREC, broker.Action{Drop: true}},
		{"drop=1,packets=puback,PUBREC", false, proto.PUBCOMP, pass},
		{"drop=1 way=in", false, proto.PUBLISH, pass},
		{"drop=1 way=out", true, proto.PUBLISH, pass},
	} {
		f := parse(t, c.words).Connection(nil)
		if got := f.Packet(c.in, c.t, 10); got != c.want {
			t.Errorf("%s: %s in %v: %+v, want %+v", c.words, c.t, c.in, got, c.want)
		}
	}
	if r := parse(t, "refuse=0x88").Connection(nil).Refuse(); r != proto.ServerUnavailable {
		t.Errorf("refuse: %s", r)
	}
	if r := parse(t, "drop=1%").Connection(nil).Refuse(); r != proto.Success {
		t.Errorf("without refuse: %s", r)
	}
	f := parse(t, "cut-after=3 stall=after:2").Connection(nil)
	for n, want := range []broker.Action{{}, {}, {Stall: true}, {Cut: true}} {
		if got := f.Packet(n%2 == 0, proto.PUBLISH, 1); got != want {
			t.Errorf("packet %d: %+v", n+1, got)
		}
	}
}

// TestSeed checks that the same seed gives the same faults, whatever the other direction
// and other connections do, and that another seed gives others.
func TestSeed(t *testing.T) {
	run := func(words string, noise bool) (s string) {
		p := parse(t, words)
		p.Connection(nil)
		f := p.Connection(nil)
		for range 200 {
			if noise {
				f.Packet(false, proto.PUBLISH, 1)
			}
			a := f.Packet(true, proto.PUBLISH, 1)
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

// TestConnections checks that only some connections have faults.
func TestConnections(t *testing.T) {
	p, half := parse(t, "first=2 drop=1%"), parse(t, "connections=50% drop=1%")
	some := 0
	for n := range 100 {
		if f := p.Connection(nil); (f != nil) != (n < 2) {
			t.Errorf("connection %d: %v", n+1, f)
		}
		if half.Connection(nil) != nil {
			some++
		}
	}
	if some < 30 || some > 70 {
		t.Errorf("%d of 100", some)
	}
}
