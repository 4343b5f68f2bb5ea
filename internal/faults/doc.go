// Package faults disturbs MQTT connections on demand, so that clients can be tested. A Plan is
// parsed from words such as "delay=50ms drop=1%".
//
// A Connection decides what happens to each packet of one connection. The decisions depend only on
// the seed, the number of the connection, and the number of the packet in its direction, so that a
// run can be repeated. A Lane applies the decisions to the bytes of one direction.
//
// The package does no input or output, and has no goroutine and no clock. Broker and proxy use it.
package faults
