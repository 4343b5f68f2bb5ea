// Package faults makes a broker misbehave on demand, so that clients can be tested
// against it: a Plan read from words such as "delay=50ms drop=1%" is a broker.Fault.
//
// What happens is decided by a seed, the number of the connection and the number of
// the packet in its direction, and by nothing else: a run can be repeated. The package
// decides only; the broker carries it out.
package faults
