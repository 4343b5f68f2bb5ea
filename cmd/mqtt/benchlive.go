package main

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"mqtt/internal/bench"
	"mqtt/internal/format"
)

// benchView shows how a run goes: drawn on a terminal, as lines elsewhere, and on an address for Prometheus.
type benchView struct {
	e      *env
	ink    format.Palette
	server *http.Server

	mu    sync.Mutex
	live  bench.Live
	buf   []byte
	lines int
}

// watch has b tell a view. end ends it.
func (o *benchOutput) watch(e *env, b *bench.Plan) (*benchView, error) {
	v := &benchView{e: e, ink: format.NewPalette(e.colored(e.ttyErr))}
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
		return nil, usage("--listen: "+err.Error(), "expected PORT or HOST:PORT, such as 9100 or 127.0.0.1:9100")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", v.metrics)
	v.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go v.server.Serve(l) // until end closes the server
	e.note("metrics on http://%s/metrics", l.Addr())
	return v, nil
}

// take shows p.
func (v *benchView) take(p *bench.Progress) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.live.Take(p)
	if v.e.quiet {
		return
	}
	v.buf = v.buf[:0]
	if v.e.ttyErr {
		v.buf, v.lines = bench.AppendLive(v.buf, &v.live, bench.LiveView{Width: widthOf(v.e.err), Above: v.lines, Ink: v.ink})
	} else {
		v.buf = bench.AppendLiveLine(v.buf, &v.live)
	}
	v.e.err.Write(v.buf)
}

// metrics answers Prometheus.
func (v *benchView) metrics(w http.ResponseWriter, _ *http.Request) {
	v.mu.Lock()
	b := bench.AppendMetrics(nil, &v.live)
	v.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Write(b)
}

func (v *benchView) end() {
	if v.server != nil {
		v.server.Close()
	}
}
