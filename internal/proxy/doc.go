// Package proxy relays MQTT connections between clients and a server, packet by packet and byte by
// byte as they are. It can disturb them on purpose, show them to watchers, and hold them against
// the standard.
//
// Each connection has two goroutines, one for each direction, which read, look, and write: what one
// side does not read, the other cannot send. A packet is buffered while it has to be looked at as a
// whole; a larger one passes in parts. All that a peer can make grow is bounded.
//
// The package opens no listener, prints nothing, and knows no flag.
package proxy
