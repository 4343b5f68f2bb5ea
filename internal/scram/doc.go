// Package scram implements both sides of SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677),
// without channel binding. A Client holds the credentials of a user and begins exchanges; a Server
// is one exchange, and needs only the salted password.
//
// It does not use one of the existing libraries because they bring tables whose initialisation
// would slow down every start of the program. The package does no input or output, and keeps a
// password only in its Client.
package scram
