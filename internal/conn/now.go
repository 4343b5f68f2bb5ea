//go:build unix

package conn

import "syscall"

// readNow and writeNow are read(2) and write(2) on a socket that does not block.
func readNow(fd uintptr, b []byte) (int, error) { return now(syscall.Read, fd, b) }

func writeNow(fd uintptr, b []byte) (int, error) { return now(syscall.Write, fd, b) }

// now repeats a call that a signal interrupted.
func now(call func(int, []byte) (int, error), fd uintptr, b []byte) (int, error) {
	for {
		if n, err := call(int(fd), b); err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}
