package broker

import (
	"math"
	"runtime/debug"
	"testing"
)

// The limit of the collector is twice what the broker may count and a base, unless there is one already.
func TestBoundHeap(t *testing.T) {
	before := debug.SetMemoryLimit(math.MaxInt64)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })

	restore := boundHeap(8 << 30)
	if got := debug.SetMemoryLimit(-1); got != 16<<30+heapBase {
		t.Errorf("the limit is %d, want %d", got, int64(16<<30+heapBase))
	}
	restore()
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("the limit after the end is %d", got)
	}

	debug.SetMemoryLimit(5 << 30) // as GOMEMLIMIT does
	boundHeap(8 << 30)()
	if got := debug.SetMemoryLimit(-1); got != 5<<30 {
		t.Errorf("the limit of the environment became %d", got)
	}
	debug.SetMemoryLimit(math.MaxInt64)

	boundHeap(math.MaxInt64)() // 2 * counted would overflow
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("a --memory without an end set the limit %d", got)
	}
}
