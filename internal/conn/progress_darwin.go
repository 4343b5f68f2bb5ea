package conn

import "golang.org/x/sys/unix"

// sendQueue returns the number of bytes that the peer has not acknowledged, or -1.
func sendQueue(fd uintptr) int {
	n, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_NWRITE)
	if err != nil {
		return -1
	}
	return n
}
