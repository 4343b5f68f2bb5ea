package broker

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"mqtt/internal/broker/metrics"
	"mqtt/internal/cli"
)

// exposition serves /metrics and /healthz.
type exposition struct {
	metrics.Handler
	server http.Server
}

// expose listens at HOST:PORT, :PORT or PORT: without a host, on loopback only. The goroutine ends with close.
func expose(ctx context.Context, e *cli.Env, at string) (*exposition, error) {
	x := &exposition{}
	if at == "" {
		return x, nil
	}
	addr := strings.TrimSuffix(strings.TrimPrefix(at, "http://"), "/")
	if !strings.Contains(addr, ":") {
		addr = ":" + addr
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, cli.BadValue("--metrics", at, "expected PORT, which is on loopback, or HOST:PORT")
	}
	if host == "" {
		host = "127.0.0.1"
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, cli.Fail(cli.ExitOther, "choose another port, 0 for any", "--metrics: %w", err)
	}
	x.server = http.Server{Handler: x, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10}
	e.Note("metrics at http://%s/metrics", l.Addr())
	go func() {
		if err := x.server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			e.Warn("--metrics: %v", err)
		}
	}()
	return x, nil
}

func (x *exposition) close() error { return x.server.Close() }
