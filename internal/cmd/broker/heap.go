package broker

import (
	"math"
	"runtime/debug"
)

// heapBase is the memory that the process may use for what is not counted, in bytes.
const heapBase = 16 << 20

// boundHeap has the garbage collector hold the memory of the process below twice counted and
// heapBase. counted is what the broker may count against --memory, in bytes. Without it the heap
// grows to twice what is in use before it is collected, and large messages leave gaps on top of
// that. A limit that GOMEMLIMIT has set remains. restore ends the limit.
func boundHeap(counted int64) (restore func()) {
	const none = math.MaxInt64
	if counted > (none-heapBase)/2 || debug.SetMemoryLimit(-1) != none {
		return func() {}
	}
	debug.SetMemoryLimit(2*counted + heapBase)
	return func() { debug.SetMemoryLimit(none) }
}
