// Package format turns messages, packets and numbers into what a person or a
// program reads, and JSON lines back into messages.
//
// An output (Plain, Verbose, Format, JSON) is made once and then appends message
// after message onto the caller's buffer, without allocating; it belongs to one
// goroutine, and it keeps nothing of a message. A Record owns its buffers and is
// read into again and again.
//
// The package writes nowhere, knows no network, no flag and no environment, and
// takes the time of day only from its arguments. Colour is used here and nowhere
// else.
package format
