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

// room is how deep a command's stack becomes, in bytes.
const room = 56 << 10

// Advice of madvise(2) since Linux 5.14, which package syscall does not name; older kernels refuse it.
const (
	populateRead  = 22
	populateWrite = 23
)

const window = 64 << 10 // pieces begin at multiples of it, which every page size divides

func init() {
	populate(anyCode(), code, populateRead)
	populate(anyHeap(), heap, populateWrite)
	deepen(false)
}

// deepen has the stack grown at once, while there is next to nothing on it: later, step by step, each frame that is moved
// costs pages of tables that tell what is in it.
//
//go:noinline
func deepen(full bool) {
	if full {
		var frame [room]byte
		fill(&frame)
	}
}

//go:noinline
func fill(frame *[room]byte) { frame[0] = 1 }

func populate(from, length, advice uintptr) {
	syscall.RawSyscall(syscall.SYS_MADVISE, from&^(window-1), length, advice) // as far as it goes
}

// anyCode is the address of code of package syscall.
func anyCode() uintptr {
	f := syscall.Getpagesize
	return **(**uintptr)(unsafe.Pointer(&f)) // a func value points to the address of its code
}

// object is made when the program runs, so that its address tells where the heap is.
var object *[64]byte

func anyHeap() uintptr {
	object = new([64]byte)
	return uintptr(unsafe.Pointer(object))
}
