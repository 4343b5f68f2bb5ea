// Package format turns messages, packets and numbers into text for people and programs.
//
// An Output (Plain, Verbose, Format, JSON) is made once and then appends one message
// after another to the caller's buffer, without allocating. It belongs to one
// goroutine and keeps no reference to a message. The other functions append packets for
// traces, the table of the live view, and sizes, rates and durations, which can also be
// parsed.
//
// The package does no input or output and does not know flags or the environment. It
// takes the time of day only from its arguments. It is the only package that imports a
// library for color.
package format
