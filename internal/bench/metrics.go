package bench

import (
	"net/http"
	"sync"

	"mqtt/internal/prometheus"
)

// Metrics stores the current state of a run and answers requests for /metrics in the text
// format of Prometheus. The caller passes each Progress to Take; before the first one the
// status is 503. The zero Metrics is ready. It may be used by several goroutines.
type Metrics struct {
	mu    sync.Mutex
	begun bool
	live  Live
}

// Take makes p the current state and calls show with it, if show is not nil.
func (m *Metrics) Take(p *Progress, show func(*Live)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begun = true
	m.live.Take(p)
	if show != nil {
		show(&m.live)
	}
}

// text returns the metrics, nil before the first Progress.
func (m *Metrics) text() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.begun {
		return nil
	}
	return AppendMetrics(nil, &m.live)
}

// ServeHTTP implements http.Handler.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.URL.Path != "/metrics" {
		http.NotFound(w, req)
		return
	}
	if !prometheus.Allow(w, req) {
		return
	}
	b := m.text()
	if b == nil {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "the run has not begun", http.StatusServiceUnavailable)
		return
	}
	prometheus.Serve(w, req, b)
}

// AppendMetrics appends l in the text format of Prometheus. It uses the names of the report
// for all metrics that are known during the run.
func AppendMetrics(dst []byte, l *Live) []byte {
	e := exposition{dst}
	e.head("mqtt_bench_phase", "gauge", "1 for the current phase of the run.")
	e.value("mqtt_bench_phase", 1, "phase", l.Phase)
	e.one("mqtt_bench_phase_seconds", "gauge", "Time since that phase began.", l.Elapsed.Seconds())
	if l.Done >= 0 {
		e.one("mqtt_bench_phase_done_ratio", "gauge", "Share of that phase that is done.", l.Done)
	}
	e.count("sent_messages", "Messages given to the socket.", l.Sent)
	e.count("received_deliveries", "Deliveries received, including duplicates.", l.Received)
	e.count("errors", "Errors of any kind.", l.Errors)
	e.one("mqtt_bench_wanted_connections", "gauge", "Connections wanted.", float64(max(l.Wanted, 0)))
	e.one("mqtt_bench_open_connections", "gauge", "Connections that are open.", float64(max(l.Connections, 0)))
	e.one("mqtt_bench_recent_lag_p99_seconds", "gauge", "The generator's own delay in the last second, percentile 99.", l.LagP99.Seconds())
	e.buckets("latency", "From the intended send to the delivery.", l.Latency)
	return e.b
}
