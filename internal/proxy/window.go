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
	if x.r == x.w {
		x.r, x.w = 0, 0
		switch {
		case x.full && len(x.buf) < largeWindow:
			x.borrow()
		case !x.full && len(x.buf) != smallWindow || len(x.buf) > largeWindow:
			x.release()
			x.buf = x.small
		}
		return x.buf
	}
	if x.w < len(x.buf) {
		return x.buf[x.w:]
	}
	if x.r > 0 {
		x.w = copy(x.buf, x.buf[x.r:x.w])
		x.r = 0
		return x.buf[x.w:]
	}
	old := x.buf
	if len(old) >= most {
		return nil
	}
	if len(old) < largeWindow {
		x.borrow()
		copy(x.buf, old)
		return x.buf[x.w:]
	}
	size := min(2*len(old), most)
	if !x.memory.take(size) {
		return nil
	}
	grown := make([]byte, size)
	copy(grown, old)
	x.release()
	x.buf, x.taken = grown, size
	return x.buf[x.w:]
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
