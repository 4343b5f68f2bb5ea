package jsonline

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/proto/prototest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var when = time.Date(2026, 11, 20, 15, 4, 5, 123456789, time.UTC)

// small returns a message as sensors send them.
func small() *proto.Publish {
	return &proto.Publish{Topic: []byte("sensors/kitchen/temp"), Payload: bytes.Repeat([]byte("0123456789abcdef"), 4)}
}

// lines returns the lines of all sample messages, compact and indented.
func lines() (compact, indented [][]byte) {
	var e Encoder
	for _, p := range prototest.Publishes() {
		line := e.Append(nil, when, p)
		compact = append(compact, line)
		indented = append(indented, AppendIndented(nil, line))
	}
	return compact, indented
}

func TestGolden(t *testing.T) {
	compact, indented := lines()
	got := append(bytes.Join(append(compact, indented...), []byte("\n")), '\n')
	path := filepath.Join("testdata", "json.golden")
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
