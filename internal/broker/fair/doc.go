// Package fair shares what is scarce among network addresses, so that one address cannot use up
// what another one needs. Slots limits how much is done at once, Rate how often it is done.
//
// Both let requests wait for a bounded time in a bounded queue. A wait ends with its context.
// The package starts no goroutine and knows nothing about MQTT.
package fair
