package bench

import (
	"net"
	"net/http"
	"strings"
	"time"

	"mqtt/internal/bench"
	"mqtt/internal/cli"
	"mqtt/internal/format"
)

// view shows the progress of a run: drawn on a terminal, as lines elsewhere, and as metrics for
// Prometheus.
type view struct {
	e       *cli.Env
	ink     format.Palette
	server  *http.Server
	metrics bench.Metrics

	buf   []byte // buf and lines are used by take only
	lines int
}

// watch connects b to a view. The caller calls end.
func (o *output) watch(e *cli.Env, b *bench.Plan) (*view, error) {
	v := &view{e: e, ink: format.NewPalette(e.Colored(e.TTYErr))}
	b.Watch = v.take
	if o.listen == "" {
		return v, nil
	}
	at := o.listen
	if !strings.Contains(at, ":") {
		at = ":" + at
	}
	if strings.HasPrefix(at, ":") { // a port alone means loopback
		at = "127.0.0.1" + at
	}
	l, err := net.Listen("tcp", at)
	if err != nil {
		return nil, cli.BadFlag("--listen", ": "+err.Error(), "expected PORT or HOST:PORT, such as 9100 or 127.0.0.1:9100")
	}
	v.server = &http.Server{Handler: &v.metrics, ReadHeaderTimeout: 5 * time.Second}
	go v.server.Serve(l) // ends when end closes the server
	e.Note("metrics on http://%s/metrics", l.Addr())
	return v, nil
}

// take shows p. It does not hold the lock of the metrics while a write to stderr may block.
func (v *view) take(p *bench.Progress) {
	v.buf = v.buf[:0]
	v.metrics.Take(p, v.draw)
	if len(v.buf) > 0 {
		v.e.Err.Write(v.buf)
	}
}

// draw puts what stderr shows into buf.
func (v *view) draw(l *bench.Live) {
	switch {
	case v.e.Quiet:
	case v.e.TTYErr:
		v.buf, v.lines = bench.AppendLive(v.buf, l, bench.LiveView{Width: cli.Width(v.e.Err), Above: v.lines, Colors: v.ink})
	default:
		v.buf = bench.AppendLiveLine(v.buf, l)
	}
}

// end stops serving metrics.
func (v *view) end() {
	if v.server != nil {
		v.server.Close()
	}
}
