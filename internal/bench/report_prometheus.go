package bench

import (
	"io"
	"strconv"
	"time"

	"mqtt/internal/prometheus"
)

// Prometheus writes r in the text format of Prometheus: counts, histograms with buckets in
// seconds, which can be added up over machines, and percentiles as gauges, which cannot be
// added up but are exact.
func Prometheus(w io.Writer, r *Result) error {
	var e exposition
	c := &r.Config
	e.head("mqtt_bench_info", "gauge", "Settings of the run; always 1.")
	e.value("mqtt_bench_info", 1,
		"kind", r.Kind, "server", c.Server, "version", c.Version, "qos", strconv.Itoa(c.QoS),
		"publishers", strconv.Itoa(c.Publishers), "subscribers", strconv.Itoa(c.Subscribers))
	e.one("mqtt_bench_started_timestamp_seconds", "gauge", "Start of the measured part, since 1970.", float64(r.Started.UnixMilli())/1e3)
	e.one("mqtt_bench_duration_seconds", "gauge", "Duration of the measured part.", r.Seconds)

	e.count("sent_messages", "Messages given to the socket.", r.Sent)
	e.count("acknowledged_messages", "Messages acknowledged by the server.", r.Acknowledged)
	e.count("expected_deliveries", "Deliveries expected.", r.Expected)
	e.count("received_deliveries", "Deliveries received, including duplicates.", r.Received)
	if r.Accounted {
		e.count("lost_deliveries", "Deliveries lost.", r.Lost)
		e.count("duplicated_deliveries", "Deliveries received more than once.", r.Duplicated)
		e.count("reordered_deliveries", "Deliveries received after a later one.", r.Reordered)
	}
	e.count("foreign_deliveries", "Deliveries of other runs.", r.Foreign)
	e.count("sent_bytes", "Payload bytes sent.", r.BytesSent)
	e.count("received_bytes", "Payload bytes received.", r.BytesReceived)
	e.head("mqtt_bench_errors_total", "counter", "Errors by kind.")
	if len(r.ErrorKinds) == 0 {
		e.value("mqtt_bench_errors_total", float64(r.Errors))
	}
	for _, k := range r.ErrorKinds {
		e.value("mqtt_bench_errors_total", float64(k.Count), "kind", k.Kind)
	}
	e.one("mqtt_bench_send_rate", "gauge", "Messages sent per second.", r.SendRate)
	e.one("mqtt_bench_receive_rate", "gauge", "Deliveries per second.", r.ReceiveRate)

	e.count("opened_connections", "Connections accepted, reconnections included.", r.Connections.Opened)
	e.count("failed_connections", "Connections that could not be opened.", r.Connections.Failed)
	e.count("lost_connections", "Connections lost.", r.Connections.Lost)
	e.one("mqtt_bench_peak_connections", "gauge", "Most connections open at once.", float64(r.Connections.Peak))

	e.times("latency", "From the intended send to the delivery.", r.Latency)
	e.times("service", "From the write to the delivery.", r.Service)
	e.times("lag", "From the intended send to the write: the generator's own delay.", r.Lag)
	e.times("ack", "From the intended send to the acknowledgement.", r.Ack)
	e.times("connect", "From the first step of a connection to CONNACK.", r.Connect)

	if len(r.Verdicts) > 0 {
		e.head("mqtt_bench_threshold_failed", "gauge", "1 for a threshold that failed.")
		for i := range r.Verdicts {
			v, failed := &r.Verdicts[i], 0.0
			if v.Failed {
				failed = 1
			}
			e.value("mqtt_bench_threshold_failed", failed, "expression", v.Expression)
		}
	}
	_, err := w.Write(e.b)
	return err
}

// exposition is a text of metrics that is being written.
type exposition struct{ b []byte }

// head begins a metric.
func (e *exposition) head(name, kind, help string) {
	e.b = prometheus.AppendHead(e.b, name, kind, help)
}

// value appends a sample. labels are names and values in turn.
func (e *exposition) value(name string, x float64, labels ...string) {
	e.b = prometheus.AppendSample(e.b, name, x, labels...)
}

// one appends a metric with one sample.
func (e *exposition) one(name, kind, help string, x float64) {
	e.head(name, kind, help)
	e.value(name, x)
}

// count appends a counter.
func (e *exposition) count(what, help string, n uint64) {
	e.one("mqtt_bench_"+what+"_total", "counter", help, float64(n))
}

// The bounds of the buckets are 1, 2 and 5 times each power of ten, from 10 µs to 100 s.
const (
	firstBound = 10 * time.Microsecond
	lastBound  = 100 * time.Second
)

// metricBounds returns the upper bounds of the buckets.
func metricBounds() []time.Duration {
	var bounds []time.Duration
	for x := firstBound; x < lastBound; x *= 10 {
		bounds = append(bounds, x, 2*x, 5*x)
	}
	return append(bounds, lastBound)
}

// times appends a histogram and, if it is not empty, its percentiles.
func (e *exposition) times(what, help string, h *Histogram) {
	e.buckets(what, help, h)
	if h.Count() == 0 {
		return
	}
	name := "mqtt_bench_" + what + "_quantile_seconds"
	e.head(name, "gauge", help+" By quantile: 0 is the minimum, 1 the maximum.")
	e.value(name, h.Min().Seconds(), "quantile", "0")
	for _, q := range [...]float64{50, 90, 95, 99, 99.9, 99.99} {
		e.value(name, h.At(q).Seconds(), "quantile", strconv.FormatFloat(q/100, 'g', 6, 64))
	}
	e.value(name, h.Max().Seconds(), "quantile", "1")
}

// buckets appends a histogram.
func (e *exposition) buckets(what, help string, h *Histogram) {
	name := "mqtt_bench_" + what + "_seconds"
	e.head(name, "histogram", help)
	n := float64(h.Count())
	if n > 0 { // an empty histogram needs no bounds
		bounds := metricBounds()
		for i, below := range h.UpTo(bounds) {
			e.value(name+"_bucket", float64(below), "le", strconv.FormatFloat(bounds[i].Seconds(), 'g', -1, 64))
		}
	}
	e.value(name+"_bucket", n, "le", "+Inf")
	e.value(name+"_sum", h.Mean().Seconds()*n)
	e.value(name+"_count", n)
}
