// Package jsonline writes messages as lines of JSON and reads them back. It also
// checks, compacts and indents JSON text of any other origin.
//
// An Encoder appends the line that sub -J prints; message.schema.json describes it. A
// Record reads such a line, and the keys that mosquitto_sub -F %j prints. Reading
// what was written gives the same message, and writing that gives the same line.
//
// Appending and reading do not allocate once the buffers have grown. An Encoder, a
// Record and a Checker each belong to one goroutine and are used again and again. The
// package does no input or output and takes the time of day only from its arguments.
package jsonline
