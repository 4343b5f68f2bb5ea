// Package message holds messages as values: where they come from (Source) and where they go to
// (Sink).
//
// A Source yields messages to publish: one message with repeats, lines, records of JSON, and what a
// jq expression makes of the messages of another Source. A Sink takes received messages: as text,
// as JSON, in a format of the user's. Flags and OutputFlags are the flag groups that describe a
// Source and a Sink.
//
// A Source belongs to the goroutine that calls Next. Lines starts one goroutine that reads its
// input ahead; Close ends it. The package prints nothing, reads no environment and ends no process:
// warnings go to a function of the caller.
package message
