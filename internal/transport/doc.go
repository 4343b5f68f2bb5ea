// Package transport carries bytes: it turns a URL or flags into a net.Conn over TCP,
// TLS, a Unix socket or WebSocket, through a SOCKS5 or HTTP proxy if wished, and it
// listens on the same four.
//
// A Target says where and how, Dial connects to it, an Endpoint and Listen are the
// other side. The caller owns every connection and every deadline: on each kind of
// connection a deadline set by another goroutine wakes a blocked Read or Write, and a
// Read that timed out can be repeated. One TLS value is the configuration of tls and
// wss alike. An *Error tells the phase that failed, the address and the cause, and
// Hint what to try. The package knows nothing of MQTT packets, prints nothing, reads
// no environment, and starts no goroutine beyond a short one that answers a ping.
package transport
