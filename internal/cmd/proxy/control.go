package proxy

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"mqtt/internal/cli"
	"mqtt/internal/transport"
)

// control serves --control until the returned function is called.
func (j *job) control(ctx context.Context) (stop func(), err error) {
	at := j.f.control
	if at == "" {
		return func() {}, nil
	}
	end := &transport.Endpoint{}
	if path, ok := strings.CutPrefix(at, "unix:"); ok {
		end.Socket = strings.TrimPrefix(path, "//")
		if end.Socket == "" {
			return nil, cli.BadValue("--control", at, "expected HOST:PORT or unix:PATH")
		}
	} else if end.Host, end.Port, err = loopback(at); err != nil {
		return nil, err
	}
	l, err := transport.Listen(ctx, end)
	if err != nil {
		return nil, cli.Fail(cli.ExitUsage, transport.Hint(err), "--control: %w", err)
	}
	if end.Socket != "" {
		j.e.Note("controlled at unix:%s", end.Socket)
	} else {
		j.e.Note("controlled at http://%s", l.Addr())
	}
	server := &http.Server{Handler: j.p.Control(), ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10}
	done := make(chan struct{})
	go func() { // ends with Close
		defer close(done)
		if err := server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			j.e.Warn("--control: %v", err)
		}
	}()
	return func() { server.Close(); <-done }, nil
}

// loopback parses HOST:PORT, or a port alone. The host must be this machine, since
// anyone who can reach the interface can cut connections.
func loopback(at string) (host, port string, err error) {
	addr := strings.TrimSuffix(strings.TrimPrefix(at, "http://"), "/")
	if !strings.Contains(addr, ":") {
		addr = ":" + addr
	}
	host, port, err = net.SplitHostPort(addr)
	if err != nil || port == "" {
		return "", "", cli.BadValue("--control", at, "expected HOST:PORT, such as 127.0.0.1:8474, or unix:PATH")
	}
	switch {
	case host == "":
		host = "127.0.0.1"
	case host == "localhost":
		host = "127.0.0.1"
	default:
		ip, err := netip.ParseAddr(host)
		if err != nil || !ip.IsLoopback() {
			return "", "", cli.BadValue("--control", at, "it is for this machine only: 127.0.0.1, ::1 or unix:PATH")
		}
	}
	return host, port, nil
}
