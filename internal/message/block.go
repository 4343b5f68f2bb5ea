package message

import (
	"bytes"
	"errors"
	"io"
	"runtime/debug"

	"mqtt/internal/proto"
)

const (
	blockSize = 256 << 10 // bytes read at once; a longer line makes its block as large as itself
	blockMost = 16 << 20  // the memory of a larger block is freed as soon as shorter lines follow
	blocks    = 3         // in use: one being read, one waiting, one being published
)

var errLongLine = errors.New("longer than an MQTT packet can be (268,435,455 bytes)")

// block is a number of whole lines as they were read.
type block struct {
	buf  []byte
	text []byte // whole lines, each with its delimiter; at io.EOF the last line may lack it
	rest []byte // read after text: the beginning of the next block's first line
	err  error  // ended the input after this block
}

// fill reads until the block holds at least one whole line. rest is the rest of the block before.
// fill returns its own rest.
func (b *block) fill(in io.Reader, rest, delim []byte) []byte {
	n := len(rest)
	b.text, b.rest = nil, nil // they are parts of a buffer that grow may replace
	if len(b.buf) < max(blockSize, 2*n) || len(b.buf) > blockMost && n < blockMost/4 {
		b.grow(max(blockSize, 2*n), rest)
	} else {
		copy(b.buf, rest)
	}
	b.err = nil
	for {
		if n == len(b.buf) {
			if n > proto.MaxRemaining {
				b.text, b.rest, b.err = nil, nil, errLongLine
				return nil
			}
			b.grow(2*n, b.buf)
		}
		m, err := in.Read(b.buf[n:])
		from := max(0, n-len(delim)+1)
		n += m
		if err != nil {
			b.text, b.rest, b.err = b.buf[:n], nil, err
			if err != io.EOF { // only the end of the input completes a line without a delimiter
				b.text = wholeLines(b.text, delim)
			}
			return nil
		}
		if i := bytes.LastIndex(b.buf[from:n], delim); i >= 0 {
			end := from + i + len(delim)
			b.text, b.rest = b.buf[:end], b.buf[end:n]
			return b.rest
		}
	}
}

// wholeLines returns b up to its last delimiter.
func wholeLines(b, delim []byte) []byte {
	i := bytes.LastIndex(b, delim)
	if i < 0 {
		return nil
	}
	return b[:i+len(delim)]
}

// grow replaces the buffer by one of size bytes that begins with start. A line of a hundred
// megabytes outgrows several large buffers, one after the other: the memory of each is freed at
// once, or the collector would keep them all.
func (b *block) grow(size int, start []byte) {
	next := make([]byte, size)
	copy(next, start)
	large := len(b.buf) > blockMost/2
	if b.buf = next; large {
		debug.FreeOSMemory()
	}
}
