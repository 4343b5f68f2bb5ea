package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync/atomic"

	"mqtt/internal/conn"
	"mqtt/internal/proto"
)

const (
	blockSize = 256 << 10 // bytes read at once; a block is as large as its longest line asks for
	blockMost = 16 << 20  // beyond that, a line's memory is given back as soon as it can be
	blocks    = 3         // in use: one being read, one waiting, one being published
)

// block is many whole lines as they were read.
type block struct {
	buf  []byte
	text []byte // whole lines, each with its delimiter; the last of all may lack it
	rest []byte // of the read: the beginning of the next block's first line
	err  error  // what ended the input after this block
}

// lines is the messages of -l. A second goroutine reads blocks and rings Wake; there is no channel operation for each
// line. The goroutine ends at the end of input, or after close at its next block.
type lines struct {
	f      *payloadFlags
	in     io.Reader
	delim  []byte
	key    []byte
	strict bool         // an empty line is refused: it would clear a retained message
	read   atomic.Int64 // bytes of the input
	inline bool         // the owner reads

	full  chan *block
	free  chan *block
	owner atomic.Pointer[conn.Conn] // whom to wake
	quit  chan struct{}

	cur  *block
	text []byte // of cur, not published yet
	line uint64 // lines taken from the input
	err  error
}

func newLines(in io.Reader, f *payloadFlags, strict bool) *lines {
	l := &lines{
		f: f, in: in, inline: regular(in), delim: []byte(f.delimiter), key: []byte(f.keyDelimiter), strict: strict,
		full: make(chan *block, blocks), free: make(chan *block, blocks), quit: make(chan struct{}),
	}
	if l.inline {
		return l
	}
	for range blocks {
		l.free <- &block{}
	}
	go l.cut()
	return l
}

// regular tells whether in is a plain file, which never makes its reader wait: then the owner reads it itself, and there
// is no second goroutine that takes turns with it.
func regular(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular()
}

func (l *lines) close() { close(l.quit) }

// cut makes blocks of the input of whole lines. What has come is handed over at once: a line never waits for more
// input than its own delimiter.
func (l *lines) cut() {
	defer close(l.full)
	var rest []byte
	for {
		var b *block
		select {
		case b = <-l.free:
		case <-l.quit:
			return
		}
		rest = b.fill(l.in, rest, l.delim)
		l.read.Add(int64(len(b.text)))
		l.full <- b
		if c := l.owner.Load(); c != nil {
			c.Wake()
		}
		if b.err != nil {
			return
		}
	}
}

// fill reads until at least one line is whole. rest is what the block before left over.
func (b *block) fill(in io.Reader, rest, delim []byte) []byte {
	n := len(rest)
	b.text, b.rest = nil, nil // of a buffer that may go
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
			return nil
		}
		if i := bytes.LastIndex(b.buf[from:n], delim); i >= 0 {
			end := from + i + len(delim)
			b.text, b.rest = b.buf[:end], b.buf[end:n]
			return b.rest
		}
	}
}

// grow makes the buffer one of size bytes that begins with what is kept. The collector would let a line of a hundred
// megabytes and all its smaller beginnings stand beside each other: it is called in between.
func (b *block) grow(size int, kept []byte) {
	next := make([]byte, size)
	copy(next, kept)
	large := len(b.buf) > blockMost/2
	if b.buf = next; large {
		debug.FreeOSMemory()
	}
}

var errLongLine = fmt.Errorf("longer than an MQTT packet can be (268,435,455 bytes)")

// next gives the publisher the next line, without its delimiter, byte for byte.
func (l *lines) next(p *publisher, c *conn.Conn) (uint64, error) {
	for {
		for len(l.text) > 0 {
			n := find(l.text, l.delim)
			line := l.text
			if n >= 0 {
				line, l.text = line[:n], line[n+len(l.delim):]
			} else {
				l.text = nil // the last line, without delimiter
			}
			l.line++
			if len(line) == 0 && (l.f.skipEmpty || l.f.records) {
				continue
			}
			if len(l.key) == 0 && len(line) > 0 {
				p.msg.Payload = line
				return l.line, nil
			}
			return l.line, l.message(p, line)
		}
		if err := l.more(c); err != nil {
			return 0, err
		}
	}
}

// find is where the first sep stands: one byte, mostly.
func find(b, sep []byte) int {
	if len(sep) == 1 {
		return bytes.IndexByte(b, sep[0])
	}
	return bytes.Index(b, sep)
}

// message makes a line the message.
func (l *lines) message(p *publisher, line []byte) error {
	if len(l.key) > 0 {
		i := find(line, l.key)
		if i < 0 {
			return usage(fmt.Sprintf("line %d: no %q behind a topic", l.line, l.key), "with -K each line is TOPIC, the separator, PAYLOAD")
		}
		p.msg.Topic, line = line[:i], line[i+len(l.key):]
	}
	if len(line) == 0 && l.strict {
		return usage(fmt.Sprintf("line %d is empty: with -r it would clear the retained message", l.line),
			"--skip-empty leaves it out, --allow-clear means it")
	}
	p.msg.Payload = line
	return nil
}

// more takes the next block.
func (l *lines) more(c *conn.Conn) error {
	if l.cur != nil {
		if l.err = l.cur.err; l.err == nil && !l.inline {
			l.free <- l.cur
			l.cur = nil
		}
	}
	switch {
	case l.err == io.EOF:
		return errEnd
	case l.err == errLongLine:
		return fail(exitPublish, "cut it in pieces", "line %d: %w", l.line+1, l.err)
	case l.err != nil:
		return fmt.Errorf("read stdin: %w", l.err)
	}
	if l.inline {
		if l.cur == nil {
			l.cur = &block{}
		}
		l.text = nil
		l.cur.fill(l.in, l.cur.rest, l.delim)
		l.read.Add(int64(len(l.cur.text)))
		l.text = l.cur.text
		return nil
	}
	l.owner.Store(c)
	select {
	case b, ok := <-l.full:
		if !ok {
			return errEnd
		}
		l.cur, l.text = b, b.text
		return nil
	default:
		return errWait
	}
}
