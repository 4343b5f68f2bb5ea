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
	"mqtt/internal/proto/prototest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with the file name of testdata, or writes it if -update is set.
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

// recorded returns the lines of a testdata file, split at divider, without comments.
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

// unquoteJSON returns the text of a JSON string.
func unquoteJSON(t testing.TB, s string) string {
	t.Helper()
	var out string
	if err := json.Unmarshal([]byte(s), &out); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return out
}

var when = time.Date(2026, 11, 20, 15, 4, 5, 123456789, time.UTC)

func message(p proto.Publish) *Message {
	return &Message{Received: when, Version: proto.V5, Publish: &p}
}

// samples returns messages of every shape.
func samples() (messages []*Message) {
	for _, p := range prototest.Publishes() {
		messages = append(messages, message(*p))
	}
	return messages
}
