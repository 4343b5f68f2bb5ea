// Package conn implements an MQTT client connection for one goroutine. The owner queues packets
// with Publish and Send, and asks for the next event with Next. A Conn starts no goroutine of its
// own, except one that reads while a write is stuck, and takes no lock: other goroutines may only
// call Wake, which sets a flag and a deadline.
//
// Queued packets are written when Next has to wait, when 128 KiB are queued, and by Close. Messages
// at QoS 0 that were never written are left in the session for its next connection. A Conn never
// reconnects. Sessions outlive connections: Hold dials, calls a function, and dials again.
//
// The package opens no sockets: Config.Dial does. It never prints, logs or reads the environment.
package conn
