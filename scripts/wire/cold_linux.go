package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// cold has the files of a program: the executable and its shared libraries.
type cold struct{ files []*os.File }

// openCold opens the files of a program and writes them to the disk, so that the page cache need
// not keep them.
func openCold(program string) (*cold, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, err
	}
	c := &cold{}
	for _, name := range append([]string{path}, libraries(path)...) {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			c.files = append(c.files, f)
			err = f.Sync()
		}
		if err != nil {
			c.close()
			return nil, err
		}
	}
	if err := c.evict(); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// libraries returns the paths of the shared libraries that ldd lists. A static program has none.
func libraries(path string) []string {
	out, err := exec.Command("ldd", path).Output()
	if err != nil {
		return nil
	}
	var all []string
	for _, word := range strings.Fields(string(out)) {
		if filepath.IsAbs(word) {
			all = append(all, word)
		}
	}
	return all
}

// evict removes the files from the page cache. Pages that another process has mapped stay there, as
// they do on every system: those of the C library, for example. It is an error if the executable
// itself stays.
func (c *cold) evict() error {
	for _, f := range c.files {
		if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
			return fmt.Errorf("evict %s: %w", f.Name(), err)
		}
	}
	if cached(c.files[0]) {
		return fmt.Errorf("%s stays in memory: it is in use, or its folder is not on a disk", c.files[0].Name())
	}
	return nil
}

// stay returns the names of the files that are in memory although they were evicted.
func (c *cold) stay() []string {
	var names []string
	for _, f := range c.files {
		if cached(f) {
			names = append(names, filepath.Base(f.Name()))
		}
	}
	return names
}

// cached reports whether the middle of a file can be read without waiting for the disk.
func cached(f *os.File) bool {
	info, err := f.Stat()
	if err != nil {
		return false
	}
	var b [1]byte
	n, _ := unix.Preadv2(int(f.Fd()), [][]byte{b[:]}, info.Size()/2, unix.RWF_NOWAIT)
	return n > 0
}

func (c *cold) close() {
	for _, f := range c.files {
		f.Close()
	}
}
