//go:build linux || darwin || freebsd

package access

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// lock waits until no other process holds the lock of the file at path, and takes it. The lock is on
// the folder, because the file itself is replaced.
func lock(path string) (unlock func(), err error) {
	d, err := os.Open(filepath.Dir(path))
	if errors.Is(err, fs.ErrPermission) { // a folder may be written and not read
		return lockBeside(path)
	}
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(d.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil { // network file systems cannot lock a folder
		d.Close()
		return lockBeside(path)
	}
	return func() { d.Close() }, nil
}

// chown gives f the owner of the file old.
func chown(f *os.File, old fs.FileInfo) error {
	is, err := f.Stat()
	if err != nil {
		return err
	}
	a, ok := is.Sys().(*syscall.Stat_t)
	b, ok2 := old.Sys().(*syscall.Stat_t)
	if !ok || !ok2 || a.Uid == b.Uid && a.Gid == b.Gid {
		return nil
	}
	return f.Chown(int(b.Uid), int(b.Gid))
}
