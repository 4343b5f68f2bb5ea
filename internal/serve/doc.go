// Package serve is what the commands that listen have in common: they run a command beside the server, tell
// where they listen, end with signals, take lines from a terminal, and log without waiting for a reader.
package serve
