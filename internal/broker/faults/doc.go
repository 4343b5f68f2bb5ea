// Package faults makes a broker misbehave on demand, so that clients can be tested. A Plan
// is a broker.Fault that is parsed from words such as "delay=50ms drop=1%".
//
// The decisions depend only on the seed, the number of the connection, and the number of
// the packet in its direction, so that a run can be repeated. The package only decides; the
// broker applies the decisions.
package faults
