package transport

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestUnixListenerAndItsFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "s")
	e := &Endpoint{Socket: name}
	ctx := context.Background()
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	l, err := Listen(ctx, e)
	if err != nil {
		t.Fatalf("over a stale file: %v", err)
	}
	if _, err := Listen(ctx, e); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "address already in use") || Hint(err) == "" {
		t.Errorf("over a live one: %v", err)
	}
	if u := l.URL(); u.String() != "unix://"+name {
		t.Errorf("url %s", u)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file stays: %v", err)
	}
	if err := os.WriteFile(name, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(ctx, e); err == nil {
		t.Error("listens over an ordinary file")
	}
	if b, _ := os.ReadFile(name); string(b) != "mine" {
		t.Error("the ordinary file was removed")
	}
}
