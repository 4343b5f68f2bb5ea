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

	buf []byte // used by take only
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
	switch {
	case v.e.Quiet:
		v.metrics.Take(p, func(*bench.Live) {})
	case v.e.Draws(v.e.TTYErr):
		v.e.Draw(func(above int) (b []byte, lines int) {
			v.metrics.Take(p, func(l *bench.Live) {
				v.buf, lines = bench.AppendLive(v.buf, l, bench.LiveView{Width: cli.Width(v.e.Err), Above: above, Colors: v.ink})
			})
			return v.buf, lines
		})
	default:
		v.metrics.Take(p, func(l *bench.Live) {
			v.buf = bench.AppendLiveLine(v.buf, l)
		})
		v.e.WriteErr(v.buf)
	}
}

// end removes the drawing, so that the report is the last word, and stops serving metrics.
func (v *view) end() {
	v.e.Erase()
	if v.server != nil {
		v.server.Close()
	}
}
