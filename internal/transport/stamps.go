package transport

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// stamp returns a text that changes when one of the files of a client does. Only regular files count:
// others, such as a FIFO, can be read only once.
func (t *TLS) stamp() string {
	names := []string{t.CAFile, t.Cert, t.Key}
	if t.CAPath != "" {
		entries, _ := os.ReadDir(t.CAPath)
		for _, e := range entries {
			names = append(names, filepath.Join(t.CAPath, e.Name()))
		}
	}
	var b strings.Builder
	for _, name := range names {
		if st, err := os.Stat(name); name != "" && err == nil && st.Mode().IsRegular() {
			fmt.Fprintf(&b, "%q %d %d %v\n", name, st.ModTime().UnixNano(), st.Size(), st.Mode())
		}
	}
	return b.String()
}
