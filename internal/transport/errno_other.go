//go:build !windows

package transport

import "syscall"

// IsReset reports whether err says that the peer has reset the connection.
func IsReset(err error) bool {
	return isErrno(err, syscall.ECONNRESET, syscall.EPIPE)
}

func connectionRefused(err error) bool { return isErrno(err, syscall.ECONNREFUSED) }
func inUse(err error) bool             { return isErrno(err, syscall.EADDRINUSE) }
func notLocal(err error) bool          { return isErrno(err, syscall.EADDRNOTAVAIL) }
func tooManyFiles(err error) bool      { return isErrno(err, syscall.EMFILE) }

// isTransient reports whether an error of accept may pass: the system is out of a resource, or a
// connection or a firewall caused it.
func isTransient(err error) bool {
	return isErrno(err, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.ECONNRESET,
		syscall.EPROTO, syscall.EPERM, syscall.ENETDOWN, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.EHOSTUNREACH)
}
