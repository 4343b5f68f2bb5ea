package main

import (
	"errors"
	"fmt"
	"io"
)

// frames cuts packets out of a stream. Its buffer starts small, so that thousands
// of idle connections are cheap, and doubles while the peer fills it.
type frames struct {
	from       io.Reader
	buf        []byte
	start, end int
}

const (
	smallBuffer = 4 << 10
	wideBuffer  = 256 << 10
)

func newFrames(from io.Reader) *frames {
	return &frames{from: from, buf: make([]byte, smallBuffer)}
}

// next returns the next packet that is already in the buffer: its first byte and
// its body, good until fill. ok is false when more bytes are needed.
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
	all := 1 + n + length
	if len(b) < all {
		return 0, nil, false, nil
	}
	f.start += all
	return b[0], b[1+n : all], true, nil
}

// fill waits for more bytes, once. What next returned is gone afterwards.
func (f *frames) fill() error {
	if f.start > 0 {
		f.end = copy(f.buf, f.buf[f.start:f.end])
		f.start = 0
	}
	if f.end == len(f.buf) {
		if len(f.buf) >= 2*largestPacket {
			return errors.New("a packet larger than the standard allows")
		}
		f.grow()
	}
	n, err := f.from.Read(f.buf[f.end:])
	f.end += n
	if n > 0 {
		if f.end == len(f.buf) && len(f.buf) < wideBuffer {
			f.grow()
		}
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

func (f *frames) grow() {
	wider := make([]byte, 2*len(f.buf))
	f.end = copy(wider, f.buf[f.start:f.end])
	f.start = 0
	f.buf = wider
}

// wait returns the next packet, waiting for it when it must.
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
