// Package metrics serves the statistics of a broker over HTTP: /metrics in the text format
// of Prometheus, and /healthz for programs that start and supervise the broker.
//
// The Handler reads broker.Stats at each request. It stores no figures and opens no
// listener; the command that starts the broker does that.
package metrics
