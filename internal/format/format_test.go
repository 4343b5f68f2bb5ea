package format

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mqtt/internal/proto"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

// recorded returns the lines of a testdata file divided, comments aside.
func recorded(t *testing.T, name, divider string) [][]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && line[0] != '#' {
			rows = append(rows, strings.Split(line, divider))
		}
	}
	return rows
}

func unquoteJSON(t testing.TB, s string) string {
	t.Helper()
	var out string
	if err := json.Unmarshal([]byte(s), &out); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return out
}

var when = time.Date(2026, 11, 20, 15, 4, 5, 123456789, time.UTC)

// allProps is every property that a PUBLISH can carry.
func allProps() proto.Props {
	var ps proto.Props
	return ps.AppendPair("k", "v").
		AppendNum(proto.PayloadFormatIndicator, 1).
		AppendNum(proto.MessageExpiryInterval, 4294967295).
		AppendText(proto.ContentType, "text/plain").
		AppendText(proto.ResponseTopic, "r/ü").
		AppendValue(proto.CorrelationData, []byte{0, 255, 'a'}).
		AppendNum(proto.SubscriptionIdentifier, 1).
		AppendNum(proto.TopicAlias, 65535).
		AppendNum(proto.SubscriptionIdentifier, 268435455).
		AppendPair("k", "second \x1b")
}

func message(p proto.Publish) *Message {
	return &Message{Received: when, Version: proto.V5, Publish: &p}
}

// samples are messages of every shape, for golden files, the schema and the fuzzers.
func samples() []*Message {
	b := func(s string) []byte { return []byte(s) }
	return []*Message{
		message(proto.Publish{Topic: b("a/b"), QoS: 1, PacketID: 10, Payload: b("text")}),
		message(proto.Publish{Topic: b("empty")}),
		message(proto.Publish{Topic: b("retained"), Retain: true, Payload: b("21.5")}),
		message(proto.Publish{Topic: b("nul"), Payload: b("a\x00b")}),
		message(proto.Publish{Topic: b("binary"), QoS: 2, Dup: true, PacketID: 65535, Payload: b("\xff\xfe")}),
		message(proto.Publish{Topic: b("controls"), Payload: b("\x1b[2J\x7f\u0085\u009b\r\n\t\b\f\x01")}),
		message(proto.Publish{Topic: b("quotes"), Payload: b(`"a" \ / </script>`)}),
		message(proto.Publish{Topic: b("direction"), Payload: b("abc\u202edef\u2066x\u2069\u200f")}),
		message(proto.Publish{Topic: b("unicode/é/日本"), Payload: b("naïve 日本語 🎉 \u2028 \U0010ffff")}),
		message(proto.Publish{Topic: b("spaces and\ttabs"), Payload: b("two\nlines")}),
		message(proto.Publish{Topic: b("json"), Payload: b(`{"n":1724442618569203714,"f":127.0}`)}),
		message(proto.Publish{Topic: b("props"), QoS: 1, PacketID: 1, Props: allProps(), Payload: b("p")}),
	}
}
