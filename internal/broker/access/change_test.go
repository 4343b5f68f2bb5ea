package access

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"mqtt/internal/proto"
)

// A byte order mark at the beginning of a password file changes nothing: the first user can log in,
// change the password and be deleted.
func TestByteOrderMark(t *testing.T) {
	path := write(t, "\ufeff"+mosquittos[len("# users\n"):])
	u, err := NewUsers(path, AnonymousNone)
	if err != nil {
		t.Fatal(err)
	}
	if r := try(t, u, "alice", "secret"); r != proto.Success {
		t.Errorf("the first user: %s", r)
	}
	if added, err := SetPassword(path, "alice", []byte("new")); added || err != nil {
		t.Errorf("the first user was added again (%v), error %v", added, err)
	}
	if err := DropUser(path, "alice"); err != nil {
		t.Error(err)
	}
	if b, _ := os.ReadFile(path); strings.Contains(string(b), "alice") || !strings.Contains(string(b), "bob") {
		t.Errorf("file\n%s", b)
	}
	if err := CheckUser("\ufeffa"); err == nil {
		t.Error("a user name may begin with a byte order mark")
	}
}

// Changes at the same time are all made.
func TestChangesAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	if _, err := SetPassword(path, "gone", []byte("x")); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			set := SetPassword
			if i%4 == 0 {
				set = SetScram
			}
			if added, err := set(path, fmt.Sprint("user", i), []byte("x")); err != nil || !added {
				t.Errorf("user%d: added %v, error %v", i, added, err)
			}
		})
	}
	wg.Go(func() {
		if err := DropUser(path, "gone"); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	b, err := os.ReadFile(path)
	if n := strings.Count(string(b), "\n"); err != nil || n != 12 || strings.Contains(string(b), "gone") {
		t.Errorf("%d users, error %v\n%s", n, err, b)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("files left: %v", left)
	}
}

// A symbolic link in the place of the file stays, and so does the mode of the file that it leads to, for
// each kind of change. A link that leads to nothing yet makes that file.
func TestChangeThroughLink(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real"), filepath.Join(dir, "link")
	if err := os.Symlink("real", link); err != nil {
		t.Skip(err)
	}
	for i, step := range []func() error{
		func() error { _, err := SetPassword(link, "ann", []byte("x")); return err },
		func() error { _, err := SetScram(link, "bob", []byte("x")); return err },
		func() error { return DropUser(link, "ann") },
	} {
		if err := step(); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Fatalf("step %d: the link is gone: %v", i, err)
		}
		want := os.FileMode(0o640)
		if i == 0 {
			want = 0o600
		}
		info, err := os.Lstat(real)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("step %d: mode %v, error %v", i, info.Mode(), err)
		}
		os.Chmod(real, 0o640)
	}
	if b, _ := os.ReadFile(real); !strings.HasPrefix(string(b), "bob:$7$") || strings.Contains(string(b), "ann") {
		t.Errorf("file\n%s", b)
	}
	round := filepath.Join(dir, "round")
	os.Symlink("round", round)
	if _, err := SetPassword(round, "ann", []byte("x")); err == nil {
		t.Error("a link to itself was followed")
	}
}
