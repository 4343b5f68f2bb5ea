// Package ping is the command mqtt ping: it measures round trips to a server, with PINGREQ or with
// messages that come back, and waits for a server that does not answer yet.
package ping
