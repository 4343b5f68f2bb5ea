package transport

import "golang.org/x/sys/windows"

// On Windows, ECONNRESET and the like of package syscall are invented values. Sockets return the
// error numbers of Winsock.

// IsReset reports whether err says that the peer has reset the connection.
func IsReset(err error) bool {
	return isErrno(err, windows.WSAECONNRESET, windows.WSAECONNABORTED, windows.WSAESHUTDOWN)
}

func connectionRefused(err error) bool { return isErrno(err, windows.WSAECONNREFUSED) }
func inUse(err error) bool             { return isErrno(err, windows.WSAEADDRINUSE) }
func notLocal(err error) bool          { return isErrno(err, windows.WSAEADDRNOTAVAIL) }
func tooManyFiles(err error) bool      { return isErrno(err, windows.WSAEMFILE) }

// isTransient reports whether an error of accept may pass.
func isTransient(err error) bool {
	return isErrno(err, windows.WSAEMFILE, windows.WSAENOBUFS, windows.WSAECONNABORTED, windows.WSAECONNRESET)
}
