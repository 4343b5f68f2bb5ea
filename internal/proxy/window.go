package proxy

import (
	"sync"
	"sync/atomic"
)

// Sizes of buffers, in bytes.
const (
	smallWindow = 1 << 10  // kept by an idle connection
	largeWindow = 64 << 10 // borrowed while more comes than fits into a small one
	mostWhole   = 16 << 20 // of a packet that is looked at as a whole
	wholeBudget = 256 << 20
)

var largeWindows = sync.Pool{New: func() any { return new([largeWindow]byte) }}

// budget bounds the memory for packets that do not fit into a large window, for all connections.
type budget struct{ left atomic.Int64 }

// take reports whether there are n bytes left, and takes them.
func (b *budget) take(n int) bool {
	if b.left.Add(int64(-n)) >= 0 {
		return true
	}
	b.left.Add(int64(n))
	return false
}

func (b *budget) put(n int) { b.left.Add(int64(n)) }

// window is the buffer of one direction: the bytes that were read and not handled yet.
type window struct {
	small    []byte
	buf      []byte             // small, borrowed or a larger one
	borrowed *[largeWindow]byte // nil if not borrowed
	taken    int                // bytes of the budget
	r, w     int                // buf[r:w] was read and not handled
	full     bool               // the last read filled the buffer
	memory   *budget
}

func newWindow(memory *budget) window {
	small := make([]byte, smallWindow)
	return window{small: small, buf: small, memory: memory}
}

// bytes returns what was read and not handled.
func (x *window) bytes() []byte { return x.buf[x.r:x.w] }

// done notes that the first n bytes are handled.
func (x *window) done(n int) { x.r += n }

// room returns space for the next read. If the buffer is full of bytes that are not handled, it
// grows, up to most bytes. It returns nil if it must not grow.
func (x *window) room(most int) []byte {
	switch left := x.buf[x.r:x.w]; {
	case len(x.buf) > largeWindow && len(left) == 0:
		x.release()
		x.borrow()
		x.r, x.w = 0, 0
	case x.full && len(x.buf) < largeWindow:
		x.borrow()
		x.r, x.w = 0, copy(x.buf, left)
	case x.r > 0 && (len(left) == 0 || len(x.buf)-x.w < len(x.buf)/2):
		x.r, x.w = 0, copy(x.buf, left)
	}
	if x.w < len(x.buf) {
		return x.buf[x.w:]
	}
	// The buffer is full from its beginning.
	size := min(2*len(x.buf), most)
	if size <= len(x.buf) || !x.memory.take(size) {
		return nil
	}
	grown := make([]byte, size)
	copy(grown, x.buf)
	x.release()
	x.buf, x.taken = grown, size
	return x.buf[x.w:]
}

// spare reports whether there is a large buffer without bytes to handle.
func (x *window) spare() bool { return len(x.buf) > smallWindow && x.r == x.w }

// shrink makes the small buffer the current one, unless there are bytes to handle.
func (x *window) shrink() {
	if x.r == x.w {
		x.release()
		x.buf, x.r, x.w, x.full = x.small, 0, 0, false
	}
}

// read notes that n bytes were read into the room.
func (x *window) read(n int) {
	x.w += n
	x.full = x.w == len(x.buf)
}

// borrow makes a large buffer of the pool the current one.
func (x *window) borrow() {
	x.borrowed = largeWindows.Get().(*[largeWindow]byte)
	x.buf = x.borrowed[:]
}

// release returns what the window has borrowed. Its bytes must not be used afterwards.
func (x *window) release() {
	if x.borrowed != nil {
		largeWindows.Put(x.borrowed)
		x.borrowed = nil
	}
	if x.taken > 0 {
		x.memory.put(x.taken)
		x.taken = 0
	}
	x.buf = nil
}
