//go:build linux || darwin

package disk

import (
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"mqtt/internal/broker"
)

// While a merge waits for the disk, records are taken, committed and rotated, until maxBehind
// segments wait; then Commit waits, too. When the merge fails, so does Commit.
func TestMergeIsStalled(t *testing.T) {
	const size = 4 << 10
	s, _ := open(t, t.TempDir(), Options{SegmentSize: size})
	fifo := s.snapshotPath(firstSegment) // opening it waits for a reader
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	put := func() error {
		s.Begin()
		s.PutRetained(&broker.Message{Topic: []byte("t"), Payload: make([]byte, size), Retain: true})
		s.End()
		return s.Commit()
	}
	for range maxBehind {
		if err := put(); err != nil {
			t.Fatal(err)
		}
	}
	failed := make(chan error)
	go func() { // ends when the merge has failed
		for range 1000 {
			if err := put(); err != nil {
				failed <- err
				return
			}
		}
		failed <- nil
	}()
	select {
	case <-failed:
		t.Error("Commit does not wait for the merge")
	case <-time.After(300 * time.Millisecond):
	}
	s.filesMu.Lock()
	waiting := len(s.manifest.segments)
	s.filesMu.Unlock()
	if waiting > maxBehind+2 {
		t.Errorf("%d segments wait", waiting)
	}
	reader, err := os.Open(fifo)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, reader) // the merge ends: a pipe cannot be synced
	reader.Close()
	if err := <-failed; err == nil || !strings.Contains(err.Error(), snapshotPrefix) {
		t.Errorf("error %v", err)
	}
	if err := s.Close(); err == nil {
		t.Error("Close returns no error")
	}
}
