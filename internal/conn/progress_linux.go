package conn

import "golang.org/x/sys/unix"

// sendQueue returns the number of bytes that the peer has not acknowledged, or -1.
func sendQueue(fd uintptr) int {
	n, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
	if err != nil {
		return -1
	}
	return n
}
