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

// benchView shows how a run goes: drawn on a terminal, as lines elsewhere, and on an address for Prometheus.
type view struct {
	e       *cli.Env
	ink     format.Palette
	server  *http.Server
	metrics bench.Metrics

	buf   []byte // this and lines belong to the one who tells
	lines int
}

// watch has b tell a view. end ends it.
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
	if strings.HasPrefix(at, ":") { // a port alone is for this machine alone
		at = "127.0.0.1" + at
	}
	l, err := net.Listen("tcp", at)
	if err != nil {
		return nil, cli.BadFlag("--listen", ": "+err.Error(), "expected PORT or HOST:PORT, such as 9100 or 127.0.0.1:9100")
	}
	v.server = &http.Server{Handler: &v.metrics, ReadHeaderTimeout: 5 * time.Second}
	go v.server.Serve(l) // until end closes the server
	e.Note("metrics on http://%s/metrics", l.Addr())
	return v, nil
}

// take shows p. The lock of the metrics is not held while stderr may be stuck.
func (v *view) take(p *bench.Progress) {
	v.buf = v.buf[:0]
	v.metrics.Take(p, v.draw)
	if len(v.buf) > 0 {
		v.e.Err.Write(v.buf)
	}
}

// draw puts what stderr is to show into buf.
func (v *view) draw(l *bench.Live) {
	switch {
	case v.e.Quiet:
	case v.e.TTYErr:
		v.buf, v.lines = bench.AppendLive(v.buf, l, bench.LiveView{Width: cli.Width(v.e.Err), Above: v.lines, Colors: v.ink})
	default:
		v.buf = bench.AppendLiveLine(v.buf, l)
	}
}

func (v *view) end() {
	if v.server != nil {
		v.server.Close()
	}
}
