package proto

import (
	"fmt"
	"io"
	"sync"
)

// Buffer sizes of a Reader, in bytes.
const (
	restBuffer  = 512     // what an idle reader keeps
	partBuffer  = 8 << 10 // what is borrowed first for a packet that does not fit
	floodBuffer = 1 << 17 // what is borrowed while more comes than fits
)

var parts = sync.Pool{New: func() any { return new([partBuffer]byte) }}

var floods = sync.Pool{New: func() any { return new([floodBuffer]byte) }}

// Reader cuts packets out of a byte stream. It keeps a small buffer and borrows a
// bigger one while a large packet or a flood asks for it. It belongs to one
// goroutine.
type Reader struct {
	src  io.Reader
	buf  []byte             // what is being filled: rest, lent or grown
	r, w int                // buf[r:w] came and was not taken yet
	size int32              // of the packet at buf[r:], as Peek found it; 0 if it has not looked
	head int32              // bytes of its fixed header
	full bool               // the last read filled buf: more is waiting
	lent *[floodBuffer]byte // from the pool, nil if not borrowed
	part *[partBuffer]byte  // likewise
	rest []byte
	max  int
}

// NewReader returns a Reader of src that takes packets of up to max bytes; 0 is the
// protocol's own limit.
func NewReader(src io.Reader, max int) *Reader {
	rest := make([]byte, restBuffer)
	return &Reader{src: src, rest: rest, buf: rest, max: max}
}

// SetMax changes the size of the largest packet taken, in bytes.
func (r *Reader) SetMax(max int) { r.max, r.size = max, 0 }

// Buffered returns the next packet if all of it has come. ok is false if more bytes
// are needed. The frame is good until the next Fill.
func (r *Reader) Buffered() (f Frame, ok bool, err error) {
	if r.size > 0 {
		f = r.peeked()
		r.r += int(r.size)
		r.size = 0
		return f, true, nil
	}
	f, n, err := Split(r.buf[r.r:r.w], r.max)
	if n == 0 || err != nil {
		return Frame{}, false, err
	}
	r.r += n
	return f, true, nil
}

// Peek is Buffered, but the packet stays the next one. A packet that Buffered would
// refuse is not ok.
func (r *Reader) Peek() (f Frame, ok bool) {
	if r.size > 0 {
		return r.peeked(), true
	}
	f, n, err := Split(r.buf[r.r:r.w], r.max)
	if n == 0 || err != nil {
		return Frame{}, false
	}
	r.size, r.head = int32(n), int32(n-len(f.Body))
	return f, true
}

func (r *Reader) peeked() Frame {
	b := r.buf[r.r : r.r+int(r.size) : r.r+int(r.size)]
	return Frame{First: b[0], Body: b[r.head:]}
}

// Ready tells whether Buffered has something to return without another read, be it
// an error.
func (r *Reader) Ready() bool {
	_, n, err := Split(r.buf[r.r:r.w], r.max)
	return n != 0 || err != nil
}

// Full tells whether the last Fill had no more room: more is likely to be waiting.
func (r *Reader) Full() bool { return r.full }

// Len returns how many bytes came and were not taken yet.
func (r *Reader) Len() int { return r.w - r.r }

// Bytes returns the bytes that came and were not taken yet. They are good until the next Fill.
func (r *Reader) Bytes() []byte { return r.buf[r.r:r.w] }

// Size returns how many bytes the next Fill holds besides what an idle reader keeps: it may take
// long. It makes room for that Fill.
func (r *Reader) Size() int {
	r.size = 0
	r.room()
	if len(r.buf) == restBuffer {
		return 0
	}
	return len(r.buf)
}

// Fill reads once. After an error that the source recovers from, such as a
// deadline that passed, another Fill goes on and nothing is lost. At the end of the
// stream inside a packet the error is io.ErrUnexpectedEOF.
func (r *Reader) Fill() error {
	r.size = 0
	r.room()
	n, err := r.src.Read(r.buf[r.w:])
	r.w += n
	r.full = r.w == len(r.buf)
	if n > 0 {
		return nil // an error comes again
	}
	if err == io.EOF && r.w > r.r {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Next returns the next packet, reading as often as it takes.
func (r *Reader) Next() (Frame, error) {
	for {
		f, ok, err := r.Buffered()
		if ok || err != nil {
			return f, err
		}
		if err := r.Fill(); err != nil {
			return Frame{}, err
		}
	}
}

// room makes space to read into. The buffer grows only when it is full of bytes
// that came: a length that a packet declares allocates nothing.
func (r *Reader) room() {
	if r.r == r.w {
		r.r, r.w = 0, 0
		switch {
		case r.full && len(r.buf) < floodBuffer:
			r.borrow()
			r.dropPart()
		case !r.full && len(r.buf) != restBuffer:
			r.buf = r.rest
			r.giveBack()
		}
		return
	}
	if r.w < len(r.buf) && r.r < len(r.buf)/2 {
		return
	}
	if r.r > 0 {
		r.w = copy(r.buf, r.buf[r.r:r.w])
		r.r = 0
		if r.full && len(r.buf) < floodBuffer {
			old := r.buf[:r.w]
			r.borrow()
			copy(r.buf, old)
			r.dropPart()
		}
	}
	if r.w < len(r.buf) {
		return
	}
	old, lent := r.buf, r.lent
	switch {
	case len(old) < partBuffer:
		r.part = parts.Get().(*[partBuffer]byte)
		r.buf = r.part[:]
	case len(old) < floodBuffer:
		r.borrow()
		copy(r.buf, old)
		r.dropPart()
		return
	default:
		r.lent = nil
		r.buf = make([]byte, 2*len(old))
	}
	copy(r.buf, old)
	if lent != nil {
		floods.Put(lent)
	}
}

func (r *Reader) borrow() {
	r.lent = floods.Get().(*[floodBuffer]byte)
	r.buf = r.lent[:]
}

func (r *Reader) giveBack() {
	if r.lent != nil {
		floods.Put(r.lent)
		r.lent = nil
	}
	r.dropPart()
}

func (r *Reader) dropPart() {
	if r.part != nil {
		parts.Put(r.part)
		r.part = nil
	}
}

// Close gives back what was borrowed. The reader is of no use afterwards.
func (r *Reader) Close() {
	r.giveBack()
	r.buf, r.r, r.w, r.size = nil, 0, 0, 0
}

func tooLarge(size, max int) string {
	return fmt.Sprintf("packet of %d bytes, more than the maximum of %d", size, max)
}
