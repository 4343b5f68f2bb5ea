package broker

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/broker/metrics"
	"mqtt/internal/cli"
	"mqtt/internal/transport"
)

// exposition serves /metrics and /healthz.
type exposition struct {
	metrics.Handler
	server http.Server
}

// metricsAddress returns the host and the port of --metrics: HOST:PORT, :PORT or PORT. Without a host,
// it is loopback.
func metricsAddress(at string) (host, port string, err error) {
	addr := strings.TrimSuffix(strings.TrimPrefix(at, "http://"), "/")
	if !strings.Contains(addr, ":") {
		addr = ":" + addr
	}
	host, port, err = net.SplitHostPort(addr)
	if err != nil {
		return "", "", cli.BadValue("--metrics", at, "expected PORT, which is on loopback, or HOST:PORT")
	}
	return cmp.Or(host, "127.0.0.1"), port, nil
}

// checkMetrics rejects an address for --metrics at which one of the endpoints listens.
func (f *flags) checkMetrics(fs *pflag.FlagSet, endpoints []*transport.Endpoint) error {
	if f.metrics == "" {
		return nil
	}
	host, port, err := metricsAddress(f.metrics)
	if err != nil {
		return err
	}
	for i, end := range endpoints {
		if !overlaps(end, host, port) {
			continue
		}
		other := "the default of --port"
		switch {
		case len(f.listen) > 0:
			other = "--listen " + f.listen[i]
		case fs.Changed("port"):
			other = cli.TypedFlag(fs.Lookup("port")) + " " + fs.Lookup("port").Value.String()
		}
		return cli.BadFlag("--metrics", " "+f.metrics+": "+other+" names the same address", "choose another port for one of them, or 0 for a free one")
	}
	return nil
}

// expose listens at the address of --metrics. The goroutine ends with close.
func expose(ctx context.Context, e *cli.Env, at string) (*exposition, error) {
	x := &exposition{}
	if at == "" {
		return x, nil
	}
	host, port, err := metricsAddress(at)
	if err != nil {
		return nil, err
	}
	l, err := transport.Listen(ctx, &transport.Endpoint{Host: host, Port: port})
	if err != nil {
		return nil, cli.Fail(cli.ExitOther, transport.Hint(err), "--metrics: %w", err)
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
