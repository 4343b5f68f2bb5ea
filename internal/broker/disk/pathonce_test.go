package disk

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An error of a file names its path once.
func TestErrorsNameThePathOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path) // not for writing
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	p := &segment{file: file, path: path}
	_, appended := p.append(make([]byte, frameHead))
	for _, err := range []error{p.writeHeader(1), appended, (&snapshotWriter{file: file, path: path}).write([]byte("x"))} {
		if err == nil || strings.Count(err.Error(), path) != 1 {
			t.Errorf("%v: want the path %s once", err, path)
		}
	}
}
