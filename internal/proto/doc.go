// Package proto encodes and decodes the packets of MQTT 3.1, 3.1.1 and 5.0. It has the tables of
// properties and reason codes, checks topic names and filters, and reads packets from a byte
// stream.
//
// Ten structs represent the fifteen packet types. Append appends the encoded packet to a slice;
// Decode decodes a Frame. Decoded fields of type []byte and Props alias the frame, and are valid
// until its buffer is reused; strings are copies. Malformed input is an *Error with the packet
// type, the byte offset, the reason code and what is wrong.
//
// The package does no input or output except the reads of Reader. It has no goroutine, no lock and
// no clock.
package proto
