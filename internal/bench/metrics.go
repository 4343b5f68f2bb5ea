package bench

import (
	"net/http"
	"strconv"
	"sync"
)

// Metrics keeps a run as it stands, and answers GET /metrics with it in Prometheus' text
// format. The run gives it each Progress; whoever asks before the first one gets 503. The
// zero Metrics is ready. It may be used by several goroutines at once.
type Metrics struct {
	mu    sync.Mutex
	begun bool
	live  Live
}

// Take makes p what is answered, and has show look at it, if it is not nil.
func (m *Metrics) Take(p *Progress, show func(*Live)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begun = true
	m.live.Take(p)
	if show != nil {
		show(&m.live)
	}
}

func (m *Metrics) text() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.begun {
		return nil
	}
	return AppendMetrics(nil, &m.live)
}

// ServeHTTP answers one request.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch {
	case req.URL.Path != "/metrics":
		http.NotFound(w, req)
		return
	case req.Method != http.MethodGet && req.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	b := m.text()
	if b == nil {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "the run has not begun", http.StatusServiceUnavailable)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	h.Set("Cache-Control", "no-store")
	if req.Method == http.MethodGet {
		w.Write(b) // who asked may have gone; nobody else cares
	}
}

// AppendMetrics appends l in Prometheus' text format. The names are those of the
// report, as far as they are known while it runs.
func AppendMetrics(dst []byte, l *Live) []byte {
	e := exposition{dst}
	e.head("mqtt_bench_phase", "gauge", "1 for the phase that the run is in.")
	e.value("mqtt_bench_phase", 1, "phase", l.Phase)
	e.one("mqtt_bench_phase_seconds", "gauge", "How long that phase has taken.", l.Elapsed.Seconds())
	if l.Done >= 0 {
		e.one("mqtt_bench_phase_done_ratio", "gauge", "How much of that phase is done.", l.Done)
	}
	e.count("sent_messages", "Messages given to the socket.", l.Sent)
	e.count("received_deliveries", "Deliveries that came, repeats included.", l.Received)
	e.count("errors", "Errors of any kind.", l.Errors)
	e.one("mqtt_bench_wanted_connections", "gauge", "Connections that were asked for.", float64(max(l.Wanted, 0)))
	e.one("mqtt_bench_open_connections", "gauge", "Connections that are open.", float64(max(l.Connections, 0)))
	e.one("mqtt_bench_recent_lag_p99_seconds", "gauge", "The generator's own delay of late, percentile 99.", l.LagP99.Seconds())
	e.buckets("latency", "From the intended send to the delivery.", l.Latency)
	return e.b
}
