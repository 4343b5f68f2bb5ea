// Package scram is SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677) without channel
// binding, both sides: Client proves that it knows a password, and Server, which keeps
// only what PBKDF2 made of it, proves that it does. A Client or Server is one exchange
// at a time and belongs to one goroutine.
//
// It is written here because the libraries for it bring tables that every start of the
// program would pay for. The package has no input or output, and never keeps a password
// beyond its Client.
package scram
