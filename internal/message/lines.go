package message

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"mqtt/internal/cli"
	"mqtt/internal/connect"
	"mqtt/internal/proto"
)

// LineOptions say how lines become messages.
type LineOptions struct {
	Base        proto.Publish // of every message, but for the payload and, with a Key, the topic
	Delimiter   []byte        // ends a line; not empty
	Key         []byte        // separates the topic from the payload; empty: a line is the payload
	SkipEmpty   bool          // leave out empty lines
	RejectEmpty bool          // an empty payload is an error: it would clear a retained message
	Warn        func(string)  // told of a topic that ends in a carriage return, once; may be nil
	Wake        func()        // called by another goroutine when Next may succeed after ErrWait; may be nil
	Read        *atomic.Int64 // counts the bytes of the input that were read; may be nil
}

// Lines yields a message for each line of an input, byte for byte and without the delimiter. A
// second goroutine reads blocks of lines and calls Wake; there is no channel operation for each
// line. That goroutine ends at the end of the input, or with its first block after Close. A regular
// file never makes its reader wait: Next reads it itself, and there is no second goroutine that
// takes turns with it.
type Lines struct {
	o      LineOptions
	in     io.Reader
	inline bool // Next reads the input itself

	full chan *block
	free chan *block
	quit chan struct{}

	warned bool

	cur  *block
	text []byte // of cur, not yielded yet
	line uint64 // lines taken from the input
	msg  Message
	err  error
}

// NewLines returns the lines of in.
func NewLines(in io.Reader, o LineOptions) *Lines {
	l := &Lines{
		o: o, in: in, msg: Message{Publish: o.Base}, inline: regular(in),
		full: make(chan *block, blocks), free: make(chan *block, blocks), quit: make(chan struct{}),
	}
	if l.inline {
		return l
	}
	for range blocks {
		l.free <- &block{}
	}
	go l.readAhead()
	return l
}

// regular reports whether in is a regular file.
func regular(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular()
}

// Due returns zero: Wake is called when there are more lines.
func (l *Lines) Due() time.Time { return time.Time{} }

// Close ends the goroutine that reads ahead, once its read returns.
func (l *Lines) Close() error {
	close(l.quit)
	return nil
}

// readAhead cuts the input into blocks of whole lines. It hands over what has come at once: a line
// never waits for more input than its own delimiter.
func (l *Lines) readAhead() {
	defer close(l.full)
	var rest []byte
	for {
		var b *block
		select {
		case b = <-l.free:
		case <-l.quit:
			return
		}
		rest = b.fill(l.in, rest, l.o.Delimiter)
		l.count(b)
		l.full <- b
		if l.o.Wake != nil {
			l.o.Wake()
		}
		if b.err != nil {
			return
		}
	}
}

func (l *Lines) count(b *block) {
	if l.o.Read != nil {
		l.o.Read.Add(int64(len(b.text)))
	}
}

// Next returns the next line.
func (l *Lines) Next(time.Time) (*Message, error) {
	for {
		for len(l.text) > 0 {
			n := find(l.text, l.o.Delimiter)
			line := l.text
			if n >= 0 {
				line, l.text = line[:n], line[n+len(l.o.Delimiter):]
			} else {
				l.text = nil // the last line, without delimiter
			}
			l.line++
			if len(line) == 0 && l.o.SkipEmpty {
				continue
			}
			l.msg.Number, l.msg.Payload = l.line, line
			if len(l.o.Key) == 0 && len(line) > 0 {
				return &l.msg, nil
			}
			return &l.msg, l.split(&l.msg)
		}
		if err := l.more(); err != nil {
			return nil, err
		}
	}
}

// find returns the index of sep in b, or -1. sep is mostly one byte.
func find(b, sep []byte) int {
	if len(sep) == 1 {
		return bytes.IndexByte(b, sep[0])
	}
	return bytes.Index(b, sep)
}

// split divides the line in m.Payload at the key delimiter, and checks what is left.
func (l *Lines) split(m *Message) error {
	if len(l.o.Key) > 0 {
		i := find(m.Payload, l.o.Key)
		if i < 0 {
			return badLine(fmt.Sprintf("line %d: no %q after a topic", l.line, l.o.Key), "with -K each line is TOPIC, the separator, PAYLOAD")
		}
		m.Topic, m.Payload = m.Payload[:i], m.Payload[i+len(l.o.Key):]
		if l.line == 1 {
			m.Topic = bytes.TrimPrefix(m.Topic, byteOrderMark)
		}
		if l.o.Warn != nil && !l.warned && bytes.HasSuffix(m.Topic, []byte("\r")) {
			l.warned = true
			l.o.Warn(carriageReturn(l.line, m.Topic))
		}
	}
	if len(m.Payload) == 0 && l.o.RejectEmpty {
		return badLine(fmt.Sprintf("line %d is empty: with -r it would clear the retained message", l.line),
			"--skip-empty skips it, --allow-clear allows it")
	}
	return nil
}

// byteOrderMark is what some editors write before the text of a file.
var byteOrderMark = []byte("\ufeff")

// carriageReturn returns the warning for a line whose topic ends in a carriage return.
func carriageReturn(line uint64, topic []byte) (text string) {
	connect.WarnCarriageReturn(func(form string, args ...any) { text = fmt.Sprintf(form, args...) }, lineName(line), string(topic))
	return text
}

// more makes the next block the current one.
func (l *Lines) more() error {
	if l.cur != nil {
		if l.err = l.cur.err; l.err == nil && !l.inline {
			l.free <- l.cur
			l.cur = nil
		}
	}
	switch {
	case l.err == io.EOF:
		return io.EOF
	case l.err == errLongLine:
		return &BadLine{cli.Fail(cli.ExitPublish, "split it into several messages", "line %d: %w", l.line+1, l.err), true}
	case l.err != nil:
		return fmt.Errorf("read stdin: %w", l.err)
	}
	if l.inline {
		if l.cur == nil {
			l.cur = &block{}
		}
		l.text = nil
		l.cur.fill(l.in, l.cur.rest, l.o.Delimiter)
		l.count(l.cur)
		l.text = l.cur.text
		return nil
	}
	select {
	case b, ok := <-l.full:
		if !ok {
			return io.EOF
		}
		l.cur, l.text = b, b.text
		return nil
	default:
		return ErrWait
	}
}
