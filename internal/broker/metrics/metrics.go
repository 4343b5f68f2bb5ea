package metrics

import (
	"net/http"
	"sync/atomic"

	"mqtt/internal/broker"
	"mqtt/internal/prometheus"
)

// Handler answers GET and HEAD requests for /metrics and /healthz. The status of both is
// 503 if no broker is set. A Handler may be used by several goroutines.
type Handler struct{ b atomic.Pointer[broker.Broker] }

// Set sets the broker, nil for none.
func (h *Handler) Set(b *broker.Broker) { h.b.Store(b) }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	b := h.b.Load()
	switch {
	case req.URL.Path != "/metrics" && req.URL.Path != "/healthz":
		http.NotFound(w, req)
	case !prometheus.Allow(w, req):
	case b == nil:
		http.Error(w, "not serving", http.StatusServiceUnavailable)
	case req.URL.Path == "/healthz":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Write([]byte("ok\n"))
	default:
		prometheus.Serve(w, req, Append(nil, b.Stats()))
	}
}

// Append appends s in the text format of Prometheus.
func Append(dst []byte, s broker.Stats) []byte {
	for _, m := range [...]struct {
		name, kind, help string
		value            int64
	}{
		{"mqtt_broker_clients", "gauge", "Clients that are connected.", s.Connected},
		{"mqtt_broker_clients_most", "gauge", "Most clients connected at once.", s.ConnectedMost},
		{"mqtt_broker_connects_total", "counter", "Connections accepted.", s.Connects},
		{"mqtt_broker_connects_refused_total", "counter", "Connections refused with a CONNACK.", s.ConnectsRefused},
		{"mqtt_broker_sessions", "gauge", "Sessions, with and without a client.", s.Sessions},
		{"mqtt_broker_sessions_expired_total", "counter", "Sessions that expired.", s.SessionsExpired},
		{"mqtt_broker_subscriptions", "gauge", "Subscriptions.", s.Subscriptions},
		{"mqtt_broker_retained_messages", "gauge", "Retained messages.", s.Retained},
		{"mqtt_broker_retained_bytes", "gauge", "Bytes of retained messages.", s.RetainedBytes},
		{"mqtt_broker_memory_bytes", "gauge", "Bytes of queues, buffers and retained messages (estimate).", s.Memory},
		{"mqtt_broker_packets_received_total", "counter", "Packets received.", s.PacketsReceived},
		{"mqtt_broker_packets_sent_total", "counter", "Packets sent.", s.PacketsSent},
		{"mqtt_broker_received_bytes_total", "counter", "Bytes received.", s.BytesReceived},
		{"mqtt_broker_sent_bytes_total", "counter", "Bytes sent.", s.BytesSent},
		{"mqtt_broker_messages_received_total", "counter", "PUBLISH packets received.", s.Published},
		{"mqtt_broker_messages_received_bytes_total", "counter", "Bytes of payload received.", s.PublishedBytes},
		{"mqtt_broker_messages_sent_total", "counter", "PUBLISH packets sent.", s.Delivered},
		{"mqtt_broker_messages_sent_bytes_total", "counter", "Bytes of payload sent.", s.DeliveredBytes},
		{"mqtt_broker_messages_dropped_total", "counter", "Messages not delivered to a subscriber: slow, queue full, too large, expired.", s.Dropped},
		{"mqtt_broker_messages_refused_total", "counter", "PUBLISH packets refused: not authorized, or topic not allowed.", s.PublishesRefused},
	} {
		dst = prometheus.AppendHead(dst, m.name, m.kind, m.help)
		dst = prometheus.AppendInt(dst, m.name, m.value)
	}
	const up = "mqtt_broker_uptime_seconds"
	dst = prometheus.AppendHead(dst, up, "gauge", "Seconds since the broker was created.")
	return prometheus.AppendSample(dst, up, s.Uptime.Seconds())
}
