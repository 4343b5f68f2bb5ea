package main

import (
	"errors"
	"fmt"
	"io"
)

// frames splits a stream into packets. Its buffer starts small, so that thousands of idle
// connections need little memory, and doubles while the peer fills it.
type frames struct {
	from       io.Reader
	buf        []byte
	start, end int
}

const (
	smallBuffer = 4 << 10
	largeBuffer = 256 << 10
)

func newFrames(from io.Reader) *frames {
	return &frames{from: from, buf: make([]byte, smallBuffer)}
}

// next returns the first byte and the body of the next packet in the buffer, which are good
// until fill. ok is false if more bytes are needed.
func (f *frames) next() (head byte, body []byte, ok bool, err error) {
	b := f.buf[f.start:f.end]
	if len(b) < 2 {
		return 0, nil, false, nil
	}
	length, n := int(b[1]), 1
	if length >= 0x80 {
		length, n = varint(b[1:])
		if n < 0 {
			return 0, nil, false, fmt.Errorf("remaining length: %w", errMalformed)
		}
		if n == 0 {
			return 0, nil, false, nil
		}
	}
	size := 1 + n + length
	if len(b) < size {
		return 0, nil, false, nil
	}
	f.start += size
	return b[0], b[1+n : size], true, nil
}

// fill reads more bytes, once. Results of next are no longer good then.
func (f *frames) fill() error {
	if f.start > 0 {
		f.end = copy(f.buf, f.buf[f.start:f.end])
		f.start = 0
	}
	if f.end == len(f.buf) {
		if len(f.buf) >= 2*largestPacket {
			return errors.New("the packet is larger than the standard allows")
		}
		f.grow()
	}
	n, err := f.from.Read(f.buf[f.end:])
	f.end += n
	if n > 0 {
		if f.end == len(f.buf) && len(f.buf) < largeBuffer {
			f.grow()
		}
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// grow doubles the buffer.
func (f *frames) grow() {
	larger := make([]byte, 2*len(f.buf))
	f.end = copy(larger, f.buf[f.start:f.end])
	f.start = 0
	f.buf = larger
}

// wait returns the next packet, and reads until it is complete.
func (f *frames) wait() (head byte, body []byte, err error) {
	for {
		head, body, ok, err := f.next()
		if ok || err != nil {
			return head, body, err
		}
		if err := f.fill(); err != nil {
			return 0, nil, err
		}
	}
}
