//go:build !windows

package transport

import "syscall"

// IsReset reports whether the peer broke the connection off, which the next read or write notices.
func IsReset(err error) bool {
	return among(err, syscall.ECONNRESET, syscall.EPIPE)
}

func refusedBySystem(err error) bool { return among(err, syscall.ECONNREFUSED) }
func inUse(err error) bool           { return among(err, syscall.EADDRINUSE) }
func notOurs(err error) bool         { return among(err, syscall.EADDRNOTAVAIL) }
func outOfFiles(err error) bool      { return among(err, syscall.EMFILE) }

// passing tells whether an error of accept may be gone in a moment: one of the system's want, of the connection that
// came, or of a firewall.
func passing(err error) bool {
	return among(err, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.ECONNRESET,
		syscall.EPROTO, syscall.EPERM, syscall.ENETDOWN, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.EHOSTUNREACH)
}
