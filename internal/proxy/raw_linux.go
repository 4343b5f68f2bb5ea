package proxy

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// spliceable reports whether the system can move bytes of conn without copying them through this
// process.
func spliceable(conn net.Conn) bool {
	switch conn.(type) {
	case *net.TCPConn, *net.UnixConn:
		return true
	}
	return false
}

// unread returns how many bytes of conn have come and were not read.
func unread(conn net.Conn) (n int) {
	s, ok := conn.(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return 0
	}
	raw.Control(func(fd uintptr) {
		if got, err := unix.IoctlGetInt(int(fd), unix.TIOCINQ); err == nil {
			n = got
		}
	})
	return n
}
