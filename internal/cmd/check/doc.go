// Package check is the command mqtt check: it tests a server, or a client, against the standards.
package check
