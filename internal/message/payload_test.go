package message

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mqtt/internal/cli"
	"mqtt/internal/proto"
)

// A regular file whose payload cannot be sent is refused unread: the file is sparse, and reading it
// would take its size in memory.
func TestPayloadTooLarge(t *testing.T) {
	name := filepath.Join(t.TempDir(), "large")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	room := PayloadRoom(&proto.Publish{Topic: []byte("a/b")})
	if err := f.Truncate(room + 1); err != nil {
		t.Fatal(err)
	}
	for what, read := range map[string]func() ([]byte, error){
		"-f":    func() ([]byte, error) { return readFile(name, room) },
		"stdin": func() ([]byte, error) { return readPayload(f, "stdin", room) },
	} {
		allocated := testing.AllocsPerRun(1, func() { // twice, and not from where the file has ended
			b, err := read()
			var wrong *cli.UsageError
			if !errors.As(err, &wrong) || b != nil {
				t.Errorf("%s: %d bytes, %v", what, len(b), err)
			}
		})
		if at, _ := f.Seek(0, 1); at != 0 || allocated > 1000 {
			t.Errorf("%s: %d bytes were read, %v allocations", what, at, allocated)
		}
	}
	// What lies before the offset of stdin does not count.
	if _, err := f.Seek(2, 0); err != nil {
		t.Fatal(err)
	}
	if n := remaining(f); n != room-1 {
		t.Errorf("%d bytes remain, want %d", n, room-1)
	}
	if n := remaining(strings.NewReader("x")); n != 0 {
		t.Errorf("%d bytes remain of something that is no file", n)
	}
}
