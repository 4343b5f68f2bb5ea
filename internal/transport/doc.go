// Package transport opens and accepts byte streams: TCP, TLS, Unix sockets and WebSocket, also
// through a SOCKS5 or HTTP proxy. A Target describes a server and Dial connects to it; an Endpoint
// describes a listener and Listen opens it.
//
// The caller owns every connection and every deadline. On all kinds of connections, a deadline that
// another goroutine sets ends a blocked Read or Write, and a Read can be repeated after a timeout.
// An *Error has the phase that failed, the address and the cause; Hint says what to do.
//
// The package knows no MQTT packets. It never prints, reads no environment variables, and starts no
// goroutine except a short one that answers a WebSocket ping.
package transport
