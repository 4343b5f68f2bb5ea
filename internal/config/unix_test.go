//go:build unix

package config

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestModes(t *testing.T) {
	d := Dirs{filepath.Join(t.TempDir(), "it's", "mqtt")}
	write(t, d, "secret", "pw = s3cret\n")
	write(t, d, "url", "url = mqtt://u:s3cret@h\n")
	write(t, d, "command", "pw-command = pass s3cret\n")
	write(t, d, "plain", "host = a\npassword-file = b\n")
	path := func(name string) string { return filepath.Join(d.Config, "profiles", name) }
	for _, c := range []struct {
		path string
		want os.FileMode
	}{{d.Config, 0o700}, {filepath.Dir(path("x")), 0o700}, {path("secret"), 0o600}} {
		info, err := os.Stat(c.path)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, info.Mode().Perm(), c.want)
	}
	for _, c := range []struct {
		name string
		mode os.FileMode
		ok   bool
	}{
		{"secret", 0o600, true}, {"secret", 0o400, true}, {"secret", 0o640, false}, {"secret", 0o604, false}, {"url", 0o644, false},
		{"command", 0o644, true}, {"command", 0o664, false}, {"command", 0o602, false}, {"plain", 0o666, true},
	} {
		if err := os.Chmod(path(c.name), c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := d.Load(c.name)
		if c.ok {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		fails(t, err, path(c.name), `run chmod 600 '/`, `/it'\''s/mqtt/`)
	}
	// Save corrects the permissions.
	p, err := Parse("secret", path("secret"), []byte("pw = x\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Save(p); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Load("secret"); err != nil {
		t.Error(err)
	}
}

func TestSaveFollowsLink(t *testing.T) {
	d := Dirs{t.TempDir()}
	write(t, d, "prod", "host = a\n")
	link, elsewhere := filepath.Join(d.Config, "profiles", "prod"), filepath.Join(t.TempDir(), "dotfile")
	if err := errors.Join(os.Rename(link, elsewhere), os.Symlink(elsewhere, link)); err != nil {
		t.Fatal(err)
	}
	p, err := d.Load("prod")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Set("host", "b"), d.Save(p)); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, string(data), "host = b\n")
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v", err)
	}
}

func TestLoadRefusesFIFO(t *testing.T) {
	d := Dirs{t.TempDir()}
	write(t, d, "prod", "")
	path := filepath.Join(d.Config, "profiles", "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := d.Load("pipe")
	fails(t, err, "expected a regular file")
}

func TestShell(t *testing.T) {
	var stderr strings.Builder
	run := Shell(&stderr)
	out, err := run(t.Context(), "echo one; echo two; echo why >&2; cat")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, string(out), "one\ntwo\n")
	equal(t, stderr.String(), "why\n")
	if _, err = run(t.Context(), "echo s3cret; exit 3"); err == nil || err.Error() != "exit status 3" {
		t.Errorf("got %v", err)
	}
	if _, err = run(t.Context(), "while echo s3cret; do :; done"); !errors.Is(err, errOutput) {
		t.Errorf("got %v", err)
	}
	// A process in the background that keeps the output open does not delay the result.
	start := time.Now()
	out, err = run(t.Context(), "echo x; sleep 20 &")
	if err != nil || string(out) != "x\n" || time.Since(start) > 15*time.Second {
		t.Errorf("%q, %v after %v", out, err, time.Since(start))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	start = time.Now()
	if _, err = run(ctx, "exec sleep 20"); err == nil || time.Since(start) > 15*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	ends(t, run)
}

// ends runs a command that starts another one, which keeps a FIFO open. The FIFO ends when the
// context has ended both.
func ends(t *testing.T, run Runner) {
	t.Helper()
	if tty, err := os.Open("/dev/tty"); err == nil {
		tty.Close()
		return // the terminal signals the whole group
	}
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error)
	go func() {
		_, err := run(ctx, "sh -c 'echo begun; sleep 20; :' >'"+fifo+"'; :")
		over <- err
	}()
	f, err := os.Open(fifo)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	line := make([]byte, 6)
	if _, err := io.ReadFull(f, line); err != nil || string(line) != "begun\n" {
		t.Fatalf("%q, %v", line, err)
	}
	cancel()
	if err := <-over; err == nil {
		t.Error("no error from a command that was ended")
	}
	start := time.Now()
	if _, err := io.ReadAll(f); err != nil || time.Since(start) > 10*time.Second {
		t.Errorf("what the command began went on for %v: %v", time.Since(start), err)
	}
}
