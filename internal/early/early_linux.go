package early

import (
	"syscall"
	"unsafe"
)

// What is asked for, in bytes: more than a short command uses would be work for nothing.
const (
	code = 6 << 20 // from package syscall on: the runtime's own, which lies before it, has run
	heap = 1 << 20
)

// Advice of madvise(2) since Linux 5.14, which package syscall does not name; older kernels refuse it.
const (
	populateRead  = 22
	populateWrite = 23
)

const window = 64 << 10 // pieces begin at multiples of it, which every page size divides

// object is of the heap, so that its address tells where the heap is.
var object = new([64]byte)

func init() {
	f := syscall.Getpagesize
	populate(**(**uintptr)(unsafe.Pointer(&f)), code, populateRead) // a func value points to the address of its code
	populate(uintptr(unsafe.Pointer(object)), heap, populateWrite)
}

func populate(from, length, advice uintptr) {
	syscall.RawSyscall(syscall.SYS_MADVISE, from&^(window-1), length, advice) // as far as it goes
}
