package transport

import "golang.org/x/sys/windows"

// The syscall package's ECONNRESET and the like are values of its own here, which no call returns: sockets have Winsock's.

// IsReset reports whether the peer broke the connection off, which the next read or write notices.
func IsReset(err error) bool {
	return among(err, windows.WSAECONNRESET, windows.WSAECONNABORTED, windows.WSAESHUTDOWN)
}

func refusedBySystem(err error) bool { return among(err, windows.WSAECONNREFUSED) }
func inUse(err error) bool           { return among(err, windows.WSAEADDRINUSE) }
func notOurs(err error) bool         { return among(err, windows.WSAEADDRNOTAVAIL) }
func outOfFiles(err error) bool      { return among(err, windows.WSAEMFILE) }

// passing tells whether an error of accept may be gone in a moment.
func passing(err error) bool {
	return among(err, windows.WSAEMFILE, windows.WSAENOBUFS, windows.WSAECONNABORTED, windows.WSAECONNRESET)
}
