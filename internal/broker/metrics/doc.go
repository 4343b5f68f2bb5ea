// Package metrics tells a broker's figures over HTTP: /metrics in Prometheus' text
// format, /healthz for who starts and watches it. It opens no listener of its own and
// keeps no figures.
package metrics
