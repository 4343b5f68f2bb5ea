//go:build unix

package access

import (
	"os"
	"syscall"
	"testing"
)

// A file of another owner keeps its owner, group and mode when root changes it.
func TestOwnerStays(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	path := write(t, mosquittos)
	if err := os.Chown(path, 4321, 4322); err != nil {
		t.Skip(err)
	}
	os.Chmod(path, 0o640)
	for i, step := range []func() error{
		func() error { _, err := SetPassword(path, "new", []byte("x")); return err },
		func() error { _, err := SetScram(path, "alice", []byte("x")); return err },
		func() error { return DropUser(path, "bob") },
	} {
		if err := step(); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if s := info.Sys().(*syscall.Stat_t); s.Uid != 4321 || s.Gid != 4322 || info.Mode().Perm() != 0o640 {
			t.Errorf("step %d: owner %d:%d, mode %v", i, s.Uid, s.Gid, info.Mode())
		}
	}
}
