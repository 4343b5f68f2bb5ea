package config

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

func profile(t *testing.T, text string) *Profile {
	t.Helper()
	p, err := Parse("prod", "prod.conf", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// keysOf returns the keys of a profile, each once, in order.
func keysOf(p *Profile) []string {
	var keys []string
	for _, l := range p.lines {
		if l.key != "" && !slices.Contains(keys, l.key) {
			keys = append(keys, l.key)
		}
	}
	return keys
}

func TestProfileSettings(t *testing.T) {
	p := profile(t, "# a server\nhost = h.example \n\n  topic=a/#\r\ntopic = \"b\\tc\"\ninsecure = yes\npassword = x = y\nwill-payload = two  words # and this\nusername-command = id -un\nbench-rate = 5\n")
	got, err := p.Settings(testFlags(), func(flag string) bool { return flag == "bench-rate" })
	if err != nil {
		t.Fatal(err)
	}
	equal(t, short(got), []string{"host=h.example @prod.conf:2", "topic=a/#|b\tc @prod.conf:4", "insecure=true @prod.conf:6",
		"pw=x = y @prod.conf:7", "will-payload=two  words # and this @prod.conf:8", "username=$(id -un) @prod.conf:9"})
	equal(t, got[0].Origin.String(), "profile prod (prod.conf:2)")
	equal(t, keysOf(p), []string{"host", "topic", "insecure", "pw", "will-payload", "username-command", "bench-rate"})
	equal(t, p.Values("topic"), []string{"a/#", "b\tc"})
	equal(t, p.Values("password"), []string{"x = y"})
	equal(t, p.Values(""), []string(nil))
}

func TestProfileSettingsErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"hots = s3cret", "prod.conf:1: unknown flag hots: did you mean host?"},
		{"\nwhatever-else = s3cret", "prod.conf:2: unknown flag whatever-else"},
		{"insecure = s3cret", "prod.conf:1: insecure: expected 1, 0"},
		{"host = a\nhost = s3cret", "prod.conf:2: host is set already, in line 1"},
		{"pw = a\npw-command = s3cret", "prod.conf:2: pw is set already, in line 1"},
		{"pw-command = a\n\npw = s3cret", "prod.conf:3: pw is set already, in line 1"},
		{"pw-command = ", "prod.conf:1: pw-command: expected a command"},
		{"insecure-command = s3cret", "prod.conf:1: insecure: only a flag with one value"},
		{"topic-command = s3cret", "prod.conf:1: topic: only a flag with one value"},
		{"profile = s3cret", "prod.conf:1: profile is not allowed in a profile"},
		{"help = 1", "prod.conf:1: help is not allowed in a profile"},
	} {
		_, err := profile(t, c.text).Settings(testFlags(), nil)
		fails(t, err, c.want)
	}
	// A key of a command for a flag that another command has.
	got, err := profile(t, "rate-command = x").Settings(testFlags(), func(flag string) bool { return flag == "rate" })
	if got != nil || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"#\ns3cret", "prod.conf:2: expected flag = value"},
		{"S3CRET/s3cret== ", "prod.conf:1: expected a flag's long name"},
		{"--pw = s3cret", "prod.conf:1: expected a flag's long name"},
		{"= s3cret", "prod.conf:1: expected a flag's long name"},
		{"pw = s3c\x00ret", "prod.conf:1: a NUL byte"},
		{`pw = "s3cret`, `prod.conf:1: pw: expected a closing "`},
		{`pw = "s3cret" x`, `prod.conf:1: pw: expected a closing "`},
		{`pw = "s3cret\q"`, `prod.conf:1: pw: expected a closing "`},
		{`pw = "s3cret\`, `prod.conf:1: pw: expected a closing "`},
		{`pw = "s3cret\x0"`, `prod.conf:1: pw: expected a closing "`},
		{`pw = "s3cret\xzz"`, `prod.conf:1: pw: expected a closing "`},
		{`pw = "s3cret\x00"`, `prod.conf:1: pw: expected a closing "`},
	} {
		_, err := Parse("prod", "prod.conf", []byte(c.text))
		fails(t, err, c.want)
	}
	_, err := Parse("prod", "prod.conf", make([]byte, maxProfile+1))
	fails(t, err, "prod.conf: too large")
}

