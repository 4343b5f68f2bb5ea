package conn

import (
	"syscall"
	"unsafe"
)

// readNow and writeNow are read(2) and write(2) on a socket that does not block. The runtime is not
// told of the calls. It takes a system call of more than 20 µs, as copying 128 KiB can be, for one
// that blocks, and hands the goroutine's processor to another thread; getting it back costs more than
// the call. BenchmarkRawWrite compares both ways. A call that may block must not be made like this.
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
