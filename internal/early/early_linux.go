//go:build amd64 || arm64

package early

import "unsafe"

// heap is how much of the heap is asked for, in bytes: more than a short command uses would be work for nothing.
const heap = 1 << 20

// Advice of madvise(2) since Linux 5.14; older kernels refuse it.
const (
	populateRead  = 22
	populateWrite = 23
)

const window = 64 << 10 // pieces begin at multiples of it, which every page size divides

func init() {
	from, to := text()
	populate(from, to-from, populateRead)
	populate(anyHeap(), heap, populateWrite)
	deepen(false)
}

// populate asks for what it can get: the answer does not matter.
func populate(from, length, advice uintptr) {
	madvise(from&^(window-1), length, advice)
}

// madvise is the system call, without package syscall: what that one needs is initialised before it, and is a part of what
// should come later.
//
//go:noescape
func madvise(from, length, advice uintptr)

// text is where the code of the binary is, by the linker's own symbols.
//
//go:noescape
func text() (from, to uintptr)

// object is made when the program runs, so that its address tells where the heap is.
var object *[64]byte

func anyHeap() uintptr {
	object = new([64]byte)
	return uintptr(unsafe.Pointer(object))
}

// room is how deep a command's stack becomes, in bytes.
const room = 56 << 10

// deepen has the stack grown at once, while there is next to nothing on it: later, step by step, each frame that is moved
// costs pages of tables that tell what is in it. The call is enough: a stack has room for the whole frame before the first
// line runs, and the frame is not touched.
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
