package proto

import (
	"fmt"
	"io"
	"sync"
)

// Buffer sizes of a Reader, in bytes.
const (
	smallBuffer  = 512     // kept by an idle reader
	mediumBuffer = 8 << 10 // borrowed first for a packet that does not fit
	largeBuffer  = 1 << 17 // borrowed while more data arrives than fits
)

var mediumBuffers = sync.Pool{New: func() any { return new([mediumBuffer]byte) }}

var largeBuffers = sync.Pool{New: func() any { return new([largeBuffer]byte) }}

// Reader reads packets from a byte stream. It has a small buffer, and borrows a larger one for
// large packets and while much data arrives. It belongs to one goroutine.
type Reader struct {
	src      io.Reader
	buf      []byte              // current buffer: small, borrowed or a larger one
	r, w     int                 // buf[r:w] was received and not returned yet
	size     int32               // size of the packet at buf[r:] if Peek has found one, else 0
	head     int32               // length of its fixed header
	full     bool                // the last read filled buf, so more data is likely
	borrowed *[largeBuffer]byte  // from largeBuffers; nil if not borrowed
	medium   *[mediumBuffer]byte // from mediumBuffers; nil if not borrowed
	small    []byte
	max      int
}

// NewReader returns a Reader that reads from src and accepts packets of up to max bytes; 0 means
// the protocol's limit.
func NewReader(src io.Reader, max int) *Reader {
	small := make([]byte, smallBuffer)
	return &Reader{src: src, small: small, buf: small, max: max}
}

// SetMax sets the size of the largest packet that is accepted, in bytes.
func (r *Reader) SetMax(max int) { r.max, r.size = max, 0 }

// Buffered returns the next packet if it is in the buffer. ok is false if more bytes are needed.
// The frame is valid until the next Fill.
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

// Peek is like Buffered, but the next call returns the same packet again. ok is false if Buffered
// would return an error.
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

// peeked returns the packet that Peek has found.
func (r *Reader) peeked() Frame {
	b := r.buf[r.r : r.r+int(r.size) : r.r+int(r.size)]
	return Frame{First: b[0], Body: b[r.head:]}
}

// Ready reports whether Buffered would return a packet or an error.
func (r *Reader) Ready() bool {
	_, n, err := Split(r.buf[r.r:r.w], r.max)
	return n != 0 || err != nil
}

// Full reports whether the last Fill filled the buffer, so that more data is likely to be
// available.
func (r *Reader) Full() bool { return r.full }

// Len returns the number of bytes in the buffer.
func (r *Reader) Len() int { return r.w - r.r }

// Bytes returns the bytes in the buffer. They are valid until the next Fill.
func (r *Reader) Bytes() []byte { return r.buf[r.r:r.w] }

// Size makes room for the next Fill, and returns the size of the buffer if that is not the small
// one of an idle Reader, else 0. It tells the owner what a Fill that may take long will hold.
func (r *Reader) Size() int {
	r.size = 0
	r.makeRoom()
	if len(r.buf) == smallBuffer {
		return 0
	}
	return len(r.buf)
}

// Fill reads once. After a temporary error of the source, such as a deadline, another Fill
// continues and no data is lost. If the stream ends within a packet, the error is
// io.ErrUnexpectedEOF.
func (r *Reader) Fill() error {
	r.size = 0
	r.makeRoom()
	n, err := r.src.Read(r.buf[r.w:])
	r.w += n
	r.full = r.w == len(r.buf)
	if n > 0 {
		return nil // the next read returns the error again
	}
	if err == io.EOF && r.w > r.r {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Next returns the next packet. It reads until the packet is complete.
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

// makeRoom makes room in the buffer. The buffer only grows when it is full of received bytes: the
// length that a packet declares allocates nothing.
func (r *Reader) makeRoom() {
	if r.r == r.w {
		r.r, r.w = 0, 0
		switch {
		case r.full && len(r.buf) < largeBuffer:
			r.borrow()
			r.releaseMedium()
		case !r.full && len(r.buf) != smallBuffer:
			r.buf = r.small
			r.release()
		}
		return
	}
	if r.w < len(r.buf) && r.r < len(r.buf)/2 {
		return
	}
	if r.r > 0 {
		r.w = copy(r.buf, r.buf[r.r:r.w])
		r.r = 0
		if r.full && len(r.buf) < largeBuffer {
			old := r.buf[:r.w]
			r.borrow()
			copy(r.buf, old)
			r.releaseMedium()
		}
	}
	if r.w < len(r.buf) {
		return
	}
	old, large := r.buf, r.borrowed
	switch {
	case len(old) < mediumBuffer:
		r.medium = mediumBuffers.Get().(*[mediumBuffer]byte)
		r.buf = r.medium[:]
	case len(old) < largeBuffer:
		r.borrow()
		copy(r.buf, old)
		r.releaseMedium()
		return
	default:
		r.borrowed = nil
		r.buf = make([]byte, 2*len(old))
	}
	copy(r.buf, old)
	if large != nil {
		largeBuffers.Put(large)
	}
}

// borrow makes a large buffer from the pool the current one.
func (r *Reader) borrow() {
	r.borrowed = largeBuffers.Get().(*[largeBuffer]byte)
	r.buf = r.borrowed[:]
}

// release returns the borrowed buffers to their pools.
func (r *Reader) release() {
	if r.borrowed != nil {
		largeBuffers.Put(r.borrowed)
		r.borrowed = nil
	}
	r.releaseMedium()
}

// releaseMedium returns the medium buffer to its pool.
func (r *Reader) releaseMedium() {
	if r.medium != nil {
		mediumBuffers.Put(r.medium)
		r.medium = nil
	}
}

// Close returns the borrowed buffers. The Reader must not be used afterwards.
func (r *Reader) Close() {
	r.release()
	r.buf, r.r, r.w, r.size = nil, 0, 0, 0
}

// tooLarge returns the text of the error for a packet that is too large.
func tooLarge(size, max int) string {
	return fmt.Sprintf("packet of %d bytes, more than the maximum of %d", size, max)
}
