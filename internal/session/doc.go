// Package session is the ledger of QoS 1 and 2: which messages were sent and are
// not finished, and which QoS 2 messages came and were not released. Client and
// broker keep the same two types, Sender and Receiver.
//
// They take values and return values: no input or output, no lock, no clock, no
// goroutine. Whoever owns the connection owns its session, and keeps it when the
// connection dies.
package session