func TestProfileEdit(t *testing.T) {
	p := profile(t, "# the server\nhost = a\n\n# topics\ntopic = a\ntopic = b\n  pw = x")
	for _, step := range []struct {
		key    string
		values []string
	}{
		{"host", []string{"b"}}, {"topic", []string{"c", " d", ""}}, {"pw-command", []string{"pass show x"}}, {"qos", []string{"1"}},
	} {
		if err := p.Set(step.key, step.values...); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, string(p.Bytes()), "# the server\nhost = b\n\n# topics\ntopic = c\ntopic = \" d\"\ntopic = \"\"\npw-command = pass show x\nqos = 1\n")
	if err := p.Set("password", "y"); err != nil {
		t.Fatal(err)
	}
	if err := p.Set("host"); err != nil {
		t.Fatal(err)
	}
	equal(t, string(p.Bytes()), "# the server\n\n# topics\ntopic = c\ntopic = \" d\"\ntopic = \"\"\npw = y\nqos = 1\n")
	// Removing a key that does not exist does not remove its other form.
	if err := p.Set("pw-command"); err != nil {
		t.Fatal(err)
	}
	equal(t, p.Values("pw"), []string{"y"})
	fails(t, p.Set("--pw", "s3cret"), "expected a flag's long name")
	fails(t, p.Set("pw", "s3cret\x00"), "NUL")
}

func TestQuote(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		{"a b", "a b"}, {"a\"b\\", "a\"b\\"}, {"#x", "#x"}, {"", `""`}, {" a", `" a"`}, {`"a"`, `"\"a\""`}, {"a\nb\r\t", `"a\nb\r\t"`},
		{"\x01\x7f\xff", `"\x01\x7f\xff"`}, {"äö", "äö"}, {" ä\\", `" ä\\"`},
	} {
		equal(t, quote(c.value), c.want)
		got, ok := unquote(c.want)
		equal(t, ok, true)
		equal(t, got, c.value)
	}
	got, ok := unquote(`"\xC3\xa4"`)
	equal(t, got, "ä")
	equal(t, ok, true)
}

func TestFetch(t *testing.T) {
	s := Setting{Flag: "pw", Command: "pass show s3cret", Origin: Origin{Source: InProfile, Name: "prod", File: "prod.conf", Line: 3}}
	prints := func(out string, err error) Runner {
		return func(context.Context, string) ([]byte, error) { return []byte(out), err }
	}
	got, err := s.Fetch(t.Context(), prints("hunter2 \r\nmore\n", nil))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got.Values, []string{"hunter2 "})
	equal(t, got.Shown(), []string{mask})
	again, err := got.Fetch(t.Context(), prints("", errors.New("run twice")))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, again, got)
	plain := one(InProfile, "pw", "x")
	same, err := plain.Fetch(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, same, plain)

	for _, c := range []struct {
		out  string
		err  error
		want string
	}{
		{"", nil, "printed nothing"}, {"\ns3cret", nil, "printed nothing"}, {"s3cret\x00", nil, "NUL"},
		{"s3cret", errors.New("exit status 1"), "exit status 1"}, {strings.Repeat("s3cret", maxOutput), nil, "more than 64 KiB"},
	} {
		_, err := s.Fetch(t.Context(), prints(c.out, c.err))
		fails(t, err, "prod.conf:3: pw-command: run pass: ", c.want)
	}
	for command, want := range map[string]string{"pass show x": "pass", "T=s3cret curl": "a command", "/usr/bin/op read": "/usr/bin/op", "'a b'": "a command", "": "a command"} {
		equal(t, program(command), want)
	}
}

func TestFetchTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := func(ctx context.Context, _ string) ([]byte, error) {
			<-ctx.Done()
			return nil, errors.New("signal: killed")
		}
		s := Setting{Flag: "pw", Command: "pass s3cret"}
		_, err := s.Fetch(t.Context(), hangs)
		fails(t, err, "no answer within 1m0s")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err = s.Fetch(ctx, hangs); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("# c\nhost = a\npw-command = pass\ntopic = \"a\\x01\"\n", "a b")
	f.Fuzz(func(t *testing.T, text, value string) {
		p, err := Parse("p", "f", []byte(text))
		if err != nil {
			return
		}
		again, err := Parse("p", "f", p.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		equal(t, keysOf(again), keysOf(p))
		keys := keysOf(p)
		if p.Set("host", value, value) != nil {
			return
		}
		if again, err = Parse("p", "f", p.Bytes()); err != nil {
			t.Fatal(err)
		}
		equal(t, again.Values("host"), []string{value, value})
		for _, k := range keys {
			if k != "host" && k != "host-command" {
				equal(t, again.Values(k), p.Values(k))
			}
		}
		_, _ = p.Settings(testFlags(), nil)
	})
}
