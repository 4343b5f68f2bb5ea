package conn

import (
	"context"
	"errors"
	"net"
	"runtime"
	"testing"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// slowly accepts one connection, answers CONNECT, and reads n bytes every pause until quit is closed.
func slowly(t *testing.T, n int, pause time.Duration, quit <-chan struct{}) *Config {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { // ends with quit
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		nc.(*net.TCPConn).SetReadBuffer(4096)
		buf := make([]byte, max(n, 4096))
		nc.Read(buf)
		nc.Write([]byte{0x20, 2, 0, 0})
		for {
			select {
			case <-time.After(pause):
				if n > 0 {
					nc.Read(buf[:n])
				}
			case <-quit:
				return
			}
		}
	}()
	return &Config{
		Connect: proto.Connect{Version: proto.V311, CleanStart: true, ClientID: "me"},
		Dial: func(ctx context.Context, _ proto.Version) (net.Conn, error) {
			nc, err := new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
			if err == nil {
				nc.(*net.TCPConn).SetWriteBuffer(64 << 10)
			}
			return nc, err
		},
	}
}

// A write that blocks is watched by what the server takes: a slow server is waited for, one that takes
// nothing is not.
func TestStall(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skip("the system does not tell how much is on its way")
	}
	const limit = time.Second
	for _, row := range []struct {
		name  string
		bytes int
		pause time.Duration
		ends  bool
	}{
		{"slow", 64 << 10, 100 * time.Millisecond, false},
		{"silent", 0, time.Hour, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			quit := make(chan struct{})
			defer close(quit)
			c, err := Dial(t.Context(), slowly(t, row.bytes, row.pause, quit), new(session.Session))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Abort()
			watch := newStall(&c.src.source, limit)
			c.nc.SetWriteDeadline(time.Time{})
			began := time.Now()
			time.AfterFunc(3*limit, func() { c.nc.SetWriteDeadline(past) })
			_, err = c.nc.Write(make([]byte, 16<<20))
			took := time.Since(began)
			if err == nil {
				t.Skip("the system took 16 MiB at once")
			}
			if stalled := watch.stop(); stalled != row.ends || stalled && took > 2*limit {
				t.Errorf("stalled %v after %v: %v", stalled, took, err)
			}
		})
	}
}

// The words say for how long the server took nothing.
func TestStallWords(t *testing.T) {
	err := error(&Broken{Op: "write", Err: &stalledError{12 * time.Second}})
	var broken *Broken
	if err.Error() != "connection lost: write: the server read nothing for 12 s" || !errors.As(err, &broken) || Class(err) != ClassLost {
		t.Errorf("%v", err)
	}
}
