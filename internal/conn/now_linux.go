package conn

import (
	"syscall"
	"unsafe"
)

// readNow and writeNow are read(2) and write(2) on a socket that never makes them wait.
// The runtime is not told of them: it takes a call of more than 20 µs, which a copy of
// 128 KiB can be, for one that waits, and gives the goroutine's processor away. To get it
// back costs more than the call. A read that may wait is another matter, and not made here.
func readNow(fd uintptr, b []byte) (int, error) { return now(syscall.SYS_READ, fd, b) }

func writeNow(fd uintptr, b []byte) (int, error) { return now(syscall.SYS_WRITE, fd, b) }

func now(call, fd uintptr, b []byte) (int, error) {
	for {
		n, _, no := syscall.RawSyscall(call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		switch no {
		case 0:
			return int(n), nil
		case syscall.EINTR:
			continue
		}
		return 0, no
	}
}
