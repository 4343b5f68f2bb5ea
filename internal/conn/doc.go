// Package conn is the synchronous connection helper: one MQTT connection that
// belongs to one goroutine and starts none of its own. The owner queues packets
// and asks for the next event.
//
// A Conn never reconnects: connections die, sessions stay, and Hold is a loop
// around a function. Only Wake may be called by other goroutines; it and a context
// touch a flag and a deadline, so there is no lock. What is queued goes out when
// Next must wait, when 128 KiB are queued, or at Close; a message at QoS 0 that no
// stream took is left to the session's next connection.
//
// The package opens no sockets: Config.Dial does. It never prints, logs or reads
// the environment.
package conn
