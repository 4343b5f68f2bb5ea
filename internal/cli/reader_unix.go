//go:build unix

package cli

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// pipeHasRoom reports whether a write of n bytes to a pipe does not block.
func pipeHasRoom(f *os.File, n int) bool {
	if n > pipeAtomic {
		return false
	}
	p := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLOUT}}
	_, err := unix.Poll(p, 0)
	return err == nil && p[0].Revents&unix.POLLOUT != 0
}

// awaitReaderGone waits until the reader of a pipe or socket has gone. It returns false if the system
// cannot tell.
func awaitReaderGone(f *os.File) bool {
	fd := int32(f.Fd())
	events := int16(0)
	if isTCP(int(fd)) {
		events = pollHalfClosed
	}
	for {
		p := []unix.PollFd{{Fd: fd, Events: events}}
		_, err := unix.Poll(p, -1)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil || p[0].Revents&unix.POLLNVAL != 0:
			return false
		}
		return p[0].Revents&(unix.POLLERR|unix.POLLHUP|pollHalfClosed) != 0
	}
}

// isTCP reports whether fd is a TCP socket. A peer that has gone shows there as one that sends no
// more: the kernel cannot tell them apart before the next write. On a Unix socket it can.
func isTCP(fd int) bool {
	name, err := unix.Getsockname(fd)
	if err != nil {
		return false
	}
	switch name.(type) {
	case *unix.SockaddrInet4, *unix.SockaddrInet6:
		return true
	}
	return false
}
