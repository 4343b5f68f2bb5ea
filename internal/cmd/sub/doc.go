// Package sub is the command mqtt sub: it subscribes, prints messages in many forms, and ends when
// enough of them have arrived.
package sub
