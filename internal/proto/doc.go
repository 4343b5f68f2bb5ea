// Package proto is the wire form of MQTT 3.1, 3.1.1 and 5.0: packets, properties,
// reason codes, topic names and filters, and a reader that cuts packets out of a
// byte stream.
//
// Ten structs serve the fifteen packet types. Append encodes onto a slice; Decode
// reads a Frame. Fields of type []byte and Props alias the frame and are good until
// the frame's buffer is used again; strings are copies. Malformed input of any kind
// is an *Error that tells packet type, byte offset, reason code and what was wrong.
//
// The package does no input or output but the reads of Reader, keeps no state
// between packets, has no goroutine, no lock and no clock.
package proto
