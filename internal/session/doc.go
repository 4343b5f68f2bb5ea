// Package session keeps the delivery state of QoS 1 and 2: which sent messages are not
// acknowledged, and which received QoS 2 messages are not released. Client and broker use the same
// two types, Sender and Receiver.
//
// Both types take values and return values. They do no input or output, and have no lock, no clock
// and no goroutine. The owner of a connection also owns its session, and keeps it when the
// connection ends.
package session
