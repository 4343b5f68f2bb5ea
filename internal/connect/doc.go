// Package connect turns the flags of a connection into a Plan: where and how to connect, who
// connects, the session, the will, properties, and how to reconnect.
//
// Each group of flags has one concern and a file of its own. Flags.Plan checks everything that can
// be checked before a connection is opened, and returns a value that commands hand to package conn.
// Plan.Explain adds to an error what only the plan knows.
//
// The package opens no connection by itself.
package connect
