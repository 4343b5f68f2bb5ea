// Package rules has the statements of MQTT 5.0, 3.1.1 and 3.1 as a table, and an observer that holds
// the packets of a connection against them.
//
// The table gives each statement its number and section in the standard, its level, whom it binds,
// and its meaning in our words. The observer sits between client and server. It is told which
// packets each of them sent and which of them the other was given, and reports violations with the
// evidence.
//
// The observer is sound before it is complete: a peer that keeps to the standard is never blamed.
// What a peer may not have received yet does not count as received, and what the observer did not
// see is not judged. Memory is bounded for each connection and each session.
//
// The package does no input or output. It has no goroutine and no clock. An Observer belongs to its
// caller; Sessions has a lock.
package rules
